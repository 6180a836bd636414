"""A slow, plain model of the rules for records and rows; tests compare the production code with it.

The rules: docs/spec/validation.md#7-records and the sections after it, to docs/spec/validation.md#12-limits-and-order.
It takes decoded text and never reads file types, encodings or containers. Every rule is written out where it applies,
one character or one row at a time, and nothing is shared with the code under test.
"""

import math
import re
from typing import Any

Row = list[str | float | None]

WHITE_SPACE = {*"\t\n\v\f\r \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000", *map(chr, range(0x2000, 0x200B))}
BOM = "\ufeff"

KEY = {"segments": (0, 1), "demographics": (0,), "embeddings": (0, 1), "identifiers": ()}
"""The columns that must not be empty; they are the unique key as well (docs/spec/validation.md#1-kinds-and-modes)."""
CELL_ERRORS, SCHEMA_ERRORS, UNIQUENESS_ERRORS, SAMPLE_ROWS = 499, 500, 10, 50

FLOAT = re.compile(r"[+-]?(inf|infinity|nan|[0-9]+(\.[0-9]*)?(e[+-]?[0-9]+)?|\.[0-9]+(e[+-]?[0-9]+)?)", re.I | re.A)

LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
SHA256 = ("INVALID_SHA256_HEX_FORMAT", "[a-f0-9]{64}")
LOWER_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
UPPER_UUID = "[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}"
OCTET = "(25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)"
ANYTHING = "[^\n\r\u0085\u2028\u2029]+"
ID_TYPES = {
    "EMAIL": ("INVALID_EMAIL_FORMAT", rf"[a-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{LABEL}(?:\.{LABEL})*"),
    "HASHED_EMAIL": SHA256,
    "HASHED_PHONE_NUMBER": SHA256,
    "HASHED_MAID": SHA256,
    "PHONE_NUMBER": ("INVALID_PHONE_E164_NUMBER", r"\+?[1-9][0-9]{1,14}"),
    "MAID": ("INVALID_MAID_FORMAT", f"{LOWER_UUID}|{UPPER_UUID}"),
    "UTIQ_MARTECH": ("INVALID_UTIQ_MARTECH_FORMAT", "(mt1|mt2)-[0-9a-zA-Z]+"),
    "UTIQ_ADTECH": ("INVALID_UTIQ_ADTECH_FORMAT", "[0-9a-zA-Z+/]+=*--[0-9a-z]+"),
    "FIRST_ID": ("INVALID_FIRST_ID_FORMAT", "[0-9a-zA-Z]{32}"),
    "ID5": ("INVALID_ID5_FORMAT", ANYTHING),
    "NET_ID": ("INVALID_NETID_FORMAT", ANYTHING),
    "ONE_ID": ("INVALID_ONEID_FORMAT", LOWER_UUID),
    "IPV4_ADDRESS": ("INVALID_IPV4_FORMAT", rf"({OCTET}\.){{3}}{OCTET}"),
}


def reference_report(
    text: bytes | list[bytes],
    dataset: str,
    *,
    num_columns: int,
    identifiers: list[dict[str, Any]] | None = None,
    drop_invalid_rows: bool = True,
    detected_file_type: str | None = None,
    size: int | None,
) -> tuple[dict[str, Any], list[Row]]:
    """Return the report of a file, and its surviving rows in file order (null and NaN as None).

    Args:
        text: the decoded text as UTF-8; a list stands for the members of a zip archive in order.
        num_columns: 2 for segments, 3 for demographics, 2 + n for embeddings, 1 to 3 for identifiers.
        identifiers: the identifier configuration (wire keys, valid by
            docs/spec/validation.md#111-configuration); only for identifiers.
        detected_file_type: copied; by default that of a plain ASCII or UTF-8 file of at most 1 MiB.
        size: the bytes of a plain file; None means a container, whose decoded text is counted
            (docs/spec/validation.md#75-originalfilesizebytes).
    """
    texts = [part.decode("utf-8", "replace") for part in (text if isinstance(text, list) else [text])]
    if isinstance(text, list):
        texts = [as_zip_member(member) for member in texts]
    if detected_file_type is None:
        encoding = "ascii" if "".join(texts).isascii() else "utf-8"
        detected_file_type = f"text ({encoding if text else 'unknown encoding'})"
    records, decoded_size, has_non_blank_line = read_records(texts)
    report, rows = check_rows(records, dataset, num_columns)
    report |= {"detectedFileType": detected_file_type, "numRowsTotal": len(records)}
    if has_non_blank_line or dataset == "identifiers":
        report["originalFileSizeBytes"] = (decoded_size if size is None else size) if has_non_blank_line else None
    if dataset == "identifiers":
        surviving = finish_identifiers(report, rows, num_columns, identifiers or [])
    else:
        surviving = finish_plain(report, rows, dataset, drop_invalid_rows)
    return {"version": "v0", "report": report}, surviving


def as_zip_member(text: str) -> str:
    """6.2, rule 5: without its byte order mark, and ending with a line feed unless empty."""
    text = text.removeprefix(BOM)
    return text if text == "" or text[-1] == "\n" else text + "\n"


def read_records(texts: list[str]) -> tuple[list[list[str]], int, bool]:
    """Return all records, the size of the decoded text, and whether any line is not blank.

    See docs/spec/validation.md#75-originalfilesizebytes and docs/spec/validation.md#72-line-pass.

    Whether a line is inside quotes is asked of the record parser (docs/spec/validation.md#q10-what-is-inside-quotes).
    Blank lines outside quotes are held back: they reach the parser only when another line follows, because the run at
    the end of the text disappears.
    """
    parser = RecordParser()
    size = 0
    held_back: list[str] = []
    for text in texts:
        for line in re.findall("[^\n]*\n|[^\n]+", text):
            without_cr = line[:-2] + "\n" if line[-2:] == "\r\n" else line
            if parser.state != "quoted" and set(line) <= WHITE_SPACE:
                if without_cr != "\n":
                    held_back.append(without_cr)
                continue
            size += len(line.encode("utf-8"))
            for waiting in [*held_back, without_cr]:
                parser.feed(waiting)
            held_back = []
        if parser.state == "quoted":
            parser.end_record()  # docs/spec/validation.md#q14-an-open-quote-at-the-end-of-a-zip-member
    parser.finish()
    return parser.records, size, parser.has_begun


class RecordParser:
    """7.3 as a state machine; its state is one of the four names below."""

    def __init__(self) -> None:
        self.records: list[list[str]] = []
        self.fields: list[str] = []
        self.field = ""
        self.state = "start of field"
        self.has_begun = False

    def feed(self, line: str) -> None:
        """Take the next line; of the very first one a leading byte order mark is removed."""
        for char in line if self.has_begun else line.removeprefix(BOM):
            if self.state == "quoted":
                if char == '"':
                    self.state = "quote in quoted"
                else:
                    self.field += char
            elif self.state == "quote in quoted" and char == '"':
                self.field += char
                self.state = "quoted"
            elif self.state == "start of field" and char == '"':
                self.state = "quoted"
            elif char == ",":
                self.end_field()
            elif char in "\r\n":
                self.finish()
            else:
                self.field += char
                self.state = "unquoted"
        self.has_begun = True

    def finish(self) -> None:
        """End the record if one has begun; an empty line is none."""
        if self.state != "start of field" or self.fields:
            self.end_record()

    def end_record(self) -> None:
        self.end_field()
        self.records.append(self.fields)
        self.fields = []

    def end_field(self) -> None:
        self.fields.append(self.field)
        self.field = ""
        self.state = "start of field"


def check_rows(records: list[list[str]], dataset: str, num_columns: int) -> tuple[dict[str, Any], dict[int, Row]]:
    """Return what stage 1 found, and the rows without any error by their index."""
    columns: dict[int, dict[str, Any]] = {}
    schema: dict[str, Any] = {"recordedErrors": [], "numErrorsTotal": 0}
    by_code: dict[str, int] = {}
    cell_errors = 0
    good: dict[int, Row] = {}
    for index, record in enumerate(records):
        codes: set[str] = set()
        row: Row = []
        if len(record) != num_columns:
            few = len(record) < num_columns
            code = "NOT_ENOUGH_COLUMNS_PROVIDED" if few else "TOO_MANY_COLUMNS_PROVIDED"
            message = f"Row has too {'few' if few else 'many'} columns (configured columns: {num_columns})"
            codes.add(code)
            schema["numErrorsTotal"] += 1
            if schema["numErrorsTotal"] <= SCHEMA_ERRORS:
                schema["recordedErrors"].append({"code": code, "message": message, "row": index})
        else:
            for column, cell in enumerate(record):
                value, error = check_cell(cell, dataset, column)
                row.append(value)
                if error is None:
                    continue
                codes.add(error[0])
                entry = columns.setdefault(column, {"column": column, "recordedErrors": [], "numErrorsTotal": 0})
                entry["numErrorsTotal"] += 1
                cell_errors += 1
                if cell_errors <= CELL_ERRORS:
                    where = {"row": index, "column": column}
                    entry["recordedErrors"].append({"code": error[0], "message": error[1], "location": where})
        for code in codes:
            by_code[code] = by_code.get(code, 0) + 1
        if not codes:
            good[index] = row
    return {
        "columns": [columns[column] for column in sorted(columns)],
        "schema": schema,
        "table": {"recordedErrors": [], "numErrorsTotal": 0},
        "numInvalidRowsTotal": len(records) - len(good),
        "numInvalidRowsByErrorCode": by_code,
    }, good


def check_cell(cell: str, dataset: str, column: int) -> tuple[str | float | None, tuple[str, str] | None]:
    """Return the value of a cell, and its error as (code, message) if it has one."""
    if cell == "":
        return None, ("EMPTY_CELL", "Cell contains no value") if column in KEY[dataset] else None
    if dataset != "embeddings" or column < 2:
        return cell, None
    if not FLOAT.fullmatch(cell):
        return None, ("INVALID_FLOAT_FORMAT", f"Value '{cell}' is not a valid floating point number")
    return (None if math.isnan(float(cell)) else float(cell)), None


def finish_plain(report: dict[str, Any], rows: dict[int, Row], dataset: str, drop: bool) -> list[Row]:
    """Complete the report of segments, demographics or embeddings and return the surviving rows.

    See docs/spec/validation.md#9-duplicates and docs/spec/validation.md#10-outcome-and-surviving-rows.
    """
    report["outcome"] = "PASSED"
    if not drop and report["numInvalidRowsTotal"] > 0:
        report["outcome"] = "FAILED"
        return []
    surviving, duplicates = split_duplicates(rows, KEY[dataset])
    recorded = [
        {"code": "DUPLICATE_VALUES", "location": {"row": index, "columns": list(KEY[dataset])}} for index in duplicates
    ]
    report["uniqueness"] = {"recordedErrors": recorded[:UNIQUENESS_ERRORS], "numErrorsTotal": len(duplicates)}
    report["numInvalidRowsTotal"] += len(duplicates)
    if duplicates:
        report["numInvalidRowsByErrorCode"]["DUPLICATE_VALUES"] = len(duplicates)
    if drop:
        report["dropInvalidRows"] = {"numInvalidRowsDropped": report["numInvalidRowsTotal"]}
    elif duplicates:
        report["outcome"] = "FAILED"
        return []
    return list(surviving.values())


def split_duplicates(rows: dict[int, Row], key: tuple[int, ...]) -> tuple[dict[int, Row], list[int]]:
    """Return the first row with each key, and the indexes of all others."""
    first: dict[tuple[object, ...], int] = {}
    for index, row in rows.items():
        first.setdefault(tuple(row[column] for column in key), index)
    kept = set(first.values())
    return {i: row for i, row in rows.items() if i in kept}, [i for i in rows if i not in kept]


def finish_identifiers(
    report: dict[str, Any], rows: dict[int, Row], num_columns: int, config: list[dict[str, Any]]
) -> list[Row]:
    """Turn the report of stage 1 into that of identifiers and return the surviving rows.

    See docs/spec/validation.md#11-identifiers.
    """
    type_of = {entry["idName"]: entry["idType"] for entry in config}
    other_name = next((name for name in type_of if name != "userId"), "userId")
    id_name_of = {1: "userId", 2: other_name}
    normalised = {i: row if num_columns == 3 else [row[0], id_name_of[num_columns], row[-1]] for i, row in rows.items()}
    checked, duplicates = split_duplicates(normalised, (0, 1, 2))
    found: dict[str, list[int]] = {name: [] for name in ("MissingValues", "InvalidUserIdFormat", "InvalidIdFormat")}
    surviving: list[Row] = []
    by_code = report["numInvalidRowsByErrorCode"]
    for index, row in checked.items():
        user_id, id_name, id_value = ("" if value is None else str(value) for value in row)
        codes = set()
        if "" in (user_id, id_name, id_value):
            found["MissingValues"].append(index)
            codes.add("EMPTY_CELL")
        else:
            if error := format_error(type_of["userId"], user_id):
                found["InvalidUserIdFormat"].append(index)
                codes.add(error)
            if error := format_error(type_of.get(id_name, "STRING"), id_value):
                found["InvalidIdFormat"].append(index)
                codes.add(error)
        for code in codes:
            by_code[code] = by_code.get(code, 0) + 1
        if not codes:
            surviving.append(row)
    if duplicates:
        by_code["DUPLICATE_VALUES"] = len(duplicates)
    invalid: dict[str, Any] = {"totalInvalidRows": report["numRowsTotal"] - len(surviving)}
    for name, indexes in {"Duplicates": duplicates, **found}.items():
        texts = {i: ", ".join("" if v is None else str(v) for v in normalised[i]) for i in indexes[:SAMPLE_ROWS]}
        samples = [{"rowNumber": index, "values": values} for index, values in texts.items()]
        sample_key = "sampleDuplicateRows" if name == "Duplicates" else f"sample{name}"
        invalid[name[0].lower() + name[1:]] = {f"total{name}": len(indexes), sample_key: samples}
    del report["columns"], report["numInvalidRowsTotal"]
    flags = {"isActivationId": False, "isMatchingId": False, "isUserId": None}
    echo = [{key: entry.get(key, flags.get(key)) for key in ["idName", "idType", *flags]} for entry in config]
    report |= {"outcome": "PASSED", "config": echo, "numValidRows": len(surviving), "invalidRows": invalid}
    return surviving


def format_error(id_type: str, value: str) -> str | None:
    """The error code of a value that does not have the format of its type.

    See docs/spec/validation.md#115-types and docs/spec/validation.md#q20-a-trailing-line-break.
    """
    if id_type == "STRING":
        return None
    code, pattern = ID_TYPES[id_type]
    return None if re.fullmatch(pattern, value) else code
