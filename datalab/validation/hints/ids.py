"""Hints about ids: what their values are instead of what the lab's definition asks for."""

from __future__ import annotations

from collections.abc import Iterator

from datalab.formats import counted, number
from datalab.id_types import IdType
from datalab.results.validation import Hint
from datalab.validation.hints.evidence import NEARLY_ALL, Evidence, hint, in_rows
from datalab.validation.marks import FORMS, INVALID

_SOME = 0.1
_WORDS = {
    "SCIENTIFIC_PHONES": "Phone numbers are written as a spreadsheet writes large numbers (scientific notation) in",
    "PHONES_WITHOUT_COUNTRY": "Phone numbers begin with 0 and have no country code in",
    "IP_ADDRESSES": "IP addresses stand where advertising ids should, in",
    "IDS_IN_OTHER_FORM": "Advertising ids have no hyphens, or are in braces, in",
    "HASHES_OF_SHA1": "Values have 40 hex digits, which is SHA-1, where SHA-256 is needed, in",
    "HASHES_OF_MD5": "Values have 32 hex digits, which is MD5, where SHA-256 is needed, in",
    "HASHES_IN_BASE64": "Hashes are written in Base64 and not in hex in",
    "HASHES_WITH_PREFIX": r"A prefix (such as \x or 0x) stands before the hash in",
}
_PLAIN = {
    IdType.HASHED_EMAIL: "e-mail addresses",
    IdType.HASHED_PHONE_NUMBER: "phone numbers",
    IdType.HASHED_MAID: "advertising ids",
}


def hints(found: Evidence) -> Iterator[Hint]:
    """Yield the hints about ids."""
    for code, seen in _WORDS.items():
        if marked := _explained(found, code):
            rows, where = in_rows(marked)
            yield hint(code, rows, f"{seen} {where}.")
    yield from _plain(found)
    yield from _shared(found)
    yield from _forms(found)
    yield from _decimals(found)
    if found.wrong_case:
        yield hint(
            "UPPER_CASE_IDS", found.wrong_case, f"{counted(found.wrong_case, 'row')} would be valid in lower case."
        )
    # The name in a header row is not an id name of the publisher.
    headers = max(found.of("REPEATED_HEADERS"), bool(found.beginning.header or found.facts.first_record_is_header))
    unknown_names = found.unknown_names - headers
    if unknown_names > 0:
        yield hint(
            "UNKNOWN_ID_NAMES",
            unknown_names,
            f"The id name in {counted(unknown_names, 'row')} is not in the lab's identifiersConfig; such rows are "
            "accepted unchecked and used by nothing.",
        )


def _explained(found: Evidence, code: str) -> dict[str, int]:
    """Return the identifiers with the mark in enough of their invalid values, and the number of rows."""
    return {name: rows for name, rows in found.about(code).items() if rows >= _SOME * found.of(INVALID, name)}


def _plain(found: Evidence) -> Iterator[Hint]:
    marked = _explained(found, "PLAIN_VALUES")
    types = {entry.id_name: entry.id_type for entry in found.lab.identifiers_config}
    what = sorted({_PLAIN[types[name]] for name in marked})
    if marked:
        rows, where = in_rows(marked)
        yield hint("PLAIN_VALUES", rows, f"Plain {' and '.join(what)}, not hashes, are in {where}.")


def _shared(found: Evidence) -> Iterator[Hint]:
    if zeros := sum(found.about("ZERO_IDS").values()):
        seen = "The advertising id of zeros, or its hash, which means that the id is withheld, is in "
        yield hint("ZERO_IDS", zeros, f"{seen}{counted(zeros, 'row')}.")
    if empty := sum(found.about("HASHES_OF_NOTHING").values()):
        yield hint("HASHES_OF_NOTHING", empty, f"The hash of an empty text is in {counted(empty, 'row')}.")


def _forms(found: Evidence) -> Iterator[Hint]:
    for entry in found.lab.identifiers_config:
        name = entry.id_name
        first, second = (found.of(form, name) for form in FORMS)
        rows = min(first, second)
        if entry.id_type is IdType.PHONE_NUMBER and rows:
            seen = f"Phone numbers occur in both forms, with a plus and without: {number(first)} and {number(second)}"
            yield hint("PHONES_IN_TWO_FORMS", rows, f"{seen} rows of {name}.")
        mixed = found.of("MIXED_CASE_IDS", name)
        if entry.id_type is IdType.MAID and (rows or mixed):
            seen = (
                f"Advertising ids are in upper and in lower case: {number(first)} and {number(second)} rows of {name}"
            )
            both = f", and both cases in one id in {counted(mixed, 'row')}" if mixed else ""
            yield hint("MIXED_CASE_IDS", rows + mixed, f"{seen}{both}.")


def _decimals(found: Evidence) -> Iterator[Hint]:
    for rows in found.about("USER_IDS_WITH_DECIMALS").values():
        if rows >= NEARLY_ALL * (found.facts.rows - found.odd_widths.total()):
            seen = f"The user ids in {counted(rows, 'row')} end in .0, as decimals do."
            yield hint("USER_IDS_WITH_DECIMALS", rows, seen)
