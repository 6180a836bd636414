"""The codes of errors, warnings and hints, an entry each: what a code means and what to do about it.

Validation, statistics and ingest decide when a code is given. The texts inside reports are bound by
docs/spec/validation.md and stay there.
"""

from __future__ import annotations

from dataclasses import dataclass

from datalab.id_types import IdType, ValueFormat
from datalab.kinds import EMPTY_CELL, INVALID_FLOAT_FORMAT


@dataclass(frozen=True, slots=True)
class Explanation:
    """A code in words."""

    meaning: str
    """A sentence without full stop, which is also a title."""
    advice: str
    """What to do, in sentences."""
    short: str = ""
    """Why a row is invalid, in a few words; empty for other codes."""

    @property
    def reason(self) -> str:
        """Why, in a few words, as it continues a sentence.

        >>> explain("EMPTY_CELL").reason, explain("EMPTY_DATASET").reason
        ('a required value is empty', 'a dataset has no valid row')
        """
        return self.short or self.meaning[:1].lower() + self.meaning[1:]

    @property
    def label(self) -> str:
        """Why, in a few words, as it begins a line.

        >>> explain("EMPTY_CELL").label
        'A required value is empty'
        """
        return self.reason[:1].upper() + self.reason[1:]


_EXPORT_AGAIN = "Export the file again as CSV in UTF-8 (or Parquet, gzip, zip) and provision it again."
_UNKNOWN_NAME = Explanation(
    "Rows name an id that the lab does not know",
    "Correct the id name in the file; case and blanks count. To use this id, create another Datalab: a definition "
    "cannot be changed.",
)


def _malformed(value_format: ValueFormat, example: str) -> Explanation:
    """Explain a value that its identifier type does not allow."""
    case = " Upper case makes it invalid." if value_format.is_lower_case else ""
    return Explanation(
        f"A value is not {value_format.name}",
        f"Correct the values in the export. A valid one is {example}.{case}",
        short=f"not {value_format.name}",
    )


ROW_ERRORS = {
    EMPTY_CELL: Explanation(
        "Rows lack a required value",
        "Fill the value in, or leave the row out of the file.",
        short="a required value is empty",
    ),
    "NOT_ENOUGH_COLUMNS_PROVIDED": Explanation(
        "Rows have too few columns",
        "Write all columns in every row, also those without a value. Separate them with commas.",
        short="too few columns",
    ),
    "TOO_MANY_COLUMNS_PROVIDED": Explanation(
        "Rows have too many columns",
        "Leave further columns out. Put a value that holds a comma in double quotes.",
        short="too many columns",
    ),
    "DUPLICATE_VALUES": Explanation(
        "Rows repeat another row",
        "Write every row once. Where a file holds a row again, the first one counts.",
        short="duplicate of another row",
    ),
    INVALID_FLOAT_FORMAT: Explanation(
        "A value is not a number",
        "Write numbers with a decimal point, such as -0.25 or 1e-3, and without a unit.",
        short="not a number",
    ),
    **{
        form.code: _malformed(form, id_type.example) for id_type in IdType if (form := id_type.value_format) is not None
    },
}
"""Why a row is invalid."""

FILE_ERRORS = {
    "FILE_TYPE_DETECTION_FAILED": Explanation("The type of a file could not be recognised", _EXPORT_AGAIN),
    "INVALID_FILE_TYPE": Explanation("A file is of a type that cannot be read", _EXPORT_AGAIN),
    "GZIP_DECODE_ERROR": Explanation(
        "A gzip file is damaged", "Compress and upload it again; it may have been cut off."
    ),
    "ZIP_DECODE_ERROR": Explanation(
        "A zip file cannot be read", "Put exactly one file without password in it, and upload it again."
    ),
    "PARQUET_READ_ERROR": Explanation(
        "A Parquet file cannot be read", "Write it again; it may be damaged or encrypted."
    ),
    "RECORD_TOO_LONG": Explanation(
        "A record is longer than 16 MiB",
        "Look near the row that the report names. Most often a quote is never closed, or the file has no line ends.",
    ),
}
"""Why no row of a file can be read."""

DATA_ERRORS = {
    "EMPTY_DATASET": Explanation(
        "A dataset has no valid row",
        "Look up in its validation report why rows are invalid, correct the file and provision it again.",
    ),
    "NO_MATCHING_IDS": Explanation(
        "A matching id has no values",
        "Check the spelling of the id name in the file: names must match the definition exactly. If it is right, the "
        "validation report says why the values are invalid.",
    ),
    "NO_USER_ID_OVERLAP": Explanation(
        "A dataset and the identifiers have no user in common",
        "Use the same userId in all files; often one export holds another key, prefix or hash.",
    ),
    "LOW_USER_ID_OVERLAP": Explanation(
        "A dataset and the identifiers have hardly any user in common",
        "Compare the userIds of both exports: most often they hold two kinds of user id, and the few in common are "
        "equal by chance. Use the same userId in all files.",
    ),
    "TOO_FEW_SEGMENTS": Explanation(
        "There are too few segments",
        "Check that the second column holds the segment; with so few of them, audiences cannot be distinguished.",
    ),
    "TOO_MANY_SEGMENTS": Explanation(
        "There are too many segments",
        "Merge or drop rare segments; check that the segment column does not hold an id or a timestamp.",
    ),
    "SEGMENT_NAME_TOO_LONG": Explanation("Segment names are too long", "Shorten them, or replace them by codes."),
    "TOO_MANY_AGES": Explanation(
        "There are too many age values", "Provide age groups such as 25-34 instead of years or birthdays."
    ),
    "TOO_MANY_GENDERS": Explanation(
        "There are too many gender values", "Write every gender in one way, for example f, m and d."
    ),
    "NAMES_WITHHELD": Explanation(
        "Names hold ids of users, or are ids, and are not shown",
        "Correct the file and provision it again: most often a quote is never closed, so that whole rows became one "
        "name, or two columns were swapped. Statistics and pages call these names withheld-1, withheld-2 and so on; "
        "the validation report and the valid rows are unchanged.",
    ),
    "TOO_FEW_EMBEDDINGS": Explanation(
        "There are too few embedding columns",
        "Provide longer embeddings, and create a Datalab with that number of columns.",
    ),
    "TOO_MANY_EMBEDDINGS": Explanation(
        "There are too many embedding columns",
        "Reduce the embeddings to fewer dimensions, for example by PCA, and create a Datalab with that number of "
        "columns.",
    ),
}
"""Why a lab cannot become Ready."""

QUALITY_WARNINGS = {
    "USERS_NOT_IN_IDENTIFIERS": Explanation(
        "Users of a dataset are not in Identifiers",
        "Such users can be neither matched nor activated. Export both files from the same day and the same base.",
    ),
    "LOW_MATCHABLE_SHARE": Explanation(
        "Few users can be matched by an id",
        "Expect small audiences when matching on it. Collect the id from more users, or match on another one.",
    ),
    "SHARED_ID": Explanation(
        "An id belongs to many users",
        "Look for defaults and placeholders (a shared address, an all-zero device id) and remove them at the source.",
    ),
    "HIGH_INVALID_SHARE": Explanation(
        "Many rows are invalid",
        "Begin with the most frequent reason; the validation report lists all of them with row numbers.",
    ),
    "UNKNOWN_ID_NAME": _UNKNOWN_NAME,
    "USER_ID_MISMATCH": Explanation(
        "userId rows contradict themselves",
        "In rows with idName userId both columns must hold the same value; correct the export.",
    ),
    "EMPTY_EMBEDDINGS": Explanation(
        "Embedding rows without any value", "Leave users without an embedding out of the file."
    ),
    "POSSIBLE_HEADER_ROW": Explanation("The first row looks like a header", "Files have no header: export without it."),
    "POSSIBLE_WRONG_SEPARATOR": Explanation(
        "The columns seem to be separated by another character",
        "Only commas separate columns: export the file again with commas.",
    ),
}
"""What a person should check before a lab is used."""

DROPS = {
    "HEADLINE_DROP": Explanation(
        "A number is much lower than in the previous result",
        "If you did not remove data on purpose, compare this export with the previous one before going live.",
    ),
    "HEADLINE_GONE": Explanation(
        "A number is no longer in the report",
        "Look for the identifier or the dataset that the previous report has and this one has not.",
    ),
}
"""What is worse than in the previous result."""

HINTS = {
    "GUESSED_ENCODING": Explanation(
        "A file is not UTF-8, and its encoding was guessed",
        "Ids changed by a wrong guess never match: export as UTF-8.",
    ),
    "REPLACED_CHARACTERS": Explanation(
        "A file holds broken characters, which were replaced",
        "Ids changed this way never match: export as UTF-8.",
    ),
    "UPPER_CASE_IDS": Explanation(
        "Ids would be valid in lower case",
        "Hashes and e-mail addresses must be lower case: convert before hashing, and write hashes in lower case.",
    ),
    "UNKNOWN_ID_NAMES": _UNKNOWN_NAME,
    "WRONG_WIDTH": Explanation(
        "Nearly every row has the same wrong number of columns",
        "Write exactly the expected columns: leave out what is too much, such as a date, or add what is missing.",
    ),
    "VECTORS_OF_OTHER_LENGTH": Explanation(
        "Embeddings have another length than the lab's definition says",
        "Write embeddings of that length, one column per number, or create a Datalab with the length of the file.",
    ),
    "ARRAY_IN_CELL": Explanation(
        "An embedding is an array in one cell",
        "Write one column per number, without brackets.",
    ),
    "DECIMAL_COMMAS": Explanation(
        "A decimal comma is in numbers",
        "Write numbers with a decimal point, such as 0.25: set the language of the export to English.",
    ),
    "COLUMNS_IN_OTHER_ORDER": Explanation(
        "Columns are not in the expected order",
        "Columns are read by their position: export them in the expected order.",
    ),
    "SEPARATOR_LINE": Explanation("A line with sep= comes before the rows", "Leave the line with sep= out."),
    "REPEATED_HEADERS": Explanation(
        "Header rows are among the rows",
        "Files have no header: leave it out of every file before they are put together.",
    ),
    "FOOTER_ROW": Explanation(
        "The last row is a remark and not data",
        "Leave it out: export to a file without the messages of the program.",
    ),
    "NOT_DATA": Explanation(
        "The file is not data at all",
        "Look at the file in an editor, fetch or export the data again, and choose a CSV or Parquet file.",
    ),
    "QUOTE_NOT_CLOSED": Explanation(
        "A quote that is not closed swallows rows",
        "Close the quote in that row, or write a quote inside a value twice; then the rows behind it are read.",
    ),
    "QUOTES_WITH_BACKSLASH": Explanation(
        "Quotes are escaped with a backslash",
        "Write a quote inside a value twice and without backslash, as CSV asks for.",
    ),
    "QUOTES_IN_VALUES": Explanation(
        "Values hold quotes of their own",
        "Only the straight double quote (U+0022) encloses a value: leave the others out.",
    ),
    "BLANKS_AROUND": Explanation(
        "Values begin or end with blanks", "Remove the blanks (trim) before and behind the values in the export."
    ),
    "INVISIBLE_CHARACTERS": Explanation(
        "Values hold characters that are not visible",
        "Remove them in the export: ids that hold them match nothing, and names that end with them are other names.",
    ),
    "NULL_WORDS": Explanation(
        "Missing values are written as words",
        "Leave a missing value empty; as a word it counts as a value.",
    ),
    "PYTHON_BYTES": Explanation(
        "Values are written as Python writes bytes", "Decode the bytes as UTF-8 before the file is written."
    ),
    "PLAIN_VALUES": Explanation(
        "Values are not hashed", "Trim them, write them in lower case, and hash them with SHA-256, in hex."
    ),
    "HASHES_OF_SHA1": Explanation(
        "Hashes are of SHA-1", "Hash the plain values with SHA-256; a hash cannot be converted into another one."
    ),
    "HASHES_OF_MD5": Explanation(
        "Hashes are of MD5", "Hash the plain values with SHA-256; a hash cannot be converted into another one."
    ),
    "HASHES_IN_BASE64": Explanation("Hashes are Base64 and not hex", "Write them as 64 hex digits in lower case."),
    "HASHES_WITH_PREFIX": Explanation(
        "A prefix stands before the hashes", "Write only the 64 hex digits, without a prefix."
    ),
    "HASHES_OF_NOTHING": Explanation(
        "Hashes are those of an empty text",
        "These users share one id and have none of their own: leave out rows without a value before hashing.",
    ),
    "ZERO_IDS": Explanation(
        "Advertising ids are zeros",
        "A device that withholds its id sends zeros, and all such users share them: leave these rows out.",
    ),
    "IP_ADDRESSES": Explanation(
        "IP addresses are given as advertising ids", "Export the advertising id of the device (IDFA or AAID)."
    ),
    "IDS_IN_OTHER_FORM": Explanation(
        "Advertising ids are written in another form",
        "Write them with hyphens and without braces, as 8-4-4-4-12 hex digits.",
    ),
    "MIXED_CASE_IDS": Explanation(
        "Advertising ids are in both cases",
        "Write all of them in lower case: ids are compared exactly.",
    ),
    "SCIENTIFIC_PHONES": Explanation(
        "A spreadsheet turned phone numbers into scientific notation",
        "Their last digits are lost: export them from the source again, as text, and do not save them in Excel.",
    ),
    "PHONES_WITHOUT_COUNTRY": Explanation(
        "Phone numbers have no country code",
        "Write them in E.164: plus and country code in place of the first 0, such as +41790000000.",
    ),
    "PHONES_IN_TWO_FORMS": Explanation(
        "Phone numbers occur with and without plus",
        "Write all of them with a plus: ids are compared exactly, so both forms of a number do not match.",
    ),
    "USER_IDS_WITH_DECIMALS": Explanation(
        "User ids end in .0",
        "A data frame read them as decimals. Write them as text, as they are in Identifiers, or they match no user.",
    ),
}
"""A publisher's errors that the report counts but does not explain; some warnings are hints too."""

CODES = ROW_ERRORS | FILE_ERRORS | DATA_ERRORS | QUALITY_WARNINGS | DROPS | HINTS


def explain(code: str) -> Explanation:
    """Return a code in words; a deployment of a later version may give codes that have no entry here.

    >>> explain("CLOCK_IS_WRONG").meaning
    'Clock is wrong'
    """
    unknown = Explanation(code.replace("_", " ").capitalize(), "Look up the details in the validation report.")
    return CODES.get(code, unknown)
