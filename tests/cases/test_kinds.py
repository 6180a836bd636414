"""A second file of each kind of error: other data, another dataset or another form than those of the folders."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.labs import USER_ID, Checked, make_lab

Check = Callable[..., Checked]


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def uuid(number: int) -> str:
    hexed = hashlib.md5(str(number).encode()).hexdigest()
    return "-".join((hexed[:8], hexed[8:12], hexed[12:16], hexed[16:20], hexed[20:]))


def ids(name: str, form: Callable[[int], str], rows: int = 40) -> str:
    return "".join(f"user-{row:04}k,{name},{form(row)}\n" for row in range(rows))


def lines(form: Callable[[int], str], rows: int = 40) -> str:
    return "".join(f"{form(row)}\n" for row in range(rows))


def named(name: str, id_type: str) -> dict[str, Any]:
    return {"idName": name, "idType": id_type, "isMatchingId": True}


HEM, HPH, HID = named("hem", "HASHED_EMAIL"), named("hphone", "HASHED_PHONE_NUMBER"), named("hmaid", "HASHED_MAID")
PHONE, MAID, MAIL = named("tel", "PHONE_NUMBER"), named("idfa", "MAID"), named("mail", "EMAIL")
TOPICS = ("sport", "news", "travel", "film")


class Made(NamedTuple):
    """A file with one error.

    Attributes:
        dataset: as what it is checked.
        text: its content.
        code: the code of the hint.
        rows: how many rows the hint counts.
        words: what its message says.
        others: codes of further hints that are right too.
    """

    dataset: str
    text: str
    code: str
    rows: int
    words: str
    others: tuple[str, ...] = ()


MADE = {
    "counting column": Made(
        "demographics", lines(lambda row: f"{row},u{row:03}x,25-34,f"), "WRONG_WIDTH", 40, "4 columns.*3 are.*counts"
    ),
    "empty last column": Made(
        "identifiers", lines(lambda row: f"u{row},hem,{sha(str(row))},"), "WRONG_WIDTH", 40, "4 columns.*always empty"
    ),
    "too few columns, and two right rows": Made(
        "demographics",
        lines(lambda row: f"u{row:04}x,25-34" + (",f" if row < 2 else ""), 3000),
        "WRONG_WIDTH",
        2998,
        "2,998 of 3,000 rows have 2 columns",
    ),
    "array without quotes": Made(
        "embeddings", lines(lambda row: f"u{row},site,[0.{row},0.2,0.3,-1.5]"), "ARRAY_IN_CELL", 40, "brackets"
    ),
    "semicolons and decimal commas": Made(
        "embeddings",
        lines(lambda row: f"u{row:03}x;site;0,{row}1;-1,5;0,25;3,5"),
        "DECIMAL_COMMAS",
        40,
        "decimal comma",
        ("POSSIBLE_WRONG_SEPARATOR",),
    ),
    "decimal commas without quotes": Made(
        "embeddings", lines(lambda row: f"u{row:03}x,site,0,{row}1,-1,5,0,25,3,5"), "DECIMAL_COMMAS", 40, "splits"
    ),
    "semicolons, and two comma records": Made(
        "segments",
        lines(lambda row: f"u{row:04}x{',' if row in (5, 9) else ';'}{TOPICS[row % 4]}", 3000),
        "POSSIBLE_WRONG_SEPARATOR",
        2998,
        "2,998 rows",
    ),
    "vectors of another length": Made(
        "embeddings",
        lines(lambda row: f"u{row},site," + ",".join(f"0.{row}{place}" for place in range(6))),
        "VECTORS_OF_OTHER_LENGTH",
        40,
        "6 numbers.*numEmbeddings is 4",
    ),
    "German header": Made(
        "demographics",
        "Kundennummer,Alter,Geschlecht\n" + lines(lambda row: f"u{row:03}x,{20 + row % 50},w"),
        "POSSIBLE_HEADER_ROW",
        1,
        "first row.*names",
    ),
    "header in the middle only": Made(
        "identifiers",
        ids("hem", lambda row: sha(str(row))) + "user_id,id_name,id\n" + ids("hem", lambda row: sha(f"b{row}")),
        "REPEATED_HEADERS",
        1,
        "1 row",
    ),
    "sep= in quotes": Made(
        "segments", '"sep=,"\n' + lines(lambda row: f"u{row:03}x,{TOPICS[row % 4]}"), "SEPARATOR_LINE", 1, "sep="
    ),
    "blanks before every segment": Made(
        "segments", lines(lambda row: f"u{row:03}x, {TOPICS[row % 4]}"), "BLANKS_AROUND", 40, "40 rows of segment"
    ),
    "blanks around id names": Made(
        "identifiers", ids("hem ", lambda row: sha(str(row))), "BLANKS_AROUND", 40, "known", ("UNKNOWN_ID_NAMES",)
    ),
    "phones without country": Made(
        "identifiers", ids("tel", lambda row: f"0176 12345{row:02}"), "PHONES_WITHOUT_COUNTRY", 40, "country code"
    ),
    "phones with and without plus": Made(
        "identifiers",
        ids("tel", lambda row: ("+" * (row % 2)) + f"41791234{row:03}"),
        "PHONES_IN_TWO_FORMS",
        20,
        "both",
    ),
    "phones as 4,47E+11": Made(
        "identifiers", ids("tel", lambda row: f'"4,47{row % 10}01E+11"'), "SCIENTIFIC_PHONES", 40, "scientific"
    ),
    "hash of zeros": Made(
        "identifiers",
        ids("hmaid", lambda row: sha("00000000-0000-0000-0000-000000000000" if row < 3 else str(row))),
        "ZERO_IDS",
        3,
        "zeros.* 3 rows",
    ),
    "IP addresses": Made("identifiers", ids("idfa", lambda row: f"203.0.113.{row}"), "IP_ADDRESSES", 40, "IP address"),
    "ids without hyphens": Made(
        "identifiers", ids("idfa", lambda row: uuid(row).replace("-", "")), "IDS_IN_OTHER_FORM", 40, "hyphens"
    ),
    "ids in braces": Made(
        "identifiers", ids("idfa", lambda row: f"{{{uuid(row).upper()}}}"), "IDS_IN_OTHER_FORM", 40, "braces"
    ),
    "ids in both cases": Made(
        "identifiers",
        ids("idfa", lambda row: uuid(row).upper() if row < 10 else uuid(row)),
        "MIXED_CASE_IDS",
        10,
        "upper and in lower case",
    ),
    "plain phones": Made("identifiers", ids("hphone", lambda row: f"+417912340{row:02}"), "PLAIN_VALUES", 40, "phone"),
    "plain advertising ids": Made("identifiers", ids("hmaid", uuid), "PLAIN_VALUES", 40, "advertising ids"),
    "MD5": Made(
        "identifiers", ids("hem", lambda row: hashlib.md5(f"{row}".encode()).hexdigest()), "HASHES_OF_MD5", 40, "MD5"
    ),
    "SHA-1 in upper case": Made(
        "identifiers",
        ids("hphone", lambda row: hashlib.sha1(f"{row}".encode()).hexdigest().upper()),
        "HASHES_OF_SHA1",
        40,
        "SHA-1",
    ),
    "Base64": Made(
        "identifiers",
        ids("hem", lambda row: base64.b64encode(hashlib.sha256(f"{row}".encode()).digest()).decode()),
        "HASHES_IN_BASE64",
        40,
        "Base64",
    ),
    "0x": Made("identifiers", ids("hem", lambda row: f"0x{sha(str(row))}"), "HASHES_WITH_PREFIX", 40, "prefix"),
    r"\x": Made("identifiers", ids("hmaid", lambda row: rf"\x{sha(str(row))}"), "HASHES_WITH_PREFIX", 40, "prefix"),
    "hash of nothing": Made(
        "identifiers",
        ids("hem", lambda row: sha("" if row % 8 == 0 else str(row))),
        "HASHES_OF_NOTHING",
        5,
        "empty text",
    ),
    "XML": Made("segments", '<?xml version="1.0"?>\n<rows>\n<row u="1"/>\n</rows>\n', "NOT_DATA", 4, "XML"),
    "Git LFS": Made(
        "embeddings",
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha('')}\nsize 12345\n",
        "NOT_DATA",
        3,
        "Git LFS",
    ),
    "JSON lines": Made(
        "segments", lines(lambda row: f'{{"user": "u{row}", "segment": "sport"}}'), "NOT_DATA", 40, "JSON lines"
    ),
    "psql footer": Made(
        "demographics", lines(lambda row: f"u{row:03}x,25-34,f") + "(40 rows)\n\n", "FOOTER_ROW", 1, "last row"
    ),
    "two remarks": Made(
        "segments",
        lines(lambda row: f"u{row:03}x,{TOPICS[row % 4]}") + "40 rows selected.\nElapsed: 00:00:00.12\n",
        "FOOTER_ROW",
        2,
        "last 2 rows",
    ),
    "no-break space at the end of names": Made(
        "segments",
        lines(lambda row: f"u{row:03}x,{TOPICS[row % 4]}" + ("\u00a0" if row < 7 else "")),
        "INVISIBLE_CHARACTERS",
        7,
        "[Ii]nvisible.*7 rows",
    ),
    "byte order mark in ids": Made(
        "demographics",
        lines(lambda row: ("\ufeff" if row == 20 else "") + f"u{row:03}x,25-34,m"),
        "INVISIBLE_CHARACTERS",
        1,
        "1 row of userId",
    ),
    "typographic quotes": Made(
        "segments", lines(lambda row: f"u{row:03}x,\u201c{TOPICS[row % 4]}\u201d"), "QUOTES_IN_VALUES", 40, "[Qq]uotes"
    ),
    "single quotes around hashes": Made(
        "identifiers", ids("hem", lambda row: f"'{sha(str(row))}'"), "QUOTES_IN_VALUES", 40, "[Qq]uotes"
    ),
    "backslashes": Made(
        "segments",
        lines(lambda row: f'u{row:03}x,"{TOPICS[row % 4]} \\"live\\" now"'),
        "QUOTES_WITH_BACKSLASH",
        40,
        "backslash",
    ),
    "a quote that closes too late": Made(
        "segments",
        lines(lambda row: f"u{row:03}x,sport") + 'v1,"film\n' + lines(lambda row: f"w{row:03}x,news") + 'v2,"travel"\n',
        "QUOTE_NOT_CLOSED",
        1,
        "row 41 .row 40 in the report",
    ),
    "null in demographics": Made(
        "demographics",
        lines(lambda row: f"u{row:03}x,{'NULL' if row % 4 == 0 else '25-34'},f"),
        "NULL_WORDS",
        10,
        "10 rows of age",
    ),
    "backslash N as ids": Made(
        "identifiers",
        ids("hem", lambda row: "\\N" if row < 4 else sha(str(row))),
        "NULL_WORDS",
        4,
        "4 rows of id",
    ),
    "bytes": Made("segments", lines(lambda row: f"b'u{row:03}x',{TOPICS[row % 4]}"), "PYTHON_BYTES", 40, "bytes"),
    "decimal user ids": Made(
        "segments", lines(lambda row: f"{1000 + row}.0,{TOPICS[row % 4]}"), "USER_IDS_WITH_DECIMALS", 40, r"\.0"
    ),
    "segments before users": Made(
        "segments",
        lines(lambda row: f"{TOPICS[row % 4]},usr{1000 + row}x"),
        "COLUMNS_IN_OTHER_ORDER",
        40,
        "column 1 holds segment, column 2 holds userId",
    ),
    "genders before ages": Made(
        "demographics", lines(lambda row: f"u{row:03}x,f,25-34"), "COLUMNS_IN_OTHER_ORDER", 40, "column 2 holds gender"
    ),
    "names of ids first": Made(
        "identifiers",
        lines(lambda row: f"hem,user-{row:03}x,{sha(str(row))}"),
        "COLUMNS_IN_OTHER_ORDER",
        40,
        "column 1 holds idName, column 2 holds userId, column 3 holds id",
        ("UNKNOWN_ID_NAMES",),
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_the_hint_names_the_error_and_no_value(name: str, check: Check) -> None:
    made = MADE[name]
    checked = check(made.dataset, made.text, lab=make_lab(USER_ID, HEM, HPH, HID, PHONE, MAID, MAIL, numEmbeddings=4))
    assert set(checked.hints) == {made.code, *made.others}
    hint = checked.hints[made.code]
    assert hint.rows == made.rows
    assert re.search(made.words, hint.message), hint.message
    values = {
        value for line in made.text.splitlines() for value in re.split("[,;]", line) if re.search(r"\d.*\d.*\d", value)
    }
    assert [value for value in values for hint in checked.facts.hints if value in hint.message] == []


def test_every_kind_has_a_file() -> None:
    from datalab.codes import HINTS

    general = {"GUESSED_ENCODING", "REPLACED_CHARACTERS", "UPPER_CASE_IDS", "UNKNOWN_ID_NAMES"}
    assert {made.code for made in MADE.values()} >= set(HINTS) - general
