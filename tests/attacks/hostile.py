"""Writes hostile files without holding them, and checks them while memory is measured; no test is here."""

from __future__ import annotations

import contextlib
import json
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil
import pyarrow as pa

from tests.commands import environment
from tests.labs import wire_lab

LIMIT = 1536 << 20
"""What a process may have in memory, whatever a file says."""
MIB = 1 << 20

Text = list[tuple[bytes, int]]
"""A text as pieces, each with how often it is repeated."""


@dataclass(frozen=True)
class Measured:
    """What a check gave, and what it took."""

    report: dict[str, Any]
    rows: int
    peak: int
    seconds: float

    @property
    def only_error(self) -> tuple[str, int, str]:
        """The code, row and message of the one error of a file that failed as a whole."""
        assert self.report["outcome"] == "FAILED" and self.rows == 0
        [error] = self.report["schema"]["recordedErrors"]
        return error["code"], error["row"], error["message"]


class Checker:
    """A process of its own that checks one file after the other; it is killed when it needs more than the limit."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.checking"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env=environment(),
        )
        self._ended = threading.Event()
        self._guard = threading.Thread(target=_kill_when_large, args=(self._process.pid, self._ended))
        self._guard.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._guard.join()
        self._process.kill()
        self._process.communicate()

    def check(self, path: Path, dataset: str = "segments", **lab: Any) -> Measured:
        """Check a file, and remove it.

        Args:
            path: the file.
            dataset: which dataset it is.
            lab: keys of the definition.
        """
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([str(path), dataset, wire_lab(**lab)]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        path.unlink()
        assert answer, f"it needed more than {LIMIT >> 20} MiB and was killed, or ended with an error"
        found = Measured(**json.loads(answer))
        print(f"{path.name}: {found.peak >> 20} MiB, {found.seconds:.1f} s")
        assert found.peak < LIMIT, f"{found.peak >> 20} MiB"
        return found


def _kill_when_large(pid: int, ended: threading.Event) -> None:
    """Kill a process that needs too much, so that the machine survives the attack."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        while not ended.wait(0.02):
            if process.memory_info().rss > LIMIT + 256 * MIB:
                process.kill()


def write_text(path: Path, text: Text) -> Path:
    """Write a text as it is."""
    with path.open("wb") as file:
        for piece, times in text:
            for _ in range(times):
                file.write(piece)
    return path


def write_returns(path: Path, text: Text) -> Path:
    """Write a text whose lines end with CR."""
    return write_text(path, [(piece.replace(b"\n", b"\r"), times) for piece, times in text])


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


def write_zstd(path: Path, text: Text) -> Path:
    """Write a text as the only member, a Zstandard one, of a zip."""
    return write_zip(path, text, zstd=True)


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
