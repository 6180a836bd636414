"""How a finding is fixed in the source of the data: a line of SQL and a line of Python with the names of the lab.

The lines change or look at tables that are named as the datasets, with the columns that `datalab.kinds` declares; in
Python they are data frames of pandas. A finding without a line is fixed in another way, which its advice says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from datalab.id_types import IdType
from datalab.kinds import EMPTY_CELL, INVALID_FLOAT_FORMAT, KINDS, MATCHING
from datalab.lab import USER_ID, LabDefinition
from datalab.statistics.cause import Cause


@dataclass(frozen=True)
class Fix:
    """The same step twice."""

    sql: str
    python: str


def fix_of(cause: Cause, lab: LabDefinition) -> Fix | None:
    """Return how to fix a cause, or the most frequent reason for its rows; None: there is no line for it.

    >>> from datalab.statistics.cause import Severity
    >>> user_id = {"idName": "userId", "idType": "STRING"}
    >>> hem = {"idName": "hem", "idType": "HASHED_EMAIL", "isMatchingId": True}
    >>> lab = LabDefinition.model_validate({"identifiersConfig": [user_id, hem]})
    >>> cause = Cause("UPPER_CASE_IDS", Severity.WARNING, "identifiers", MATCHING)
    >>> fix_of(cause, lab).sql
    "UPDATE identifiers SET id = lower(id) WHERE id_name IN ('hem')"
    """
    codes = [cause.code] if cause.reason is None else [cause.reason.code, cause.code]
    form = next((LINES[code] for code in codes if code in LINES), None)
    lower = _lower_case(cause, lab)
    if form is None or not cause.dataset or (form is _LOWER and not lower):
        return None
    names = _names(cause, lab, lower)
    return Fix(form.sql.format(**names), form.python.format(**names))


def _names(cause: Cause, lab: LabDefinition, lower: Sequence[str]) -> dict[str, str]:
    """Return the names that the lines consist of: of a list, as a list of Python; with `sql_` as in SQL."""
    kind = cause.dataset or MATCHING
    declared = KINDS[kind]
    columns = declared.row_columns(lab)
    names = [column.name for column in columns]
    required = [column.name for column in columns if not column.nullable]
    values = [name for name in names if name not in declared.key]
    ids = [entry.id_name for entry in lab.identifiers_config]
    return {
        "table": kind.value,
        "of_ids": MATCHING.value,
        "user": names[0],
        "second": names[1],
        "third": names[2] if len(names) > 2 else "",
        "columns": repr(names),
        "sql_columns": ", ".join(names),
        "required": repr(required),
        "sql_missing": " OR ".join(f"{name} IS NULL" for name in required),
        "key": repr(list(declared.key)),
        "sql_key": ", ".join(declared.key),
        "values": repr(values),
        "sql_values": ", ".join(values),
        "sql_no_number": " OR ".join(f"({name} IS NOT NULL AND TRY_CAST({name} AS DOUBLE) IS NULL)" for name in values),
        "ids": repr(ids),
        "sql_ids": _texts(ids),
        "lower": repr(list(lower)),
        "sql_lower": _texts(lower),
        "id": repr(cause.subject),
        "sql_id": _texts([cause.subject]),
        "user_id": repr(USER_ID),
        "sql_user_id": _texts([USER_ID]),
        "limit": cause.limit or "0",
    }


def _lower_case(cause: Cause, lab: LabDefinition) -> list[str]:
    """Return the id names whose ids a cause wants in lower case."""
    if cause.subject in {entry.id_name for entry in lab.identifiers_config}:
        return [cause.subject]
    return [entry.id_name for entry in lab.identifiers_config if _is_lower(entry.id_type)]


def _is_lower(id_type: IdType) -> bool:
    return id_type.value_format is not None and id_type.value_format.is_lower_case


def _texts(values: Iterable[str]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


_LOWER = Fix(
    "UPDATE {table} SET id = lower(id) WHERE id_name IN ({sql_lower})",
    '{table}.loc[{table}["id_name"].isin({lower}), "id"] = {table}["id"].str.lower()',
)
_WRITE = Fix(
    "COPY (SELECT {sql_columns} FROM {table}) TO '{table}.csv' (FORMAT csv, HEADER false, DELIMITER ',')",
    '{table}[{columns}].to_csv("{table}.csv", header=False, index=False, encoding="utf-8")',
)
_COMPLETE = Fix("DELETE FROM {table} WHERE {sql_missing}", "{table} = {table}.dropna(subset={required})")
_ONCE = Fix(
    "DELETE FROM {table} a USING (SELECT rowid AS again, row_number() OVER (PARTITION BY {sql_key} ORDER BY rowid) "
    "AS n FROM {table}) b WHERE a.rowid = b.again AND b.n > 1",
    "{table} = {table}.drop_duplicates({key})",
)
_NUMBERS = Fix(
    "DELETE FROM {table} WHERE {sql_no_number}",
    '{table}[{values}] = {table}[{values}].apply(pandas.to_numeric, errors="coerce")',
)
_KNOWN = Fix(
    "DELETE FROM {table} WHERE {user} NOT IN (SELECT {user} FROM {of_ids})",
    '{table} = {table}[{table}["{user}"].isin({of_ids}["{user}"])]',
)
_ALIKE = Fix(
    "SELECT count(*) FROM {table} a JOIN {of_ids} b ON lower(trim(a.{user})) = lower(trim(b.{user}))",
    '{table}["{user}"].str.strip().str.lower().isin({of_ids}["{user}"].str.strip().str.lower()).sum()',
)
_HOW_OFTEN = Fix(
    "SELECT {second}, count(*) FROM {table} GROUP BY {second} ORDER BY count(*) DESC",
    '{table}["{second}"].value_counts()',
)
_THIRD_HOW_OFTEN = Fix(_HOW_OFTEN.sql.replace("second", "third"), _HOW_OFTEN.python.replace("second", "third"))
_SHORTER = Fix(
    "UPDATE {table} SET {second} = left({second}, {limit})",
    '{table}["{second}"] = {table}["{second}"].str[:{limit}]',
)
_UNKNOWN = Fix(
    "SELECT id_name, count(*) FROM {table} WHERE id_name NOT IN ({sql_ids}) GROUP BY id_name",
    '{table}.loc[~{table}["id_name"].isin({ids}), "id_name"].value_counts()',
)
_PLACEHOLDERS = Fix(
    "SELECT id, count(DISTINCT user_id) FROM {table} WHERE id_name = {sql_id} GROUP BY id "
    "ORDER BY count(DISTINCT user_id) DESC LIMIT 20",
    '{table}[{table}["id_name"] == {id}].groupby("id")["user_id"].nunique().nlargest(20)',
)
_WITHOUT = Fix(
    "SELECT user_id FROM {table} GROUP BY user_id HAVING max(CASE id_name WHEN {sql_id} THEN 1 ELSE 0 END) = 0",
    'set({table}["user_id"]) - set({table}.loc[{table}["id_name"] == {id}, "user_id"])',
)
_SAME_USER = Fix(
    "UPDATE {table} SET id = user_id WHERE id_name = {sql_user_id}",
    '{table}.loc[{table}["id_name"] == {user_id}, "id"] = {table}["user_id"]',
)
_NOT_EMPTY = Fix(
    "DELETE FROM {table} WHERE coalesce({sql_values}) IS NULL",
    '{table} = {table}.dropna(subset={values}, how="all")',
)

LINES: dict[str, Fix] = {
    EMPTY_CELL: _COMPLETE,
    INVALID_FLOAT_FORMAT: _NUMBERS,
    "DUPLICATE_VALUES": _ONCE,
    "NOT_ENOUGH_COLUMNS_PROVIDED": _WRITE,
    "TOO_MANY_COLUMNS_PROVIDED": _WRITE,
    "POSSIBLE_HEADER_ROW": _WRITE,
    "POSSIBLE_WRONG_SEPARATOR": _WRITE,
    "GUESSED_ENCODING": _WRITE,
    "REPLACED_CHARACTERS": _WRITE,
    "INVALID_FILE_TYPE": _WRITE,
    "UPPER_CASE_IDS": _LOWER,
    "NO_MATCHING_IDS": _LOWER,
    **{form.code: _LOWER for id_type in IdType if (form := id_type.value_format) is not None and form.is_lower_case},
    "USERS_NOT_IN_IDENTIFIERS": _KNOWN,
    "NO_USER_ID_OVERLAP": _ALIKE,
    "LOW_USER_ID_OVERLAP": _ALIKE,
    "TOO_FEW_SEGMENTS": _HOW_OFTEN,
    "TOO_MANY_SEGMENTS": _HOW_OFTEN,
    "SEGMENT_NAME_TOO_LONG": _SHORTER,
    "TOO_MANY_AGES": _HOW_OFTEN,
    "TOO_MANY_GENDERS": _THIRD_HOW_OFTEN,
    "UNKNOWN_ID_NAME": _UNKNOWN,
    "UNKNOWN_ID_NAMES": _UNKNOWN,
    "SHARED_ID": _PLACEHOLDERS,
    "LOW_MATCHABLE_SHARE": _WITHOUT,
    "USER_ID_MISMATCH": _SAME_USER,
    "EMPTY_EMBEDDINGS": _NOT_EMPTY,
}
"""Code → its lines, with the names of `_names` in braces."""
