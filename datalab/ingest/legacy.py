"""Legacy encodings as browsers decode them (the WHATWG tables), where Python's codecs differ; it guesses no encoding.

Malformed input first becomes `MALFORMED`, a single surrogate that decoders yield in no other case. This separates
inserted replacement characters from those of the file, to count them.
"""

from __future__ import annotations

import codecs
import functools
import re
from collections.abc import Callable, Mapping

MALFORMED = "\udfff"
MARK_MALFORMED = "datalab.mark_malformed"
"""Name of the codec error handler that turns each malformed sequence into one `MALFORMED`."""

_SINGLE_BYTE = {
    "IBM866": "cp866",
    "KOI8-U": "koi8_u",
    "windows-874": "cp874",
    **{f"windows-{number}": f"cp{number}" for number in range(1250, 1259)},
    **{f"ISO-8859-{number}": f"iso8859_{number}" for number in (2, 4, 5, 6, 7, 8, 13)},
}
_SINGLE_BYTE_EXCEPTIONS = {"KOI8-U": {0xAE: "\u045e", 0xBE: "\u040e"}, "windows-1255": {0xCA: "\u05ba"}}
_MULTI_BYTE = {
    "Big5": "big5hkscs",
    "EUC-JP": "euc_jp",
    "EUC-KR": "cp949",
    "GBK": "gb18030",
    "Shift_JIS": "cp932",
}

_UNASSIGNED_GB18030 = re.compile(rb"[\x81-\xfe][0-9][\x81-\xfe][0-9]")

# Characters that Python yields, and those of the standard. Python's characters have no other code in their encoding.
_OTHER_CHARACTERS: Mapping[str, Mapping[str, str]] = {
    "Big5": dict(zip("•､‾∼♁☉¥¢£", "‧﹑¯～⊕⊙￥￠￡", strict=True)),
    "EUC-JP": dict(zip("〜‖−¢£¬", "～∥－￠￡￢", strict=True)),
    "EUC-KR": {},
    "GBK": dict(
        zip(
            "\ue5e5\ue78d\ue78e\ue78f\ue790\ue791\ue792\ue793\ue794\ue795\ue796"
            "\ue7c7\ue81e\ue826\ue82b\ue82c\ue832\ue843\ue854\ue864",
            "\u3000\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16\ufe17\ufe18\ufe19"
            "\u1e3f\u9fb4\u9fb5\u9fb6\u9fb7\u9fb8\u9fb9\u9fba\u9fbb",
            strict=True,
        )
    ),
    "Shift_JIS": dict.fromkeys("\uf8f0\uf8f1\uf8f2\uf8f3", MALFORMED),
}

# Codes that Python lacks: the first code of a run in hexadecimal, then the characters of the run.
_BIG5_ADDITIONS = """
877a㡵𡵓𣚞𦀡㻬
87a1𥣞㫵竼龗𤅡𨤍𣇪𠪊𣉞䌊蒄龖鐯䤰蘓墖靊鈘秐稲晠権袝瑌篅枂稬剏遆㓦珄𥶹瓆鿇垳䤯呌䄱𣚎堘穲𧭥讏䚮𦺈䆁𥶙箮𢒼鿈𢓁𢓉𢓌鿉蔄𣖻䂴鿊䓡𪷿拁灮鿋
8e69箸 8e6f簆 8e7e糎 8eab緒 8eb4縝 8ecd者 8ed0耨 8f57菁 8f69蒨 8f6e萏 8fcb覦覩 8ffe起 906d都 907a銹 90dc靜
90f1響 91bf鼖 9244蔃 92af兙兛兝兞 92c8鍮 92d1瑹 9447浧 94ca禛 95d9邗 9644靝 96ed瀞 96fc嬨 9b76爁 9b78矗
9b7b纇 9bc6駖 9bde釔 9bec惞 9bf6澶 9c42輶 9c53侻 9c62營 9c68鄄 9c6b鷰 9c77菏 9cbc尐秣 9cd0婧 9d57輋 9d5a筑
9dc4拐 9ea9恢 9eef痹 9efd汊 9f60鬮 9f66鼗 9fcb僭 9fd8弌 a063蠏 a077拎 a0d5瑨 a0df煢 a0e4牐
a3c0␀␁␂␃␄␅␆␇␈␉␊␋␌␍␎␏␐␑␒␓␔␕␖␗␘␙␚␛␜␝␞␟␡€ c6cf廴 c6d3无 c6d5癶 c6d7隶 c6de〃仝 fa5f倩 fa66偽 fabd包 fac5卄
fad5卿 fb48嘅 fbb8婷 fbf3幵 fbf9廐 fc4f彘 fc6c悤 fcb9撐 fce2晴 fcf1杞 fdb7沜渝 fdbb港 fdf1煮 fe52猪 fe6f瑜
feaa瓩 fedd砉
"""


def replace_marks(text: str) -> tuple[int, str]:
    """Return the number of malformed sequences in `text`, and the text with U+FFFD in their places."""
    count = text.count(MALFORMED)
    return count, text.replace(MALFORMED, "\ufffd") if count else text


def decoder(encoding: str) -> SingleByteDecoder | MultiByteDecoder:
    """Return a fresh decoder for a legacy encoding, named as in reports."""
    if encoding in _MULTI_BYTE:
        return MultiByteDecoder(encoding)
    return SingleByteDecoder(encoding)


class SingleByteDecoder:
    """Decodes by a table of 256 characters."""

    def __init__(self, encoding: str) -> None:
        self.replaced = 0
        self._table = _table(encoding)

    def decode(self, data: bytes, *, final: bool = False) -> bytes:
        count, text = replace_marks(codecs.charmap_decode(data, "strict", self._table)[0])
        self.replaced += count
        return text.encode("utf-8")


class MultiByteDecoder:
    """Decodes with Python's codec and corrects its differences from the standard."""

    def __init__(self, encoding: str) -> None:
        self.replaced = 0
        self._others = _OTHER_CHARACTERS[encoding]
        self._decoder = codecs.getincrementaldecoder(_MULTI_BYTE[encoding])(_handler_name(encoding))

    def decode(self, data: bytes, *, final: bool = False) -> bytes:
        text = self._decoder.decode(data, final)
        for python, standard in self._others.items():
            if python in text:
                text = text.replace(python, standard)
        count, text = replace_marks(text)
        self.replaced += count
        return text.encode("utf-8")


@functools.cache
def _table(encoding: str) -> str:
    codec = _SINGLE_BYTE[encoding]
    exceptions = _SINGLE_BYTE_EXCEPTIONS.get(encoding, {})
    table = []
    for byte in range(256):
        try:
            character = bytes([byte]).decode(codec)
        except UnicodeDecodeError:
            # Unassigned bytes of the C1 range are control characters, others are errors.
            character = chr(byte) if byte < 0xA0 else MALFORMED
        table.append(exceptions.get(byte, character))
    return "".join(table)


def _mark_malformed(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return MALFORMED, error.end


codecs.register_error(MARK_MALFORMED, _mark_malformed)


def _handler_name(encoding: str) -> str:
    return f"{MARK_MALFORMED}.{encoding.lower()}"


def _handler(encoding: str) -> Callable[[UnicodeError], tuple[str, int]]:
    """Return the error handler of a multi-byte encoding.

    A lead byte swallows the byte behind it unless that is ASCII; then only the lead byte is replaced.
    """
    lookup = _LOOKUPS.get(encoding)

    def handle(error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeDecodeError):
            raise error
        data, start = error.object, error.start
        if encoding == "GBK" and data[start] == 0x80:
            return "€", start + 1
        pair = data[start : start + 2]
        if lookup and (character := lookup(pair)):
            return character, start + 2
        length = 1
        if len(pair) == 2 and _leads(encoding, pair[0]) and pair[1] >= 0x80:
            length = 2
            third = data[start + 2 : start + 3]
            if encoding == "EUC-JP" and pair[0] == 0x8F and 0xA1 <= pair[1] <= 0xFE and third >= b"\x80":
                length = 3
        elif encoding == "GBK" and _UNASSIGNED_GB18030.match(data, start):
            length = 4
        return MALFORMED, start + length

    return handle


def _leads(encoding: str, byte: int) -> bool:
    if encoding == "Shift_JIS":
        return 0x81 <= byte <= 0x9F or 0xE0 <= byte <= 0xFC
    if encoding == "EUC-JP":
        return byte in (0x8E, 0x8F) or 0xA1 <= byte <= 0xFE
    return 0x81 <= byte <= 0xFE


def _big5_addition(pair: bytes) -> str:
    return _big5_additions().get(pair, "")


@functools.cache
def _big5_additions() -> dict[bytes, str]:
    codes = {}
    for run in _BIG5_ADDITIONS.split():
        first = int(run[:4], 16)
        for offset, character in enumerate(run[4:]):
            codes[(first + offset).to_bytes(2, "big")] = character
    return codes


def _jis_addition(pair: bytes) -> str:
    """Look up a code in Shift_JIS, whose Python codec has the vendor rows that the one of EUC-JP lacks."""
    if len(pair) < 2 or not all(0xA1 <= byte <= 0xFE for byte in pair):
        return ""
    row, cell = pair[0] - 0xA1, pair[1] - 0xA1
    lead = row // 2 + (0x81 if row < 62 else 0xC1)
    trail = cell + (0x9F if row % 2 else 0x40 if cell < 63 else 0x41)
    try:
        return bytes([lead, trail]).decode("cp932")
    except UnicodeDecodeError:
        return ""


_LOOKUPS: Mapping[str, Callable[[bytes], str]] = {"Big5": _big5_addition, "EUC-JP": _jis_addition}

for _encoding in _MULTI_BYTE:
    codecs.register_error(_handler_name(_encoding), _handler(_encoding))
