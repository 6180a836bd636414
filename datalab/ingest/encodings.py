"""Bytes of any known encoding to valid UTF-8, chunk by chunk; the guess of legacy encodings, no BOM handling of text.

The rules are those of docs/spec/validation.md#5-text-decoding. A byte order mark of UTF-16 belongs to the encoding and
is removed here; one of UTF-8 is a character of the text and is left to the caller.
"""

from __future__ import annotations

import codecs
from typing import Protocol

from chardetng_py import EncodingDetector

from datalab.ingest import legacy

UTF_8 = "utf-8"
UTF_16LE = "utf-16-le"
UTF_16BE = "utf-16-be"

# The guesser gives Python's names for encodings whose standard names are unknown to Python, or mean others there.
_STANDARD_NAMES = {"gb18030": "GBK", "cp874": "windows-874"}
_REPLACEMENT_UTF_8 = "\ufffd".encode()


class Decoder(Protocol):
    """Decodes a stream piece by piece; malformed input becomes U+FFFD and is counted in `replaced`."""

    replaced: int

    def decode(self, data: bytes, *, final: bool = False) -> bytes:
        """Return the valid UTF-8 text of `data`, except an incomplete character at its end unless `final`."""
        ...


def guess(sample: bytes) -> str:
    """Return the name of the legacy encoding that `sample` seems to be in, spelled as in reports.

    >>> guess("café déjà vu".encode("latin-1"))
    'windows-1252'
    """
    detector = EncodingDetector()
    detector.feed(sample, last=True)
    name = str(detector.guess(tld=None, allow_utf8=False))
    return _STANDARD_NAMES.get(name, name)


def decoder(encoding: str) -> Decoder:
    """Return a fresh decoder for `encoding`: one of the constants of this module or a name that `guess` returns."""
    if encoding == UTF_8:
        return _Utf8Decoder()
    if encoding in (UTF_16LE, UTF_16BE):
        return _Utf16Decoder(encoding)
    return legacy.decoder(encoding)


class _Utf8Decoder:
    """Returns well-formed text unchanged; only damaged chunks are rebuilt."""

    def __init__(self) -> None:
        self.replaced = 0
        self._cut_off = b""

    def decode(self, data: bytes, *, final: bool = False) -> bytes:
        if self._cut_off:
            data = self._cut_off + data
            self._cut_off = b""
        if data.isascii():
            return data
        if not final:
            whole = len(data) - _cut_off_length(data)
            if whole != len(data):
                self._cut_off = data[whole:]
                data = data[:whole]
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            text = data.decode("utf-8", "replace")
            # A U+FFFD of the file itself is always these three bytes, and they are never part of another character.
            self.replaced += text.count("\ufffd") - data.count(_REPLACEMENT_UTF_8)
            return text.encode("utf-8")
        return data


def _cut_off_length(data: bytes) -> int:
    """Return how many last bytes begin a sequence that needs more; a lead byte always begins a new character."""
    for back in range(1, min(3, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            needed = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2
            return back if back < needed else 0
        if byte < 0x80:
            return 0
    return 0


class _Utf16Decoder:
    """UTF-16 with a known byte order; one byte order mark at the beginning is dropped."""

    def __init__(self, encoding: str) -> None:
        self.replaced = 0
        self._at_start = True
        self._decoder = codecs.getincrementaldecoder(encoding)(legacy.MARK_MALFORMED)

    def decode(self, data: bytes, *, final: bool = False) -> bytes:
        text = self._decoder.decode(data, final)
        if self._at_start and text:
            self._at_start = False
            text = text.removeprefix("\ufeff")
        count, text = legacy.replace_marks(text)
        self.replaced += count
        return text.encode("utf-8")
