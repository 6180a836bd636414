"""What was recognised in a file, in sentences: the one place of these words (docs/wording.md)."""

from __future__ import annotations

from datalab.formats import counted, listed, number, share
from datalab.id_types import IdType
from datalab.ingest.recognise.facts import MOST, ColumnFacts, Container, FileFacts, Form, NoDataset, ValueType
from datalab.kinds import KINDS

SEPARATOR_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}

_EXPORT = "Export the table as CSV in UTF-8, separated by commas, and choose that file."
_NO_DATASET = {
    NoDataset.EMPTY: "the file has no row. Export it again.",
    NoDataset.PICTURE: f"this is a picture, not a dataset. {_EXPORT}",
    NoDataset.PDF: f"this is a PDF document, not a dataset. {_EXPORT}",
    NoDataset.SPREADSHEET: (
        "this is a spreadsheet, not a dataset. In Excel choose File, Save As, CSV UTF-8 (Comma delimited), and choose "
        "the saved file."
    ),
    NoDataset.BINARY: f"this is a binary file, not a dataset. {_EXPORT}",
}
_UNFOLD = {
    False: "The last column holds an array in each cell: write one row for each of its values.",
    True: "The last column holds an array in each cell: write one column for each of its numbers.",
}


def no_dataset(facts: FileFacts) -> str:
    """Say why a file is no dataset and what to do; it begins in lower case, for use after a colon.

    Example:
        >>> no_dataset(FileFacts(is_whole=True, no_dataset=NoDataset.EMPTY))
        'the file is empty (0 bytes). Export it again.'
    """
    if facts.no_dataset is NoDataset.EMPTY and facts.container is Container.NONE and facts.encoding is None:
        return "the file is empty (0 bytes). Export it again."
    return _NO_DATASET[facts.no_dataset] if facts.no_dataset else ""


def looks_like(facts: FileFacts) -> str:
    """Say in a sentence or two what a file looks like.

    Example:
        >>> looks_like(FileFacts(is_whole=True, records=9, columns=1, separator=",", encoding="utf-8"))
        'Not sure what this is: 1 column, no header, UTF-8.'
    """
    if facts.no_dataset:
        text = no_dataset(facts)
        return text[:1].upper() + text[1:]
    if not facts.is_readable:
        wrapped = {Container.ZIP: "A zip archive", Container.PARQUET: "A Parquet file", Container.GZIP: "A gzip file"}
        what = wrapped.get(facts.container, "A text without columns")
        return f"{what}: its columns could not be read." if facts.is_whole else f"{what}: not read to its end yet."
    titles = [KINDS[kind].title for kind in facts.possible]
    if facts.kind:
        begin = f"Looks like {KINDS[facts.kind].title}"
    elif titles:
        begin = f"Not sure: could be {listed(titles, 'or')}"
    else:
        begin = "Not sure what this is"
    return f"{begin}: {', '.join(_parts(facts))}."


def kind_words(facts: FileFacts | None) -> str:
    """Name the kind of a file in a few words; None: it was not recognised yet.

    Example:
        >>> kind_words(None), kind_words(FileFacts(is_whole=True, records=9, columns=1, separator=","))
        ('Not inspected', 'Not sure')
    """
    if facts is None:
        return "Not inspected"
    if facts.kind:
        return KINDS[facts.kind].title
    titles = [KINDS[kind].title for kind in facts.possible]
    return f"Not sure: {listed(titles, 'or')}" if titles else "Not sure"


def form_words(facts: FileFacts | None) -> str:
    """Describe the columns, the header and the encoding of a file; empty: they could not be read."""
    return ", ".join(_parts(facts)) if facts and facts.is_readable else ""


def notes(facts: FileFacts) -> list[str]:
    """Say what should be changed in the file before it is used, a sentence each."""
    found = []
    if facts.separator_line:
        found.append("The first line is sep= for spreadsheets: leave it out.")
    if facts.headers == 1:
        found.append("The first row is a header and would be read as data: leave it out.")
    elif facts.headers:
        found.append(f"{counted(facts.headers, 'row')} are headers and would be read as data: leave them out.")
    if facts.separator not in (None, ",") and facts.columns > 1:
        found.append(f"Columns are separated by {SEPARATOR_NAMES[facts.separator or ',']}: write commas.")
    if facts.encoding_is_guessed:
        found.append(f"The text is not UTF-8, and {facts.encoding} is a guess: export it as UTF-8.")
    if facts.is_readable and facts.of_width < MOST:
        found.append(
            f"{share(facts.of_width)} of the rows have {counted(facts.columns, 'column')}: look at the others."
        )
    if any(column.is_of(ValueType.DECIMAL_COMMA) for column in facts.column_facts):
        found.append("Numbers have a decimal comma: write points.")
    if facts.form is Form.ARRAYS:
        found.append(_UNFOLD[facts.column_facts[-1].is_of(ValueType.NUMBER_ARRAY)])
    if facts.form is Form.WIDE:
        found.append("Each identifier has its own column: write one row for each id, as userId, idName, id.")
    found += [text for at, column in enumerate(facts.column_facts, 1) if (text := _almost(at, column))]
    return found


def column_types(facts: FileFacts) -> list[str]:
    """Say of every column that has a type what its values are."""
    return [
        f"Column {at}: {_label(name)} in {share(found)} of the values"
        for at, column in enumerate(facts.column_facts, 1)
        for name, found in sorted(column.types.items(), key=lambda one: -one[1])
    ]


def _almost(at: int, column: ColumnFacts) -> str:
    """Say how many values of a column are of its type only without blanks and in lower case."""
    if not column.types or column.exact == 1:
        return ""
    name = max(column.types, key=lambda name: column.types[name])
    right = f"{_label(name)} in lower case and without blanks around them"
    return f"Column {at}: {share(1 - column.exact)} of the values would be right as {right}."


def _label(name: str) -> str:
    labels = {
        ValueType.NUMBER: "number",
        ValueType.DECIMAL_COMMA: "number with a decimal comma",
        ValueType.ARRAY: "array",
        ValueType.NUMBER_ARRAY: "array of numbers",
    }
    return labels[ValueType(name)] if name in list(ValueType) else IdType(name).label


def _parts(facts: FileFacts) -> list[str]:
    header = {0: "no header", 1: "a header"}.get(facts.headers, f"{number(facts.headers)} headers")
    parts = [counted(facts.columns, "column"), header]
    if facts.container is Container.PARQUET:
        parts[1:] = ["Parquet"]
    if facts.encoding:
        parts.append("UTF-8" if facts.encoding in ("ascii", "utf-8") else facts.encoding)
    if facts.container in (Container.GZIP, Container.ZIP):
        parts.append(f"in {facts.container.value}")
    return parts
