"""Labs with one thing wrong in each of ten ways, as publishers bring them; the data are invented."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from collections.abc import Callable, Mapping
from functools import partial

from datalab.kinds import DatasetKind
from tests.recognised_files import Rows, text_of

USERS = 2_000
INTERESTS = ["Sport", "Küche", "Événements", "Reisen", "Autos", "Musik", "Bücher", "Cinéma", "Gärten", "Börse", "Mode"]
LAB = {
    "name": "Ten kinds",
    "identifiersConfig": [
        {"idName": "userId", "idType": "STRING", "isActivationId": True},
        {"idName": "hashed_email", "idType": "HASHED_EMAIL", "isMatchingId": True},
        {"idName": "maid", "idType": "MAID", "isActivationId": True},
    ],
    "numIdentifiersColumns": 3,
    "requireSegments": True,
}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(400)

Files = Mapping[DatasetKind, bytes]


def people() -> list[str]:
    return [f"reader-{number:05}" for number in range(USERS)]


def hash_of(user: str) -> str:
    return hashlib.sha256(f"{user}@example.com".encode()).hexdigest()


def maid_of(user: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, user))


def identifiers() -> Rows:
    """Return two ids of each user, in long form."""
    named = [("hashed_email", hash_of), ("maid", maid_of)]
    return [[user, name, value(user)] for user in people() for name, value in named]


def segments() -> Rows:
    """Return three segments of each user."""
    draw = random.Random(13)
    return [[user, name] for user in people() for name in draw.sample(INTERESTS, 3)]


def _files(ids: str | bytes | None = None, parts: str | bytes | None = None) -> Files:
    made = {
        DatasetKind.IDENTIFIERS: text_of(identifiers()) if ids is None else ids,
        DatasetKind.SEGMENTS: text_of(segments()) if parts is None else parts,
    }
    return {kind: text if isinstance(text, bytes) else text.encode() for kind, text in made.items()}


def _upper_case() -> Files:
    return _files(text_of([[user, name, value.upper()] for user, name, value in identifiers() if name != "maid"]))


def _nearly_all_semicolons() -> Files:
    rows = segments()
    few = len(rows) // 1000
    return _files(parts=text_of(rows[few:], ";") + text_of(rows[:few]))


def _arrays() -> Files:
    draw = random.Random(13)
    return _files(
        parts=text_of([[user, json.dumps(draw.sample(INTERESTS, 3), ensure_ascii=False)] for user in people()])
    )


def _wide() -> Files:
    rows = [[user, hash_of(user), maid_of(user)] for user in people()]
    return _files(text_of([["userId", "hashed_email", "maid"], *rows]))


def _other_users() -> Files:
    return _files(parts=text_of([[hash_of(user)[:16], name] for user, name in segments()]))


def _header() -> Files:
    ids, parts = ["Kundennummer", "Typ", "Wert"], ["kunden_id", "Zielgruppe"]
    return _files(text_of([ids, *identifiers()]), text_of([parts, *segments()]))


def _swapped() -> Files:
    made = _files()
    return dict(zip(made, reversed(made.values()), strict=True))


MADE: dict[str, Callable[[], Files]] = {
    "empty": partial(_files, parts=b""),
    "PNG": partial(_files, parts=PNG),
    "swapped slots": _swapped,
    "header by other names": _header,
    "99.9% semicolons": _nearly_all_semicolons,
    "upper-case hashes": _upper_case,
    "JSON arrays": _arrays,
    "windows-1252": lambda: _files(parts=text_of(segments()).encode("windows-1252")),
    "wide identifiers": _wide,
    "other userIds": _other_users,
}

SENTENCES = {
    "swapped slots": "Not ready: Identifiers and Segments are swapped: each is in the slot of the other.",
    "header by other names": "Ready, but the first row of Identifiers looks like a header.",
    "99.9% semicolons": "Not ready: the columns of Segments seem not to be separated by commas.",
    "upper-case hashes": "Not ready: 2,000 ids of Identifiers would be valid in lower case.",
    "JSON arrays": "Ready, but Segments has all segments of a user in one cell, as a JSON array.",
    "windows-1252": "Ready, but Segments is not UTF-8, and its encoding was guessed.",
    "wide identifiers": "Not ready: Identifiers has one row per user, with a column for each identifier.",
    "other userIds": "Not ready: none of the 2,000 users in Segments is in Identifiers.",
}
"""What is said first of a lab with these files; the others are refused before they are stored."""
