"""The marks of single values: what an invalid id, or every value of a column, looks like when people got it wrong.

Patterns are RE2 and match the whole value. An id is given the first mark of its type that it has.
"""

from __future__ import annotations

from typing import NamedTuple

from datalab.id_types import IdType

INVISIBLE = r"\x{00A0}\x{00AD}\x{200B}-\x{200F}\x{2028}\x{2029}\x{202F}\x{2060}\x{FEFF}"
"""Characters that are not visible: no-break, zero width, byte order mark, soft hyphen."""
INVISIBLE_CHARACTERS = "\u00a0\u00ad\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u2060\ufeff"
BLANKS = " \t\r\n\v\f"
NOT_SEEN = BLANKS + INVISIBLE_CHARACTERS
QUOTES = "'\u2018\u2019\u201a\u201b\"\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a`\u00b4"

NULLS = ("\\N", "NULL", "null", "None", "nan", "NaN")
"""How programs write that there is no value."""

ZEROS = "00000000-0000-0000-0000-000000000000"
HASH_OF_ZEROS = "12b9377cbe7e5c94e8a70d9d23929523d14afa954793130f8a3959c7b849aca8"
HASH_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
_OTHER_HASHES_OF_NOTHING = r"(?i)da39a3ee5e6b4b0d3255bfef95601890afd80709|d41d8cd98f00b204e9800998ecf8427e"

_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_IP = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}|[0-9a-fA-F]{0,4}:[0-9a-fA-F:]*:[0-9a-fA-F:.]*"
_MAIL = r"\s*[^@\s]+@[^@\s]+\.[^@\s]+\s*"
_PHONE = r"\s*\+?[0-9(][0-9 ()/.-]{5,18}[0-9]\s*"
_PLAIN_UUID = rf"\s*\{{?{_UUID}\}}?\s*|[0-9a-fA-F]{{12}}4[0-9a-fA-F]{{3}}[89abAB][0-9a-fA-F]{{15}}"


class ValueMark(NamedTuple):
    """A mark of an invalid id and the pattern of the values that have it."""

    code: str
    pattern: str


BYTES = ValueMark("PYTHON_BYTES", r"""(?s)b'.*'|b".*\"""")
_HASH_MARKS = (
    ValueMark("HASHES_OF_NOTHING", _OTHER_HASHES_OF_NOTHING),
    ValueMark("HASHES_WITH_PREFIX", r"(?i)\s*(?:\\x|\\\\x|0x|x'|sha-?256[:$=])[0-9a-f]{64}'?\s*"),
    ValueMark("HASHES_IN_BASE64", r"[A-Za-z0-9+/_-]{43}=?|[A-Za-z0-9+/_-]{86}(?:==)?"),
    ValueMark("HASHES_OF_SHA1", r"\s*[0-9a-fA-F]{40}\s*"),
)
_MD5 = ValueMark("HASHES_OF_MD5", r"\s*[0-9a-fA-F]{32}\s*")
_PLAIN_MAIL, _PLAIN_PHONE, _PLAIN_ID = (ValueMark("PLAIN_VALUES", form) for form in (_MAIL, _PHONE, _PLAIN_UUID))
_OF_UUID = (
    ValueMark("ZERO_IDS", r"\{?(?:0{8}-?0{4}-?0{4}-?0{4}-?0{12}|0)\}?"),
    ValueMark("IP_ADDRESSES", _IP),
    ValueMark("IDS_IN_OTHER_FORM", rf"[0-9a-fA-F]{{32}}|\{{{_UUID}\}}|\{{[0-9a-fA-F]{{32}}\}}"),
    ValueMark("MIXED_CASE_IDS", _UUID),
)

OF_TYPE: dict[IdType, tuple[ValueMark, ...]] = {
    IdType.HASHED_EMAIL: (*_HASH_MARKS, _PLAIN_MAIL, _MD5, _PLAIN_PHONE),
    IdType.HASHED_PHONE_NUMBER: (*_HASH_MARKS, _PLAIN_PHONE, _MD5, _PLAIN_MAIL),
    IdType.HASHED_MAID: (*_HASH_MARKS, _PLAIN_ID, _MD5),
    IdType.PHONE_NUMBER: (
        ValueMark("SCIENTIFIC_PHONES", r"\s*\+?[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]{1,2}\s*|\+?[1-9][0-9]{6,14}\.0+"),
        ValueMark("PHONES_WITHOUT_COUNTRY", r"\s*\(?0\)?[1-9][0-9 ()/.-]{5,18}\s*"),
    ),
    IdType.MAID: _OF_UUID,
    IdType.ONE_ID: _OF_UUID[1:3],
}

IN_EVERY_VALUE = (
    ValueMark("BLANKS_AROUND", r"(?s)[ \t].*|.*[ \t]"),
    ValueMark(
        "QUOTES_IN_VALUES",
        r"(?s)'.+'|[\x{201C}\x{201D}\x{201E}\x{00AB}\x{2018}\x{201A}].+[\x{201D}\x{201C}\x{00BB}\x{2019}]",
    ),
    BYTES,
)
"""Marks that count only where nearly every value of a column has them."""
USER_IDS_WITH_DECIMALS = ValueMark("USER_IDS_WITH_DECIMALS", r"[0-9]+\.0+")
DECIMAL_COMMA = r"\s*[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?\s*"
ANY_INVISIBLE = rf"[{INVISIBLE}]"
INVISIBLE_AT_AN_END = rf"\A[{INVISIBLE}]|[{INVISIBLE}]\z"
