"""Files of every kind as publishers bring them, with what must be recognised in them; the data are invented."""

from __future__ import annotations

import csv
import gzip
import io
import random
import uuid
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from datalab.kinds import DatasetKind

Rows = list[list[str]]

INTERESTS = ["Sports", "Food & Drink", "Küche", "Événements", "Travel", "Cars", "Music", "Books", "Cinéma", "Gärten"]
CODES = ["seg_0017", "seg_0018", "seg_0101", "seg_0333", "seg_0450", "seg_0777", "seg_1001"]
AGES = [["18-24", "25-34", "35-44", "45-54", "55-64", "65+"], [str(age) for age in range(18, 80)]]
GENDERS = [["f", "m", "d"], ["female", "male"], ["F", "M", ""], ["weiblich", "männlich", "divers"]]
HEADERS = {
    DatasetKind.IDENTIFIERS: [
        ["user_id", "id_name", "id"],
        ["User ID", "Type", "Value"],
        ["Kundennummer", "Typ", "Wert"],
    ],
    DatasetKind.SEGMENTS: [["user_id", "segment"], ["User ID", "Segment Name"], ["kunden_id", "Zielgruppe"]],
    DatasetKind.DEMOGRAPHICS: [["user_id", "age", "gender"], ["uid", "Alter", "Geschlecht"], ["id", "edad", "sexo"]],
    DatasetKind.EMBEDDINGS: [["user_id", "scope"], ["customerId", "topic"], ["klant_id", "onderwerp"]],
}


class Made(NamedTuple):
    """A file and what is right about it."""

    name: str
    content: bytes
    kind: DatasetKind
    separator: str | None = ","
    headers: int = 0


def users(draw: random.Random, count: int) -> list[str]:
    """Return different user ids in one of the forms that publishers use."""
    form: Callable[[], str] = draw.choice(
        [
            lambda: f"user-{draw.randrange(10**7):07}",
            lambda: str(draw.randrange(10**8, 10**9)),
            lambda: str(uuid.UUID(int=draw.getrandbits(128))),
            lambda: f"{draw.getrandbits(64):x}",
            lambda: f"auth0|{draw.getrandbits(96):024x}",
            lambda: f"reader{draw.randrange(10**7)}@example.com",
            lambda: f"{draw.getrandbits(256):064x}",
        ]
    )
    return list({form(): None for _ in range(count)})


def rows_of(kind: DatasetKind, draw: random.Random) -> Rows:
    """Return rows of a dataset."""
    people = users(draw, draw.randrange(60, 160))
    match kind:
        case DatasetKind.IDENTIFIERS:
            ids: dict[str, Callable[[], str]] = {
                "hashed_email": lambda: f"{draw.getrandbits(256):064x}",
                "maid": lambda: str(uuid.UUID(int=draw.getrandbits(128))),
                "email": lambda: f"reader{draw.randrange(10**6)}@example.com",
                "phone": lambda: f"+4479{draw.randrange(10**8):08}",
            }
            width = draw.choice([1, 2, 3, 3, 3])
            names = draw.sample(sorted(ids), 1 if width == 2 else draw.randrange(1, 4))
            rows = [[user, name, ids[name]()] for user in people for name in names]
            return [[user, value] if width == 2 else [user, name, value][:width] for user, name, value in rows][
                :: 1 if width > 1 else len(names)
            ]
        case DatasetKind.SEGMENTS:
            names = draw.choice([INTERESTS, CODES, [str(number) for number in range(40, 60)]])
            return [[user, name] for user in people for name in draw.sample(names, draw.randrange(1, 6))]
        case DatasetKind.DEMOGRAPHICS:
            ages, genders = draw.choice(AGES), draw.choice(GENDERS)
            return [[user, draw.choice(ages), draw.choice(genders)] for user in people]
        case DatasetKind.EMBEDDINGS:
            length = draw.choice([4, 16, 40])
            return [[user, "news", *(f"{draw.uniform(-1, 1):.4f}" for _ in range(length))] for user in people]


def text_of(rows: Rows, separator: str = ",", *, quoting: int = csv.QUOTE_MINIMAL, end: str = "\n") -> str:
    """Return rows as CSV."""
    text = io.StringIO()
    csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=end).writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()


def _with_header(rows: Rows, kind: DatasetKind, draw: random.Random, number: int | None = None) -> Rows:
    choice = HEADERS[kind][draw.randrange(1, 3) if number is None else number]
    wide = [f"e{column}" for column in range(len(rows[0]) - 2)] if kind is DatasetKind.EMBEDDINGS else []
    return [[*choice[: len(rows[0])], *wide], *rows]


def _spoiled(rows: Rows, draw: random.Random) -> Rows:
    """Return rows of which a twentieth is wrong, and none of the first."""
    for number in range(10, len(rows), 20):
        rows[number] = draw.choice([[], [""] * len(rows[0]), [*rows[number], "?"], rows[number - 1]])
    return rows


def made_files(seed: int) -> Iterator[Made]:
    """Yield ten files of each kind of dataset."""
    for kind in DatasetKind:
        draw = random.Random(f"{seed} {kind}")
        rows = rows_of(kind, draw)
        yield Made("plain", text_of(rows).encode(), kind)
        rows = rows_of(kind, draw)
        yield Made("header", text_of(_with_header(rows, kind, draw, 0)).encode(), kind, headers=1)
        rows = rows_of(kind, draw)
        yield Made("header by other names", text_of(_with_header(rows, kind, draw)).encode(), kind, headers=1)
        rows = rows_of(kind, draw)
        one = len(rows[0]) == 1  # there is nothing to separate
        text = text_of(rows[:20], ";") + text_of(rows[20:21]) + text_of(rows[21:], ";")
        yield Made("semicolons but for a row", text.encode(), kind, "," if one else ";")
        rows = rows_of(kind, draw)
        one = len(rows[0]) == 1
        yield Made("tabs", text_of(rows, "\t", end="\r\n").encode(), kind, "," if one else "\t")
        rows = rows_of(kind, draw)
        yield Made("windows-1252", text_of(_with_header(rows, kind, draw)).encode("windows-1252"), kind, headers=1)
        rows = rows_of(kind, draw)
        quoted = text_of(rows, quoting=csv.QUOTE_ALL, end="\r\n").encode("utf-8-sig")
        yield Made("quotes and a byte order mark", quoted, kind)
        rows = [[cell.upper() if len(cell) >= 36 else f" {cell} " for cell in row] for row in rows_of(kind, draw)]
        yield Made("upper case and blanks", text_of(rows).encode(), kind)
        yield Made("wrong rows in gzip", gzip.compress(text_of(_spoiled(rows_of(kind, draw), draw)).encode(), 1), kind)
        rows = rows_of(kind, draw)
        table = pa.table(
            [pa.array(column) for column in zip(*rows, strict=True)], names=list(map(str, range(len(rows[0]))))
        )
        file = io.BytesIO()
        pq.write_table(table, file)
        yield Made("parquet", file.getvalue(), kind, None)
