"""Writes hostile files without holding them, and runs `datalab` while its memory is measured; no test is here."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa

from tests.commands import COMMAND, environment

LIMIT = 1536 << 20
"""What a process may have in memory, whatever a file says."""
MIB = 1 << 20

Text = list[tuple[bytes, int]]
"""A text as pieces, each with how often it is repeated."""


@dataclass(frozen=True)
class Measured:
    """What a command did."""

    code: int
    out: str
    err: str
    peak: int
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def measured(*arguments: str | Path, **extra: str) -> Measured:
    """Run `datalab`; a process that needs more than the limit is killed, so that the machine survives the attack."""
    begun = time.monotonic()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = subprocess.Popen(
            [COMMAND, *map(str, arguments)], stdout=out, stderr=err, env=environment(**extra), stdin=subprocess.DEVNULL
        )
        ended = threading.Event()
        guard = threading.Thread(target=_kill_when_large, args=(started.pid, ended))
        guard.start()
        _, status, usage = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
        ended.set()
        guard.join()
        out.seek(0)
        err.seek(0)
        seconds = time.monotonic() - begun
        return Measured(started.returncode, out.read(), err.read(), usage.ru_maxrss << 10, seconds)


def _kill_when_large(pid: int, ended: threading.Event) -> None:
    try:
        process = psutil.Process(pid)
        while not ended.wait(0.05):
            if process.memory_info().rss > LIMIT + 256 * MIB:
                process.kill()
    except psutil.NoSuchProcess:
        pass


def write_text(path: Path, text: Text) -> Path:
    """Write a text as it is."""
    with path.open("wb") as file:
        for piece, times in text:
            for _ in range(times):
                file.write(piece)
    return path


def write_utf_16(path: Path, text: Text) -> Path:
    """Write an ASCII text in UTF-16."""
    return write_text(path, [(b"\xff\xfe", 1), *((piece.decode().encode("utf-16-le"), times) for piece, times in text)])


def write_gzip(path: Path, text: Text) -> Path:
    """Write a text as a gzip; every piece is compressed once."""
    crc, size = _checksum(text)
    with path.open("wb") as file:
        file.write(b"\x1f\x8b\x08\0\0\0\0\0\0\xff")
        for piece in _deflated(text):
            file.write(piece)
        file.write(struct.pack("<2L", crc, size & 0xFFFFFFFF))
    return path


def write_zip(path: Path, text: Text, *, zstd: bool = False) -> Path:
    """Write a text as the only member of a zip; every piece is compressed once."""
    crc, size = _checksum(text)
    name, method = b"a.csv", 93 if zstd else 8
    with path.open("wb") as file:
        file.write(struct.pack("<4s5H3L2H", b"PK\x03\x04", 45, 0, method, 0, 0, 0, 0, 0, len(name), 0) + name)
        begun = file.tell()
        for piece in _zstd(text) if zstd else _deflated(text):
            file.write(piece)
        end = file.tell()
        sizes = (end - begun, size)
        wide = struct.pack("<2H2Q", 1, 16, size, sizes[0])
        unknown = 0xFFFFFFFF
        central = struct.pack(
            "<4s6H3L5H2L",
            *(b"PK\x01\x02", 45, 45, 0, method, 0, 0, crc, unknown, unknown, len(name), len(wide), 0, 0, 0, 0, 0),
        )
        file.write(central + name + wide)
        length = file.tell() - end
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, length, end, 0))
    return path


def _deflated(text: Text) -> Iterator[bytes]:
    for piece, times in text:
        compressor = zlib.compressobj(9, wbits=-15)
        block = compressor.compress(piece) + compressor.flush(zlib.Z_FULL_FLUSH)
        for _ in range(times):
            yield block
    yield zlib.compressobj(9, wbits=-15).flush()


def _zstd(text: Text) -> Iterator[bytes]:
    for piece, times in text:
        frame = pa.Codec("zstd").compress(piece, asbytes=True)
        for _ in range(times):
            yield frame


def _checksum(text: Text) -> tuple[int, int]:
    """Return the checksum of a text that is short enough to be read to its end, and its size."""
    size = sum(len(piece) * times for piece, times in text)
    crc = 0
    for piece, times in text if size <= 1 << 30 else ():
        for _ in range(times):
            crc = zlib.crc32(piece, crc)
    return crc, size
