"""The identifier types of a lab, an entry each: wire name, description, and format of the values.

`datalab.ingest.formats` matches values against a pattern.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple, Self

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_LOWER_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_UPPER_UUID = r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)"
_ONE_LINE = r"[^\n\r\x{85}\x{2028}\x{2029}]+"
_HEX = "64 hex digits"


class ValueFormat(NamedTuple):
    """The format of a value, and the error code of a value without it.

    Patterns are RE2 and match the whole value: a trailing line break makes it invalid
    (docs/spec/validation.md#q20-a-trailing-line-break).
    """

    code: str
    name: str
    """Its name with an article, such as "an IPv4 address"."""
    pattern: str
    is_lower_case: bool = False
    """Whether upper case alone makes a value wrong, which is a common error that is easy to fix."""


_SHA256 = ValueFormat(
    "INVALID_SHA256_HEX_FORMAT", "a SHA-256 hash in lower-case hex", r"[a-f0-9]{64}", is_lower_case=True
)


class _Entry(NamedTuple):
    wire: str
    label: str
    detail: str
    example: str
    value_format: ValueFormat | None = None


class IdType(StrEnum):
    """The type of an identifier; it decides which values are valid (docs/spec/validation.md#115-types)."""

    label: str
    """What the identifier is."""
    detail: str
    """More about its values than the label says; may be empty."""
    example: str
    value_format: ValueFormat | None
    """None: values are never checked."""

    def __new__(cls, *fields: Any) -> Self:
        """Make the member whose value is the wire name."""
        entry = _Entry(*fields)
        member = str.__new__(cls, entry.wire)
        member._value_ = entry.wire
        member.label, member.detail, member.example = entry.label, entry.detail, entry.example
        member.value_format = entry.value_format
        return member

    STRING = _Entry("STRING", "any text", detail="", example="user-7f3a")
    EMAIL = _Entry(
        "EMAIL",
        "e-mail address",
        detail="lower case",
        example="anna@example.com",
        value_format=ValueFormat(
            "INVALID_EMAIL_FORMAT",
            "an e-mail address in lower case",
            rf"[a-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*",
            is_lower_case=True,
        ),
    )
    HASHED_EMAIL = _Entry(
        "HASHED_EMAIL",
        "SHA-256 of an e-mail address",
        detail=_HEX,
        example="0123abcd" * 8,
        value_format=_SHA256,
    )
    PHONE_NUMBER = _Entry(
        "PHONE_NUMBER",
        "phone number",
        detail="E.164",
        example="+41790000000",
        value_format=ValueFormat("INVALID_PHONE_E164_NUMBER", "a phone number in E.164", r"\+?[1-9][0-9]{1,14}"),
    )
    HASHED_PHONE_NUMBER = _Entry(
        "HASHED_PHONE_NUMBER", "SHA-256 of a phone number", detail=_HEX, example="fedcba98" * 8, value_format=_SHA256
    )
    MAID = _Entry(
        "MAID",
        "mobile advertising id",
        detail="a UUID",
        example="4f1c2e7a-8b3d-4c5e-9f60-1a2b3c4d5e6f",
        value_format=ValueFormat("INVALID_MAID_FORMAT", "a mobile advertising id", rf"{_LOWER_UUID}|{_UPPER_UUID}"),
    )
    HASHED_MAID = _Entry(
        "HASHED_MAID", "SHA-256 of a mobile advertising id", detail=_HEX, example="89abcdef" * 8, value_format=_SHA256
    )
    UTIQ_MARTECH = _Entry(
        "UTIQ_MARTECH",
        "Utiq martechpass",
        detail="mt1-… or mt2-…",
        example="mt1-4f1C2e7A8b3D",
        value_format=ValueFormat("INVALID_UTIQ_MARTECH_FORMAT", "a Utiq martechpass", r"(?:mt1|mt2)-[0-9a-zA-Z]+"),
    )
    UTIQ_ADTECH = _Entry(
        "UTIQ_ADTECH",
        "Utiq adtechpass",
        detail="",
        example="4f1C2e7A8b3D/5e+6F==--0a1b",
        value_format=ValueFormat("INVALID_UTIQ_ADTECH_FORMAT", "a Utiq adtechpass", r"[0-9a-zA-Z+/]+=*--[0-9a-z]+"),
    )
    FIRST_ID = _Entry(
        "FIRST_ID",
        "First-id",
        detail="32 letters and digits",
        example="4f1C2e7A8b3D5e6F" * 2,
        value_format=ValueFormat("INVALID_FIRST_ID_FORMAT", "a First-id", r"[0-9a-zA-Z]{32}"),
    )
    ID5 = _Entry(
        "ID5",
        "ID5",
        detail="not empty",
        example="ID5-4f1C2e7A8b3D",
        value_format=ValueFormat("INVALID_ID5_FORMAT", "an ID5 id", _ONE_LINE),
    )
    NET_ID = _Entry(
        "NET_ID",
        "netID",
        detail="not empty",
        example="4f1C2e7A-8b3D_5e",
        value_format=ValueFormat("INVALID_NETID_FORMAT", "a netID", _ONE_LINE),
    )
    ONE_ID = _Entry(
        "ONE_ID",
        "OneID",
        detail="a UUID in lower case",
        example="0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
        value_format=ValueFormat("INVALID_ONEID_FORMAT", "a OneID", _LOWER_UUID, is_lower_case=True),
    )
    IPV4_ADDRESS = _Entry(
        "IPV4_ADDRESS",
        "IPv4 address",
        detail="",
        example="203.0.113.7",
        value_format=ValueFormat("INVALID_IPV4_FORMAT", "an IPv4 address", rf"(?:{_OCTET}\.){{3}}{_OCTET}"),
    )

    @property
    def looks_like(self) -> str:
        """Describe a value.

        >>> IdType.EMAIL.looks_like, IdType.IPV4_ADDRESS.looks_like
        ('e-mail address, lower case', 'IPv4 address')
        """
        return ", ".join(filter(None, (self.label, self.detail)))
