"""What a finding means and what to do about it, in plain words, by its code; when it is made is the statistics'."""

from __future__ import annotations

from datalab.results.statistics import Finding

_FILE = "Export the file again as CSV in UTF-8 (or Parquet, gzip, zip) and provision it anew."

ADVICE = {
    "EMPTY_DATASET": (
        "A dataset has no valid row",
        "Look up in its validation report why rows are invalid, correct the file and provision it again.",
    ),
    "NO_MATCHING_IDS": (
        "A matching id has no values",
        "Check the spelling of the id name in the data against the lab's definition, or take the id out of the lab.",
    ),
    "NO_USER_ID_OVERLAP": (
        "A dataset and the identifiers have no user in common",
        "Use the same userId in all files; often one export holds another key, prefix or hash.",
    ),
    "TOO_FEW_SEGMENTS": (
        "There are too few segments",
        "Provide more segments: with so few of them, audiences cannot be told apart.",
    ),
    "TOO_MANY_SEGMENTS": (
        "There are too many segments",
        "Merge or drop rare segments; check that the segment column does not hold an id or a timestamp.",
    ),
    "SEGMENT_NAME_TOO_LONG": ("Segment names are too long", "Shorten them, or replace them by codes."),
    "TOO_MANY_AGES": (
        "There are too many age values",
        "Provide age groups such as 25-34 instead of years or birthdays.",
    ),
    "TOO_MANY_GENDERS": ("There are too many gender values", "Write every gender in one way, for example f, m and d."),
    "TOO_FEW_EMBEDDINGS": (
        "There are too few embedding columns",
        "Provide longer embeddings, and set the lab's number of embedding columns accordingly.",
    ),
    "TOO_MANY_EMBEDDINGS": (
        "There are too many embedding columns",
        "Reduce the embeddings to fewer dimensions, for example by PCA, and change the lab's definition.",
    ),
    "USERS_NOT_IN_IDENTIFIERS": (
        "Some users of a dataset are unknown to the identifiers",
        "Such users can be neither matched nor activated. Export both files from the same day and the same base.",
    ),
    "LOW_MATCHABLE_SHARE": (
        "Few users can be matched by an id",
        "Expect small audiences when matching on it. Collect the id from more users, or match on another one.",
    ),
    "SHARED_ID": (
        "An id belongs to many users",
        "Look for defaults and placeholders (a shared address, an all-zero device id) and remove them at the source.",
    ),
    "HIGH_INVALID_SHARE": (
        "Many rows are invalid",
        "The validation report lists the reasons with row numbers; the most frequent one is usually one fix.",
    ),
    "UNKNOWN_ID_NAME": (
        "Rows name an id that the lab does not know",
        "Correct the idName in the data, or add the identifier to the lab; until then these ids are not used.",
    ),
    "USER_ID_MISMATCH": (
        "userId rows contradict themselves",
        "In rows with idName userId both columns must hold the same value; correct the export.",
    ),
    "EMPTY_EMBEDDINGS": (
        "Embedding rows without any value",
        "Leave users without an embedding out of the file.",
    ),
    "POSSIBLE_HEADER_ROW": (
        "The first row looks like a header",
        "Files must not have a header row; export without it.",
    ),
    "POSSIBLE_WRONG_SEPARATOR": (
        "The columns seem to be separated by another character",
        "Separate columns with commas; export the file again.",
    ),
    "HEADLINE_DROP": (
        "A number fell sharply since last time",
        "If you did not remove data on purpose, compare this export with the previous one before going live.",
    ),
    "HEADLINE_GONE": (
        "A number is no longer in the report",
        "If you did not change the lab's definition, look for the missing identifier or dataset.",
    ),
    "FILE_TYPE_DETECTION_FAILED": ("The type of a file could not be recognised", _FILE),
    "INVALID_FILE_TYPE": ("A file is of a type that cannot be read", _FILE),
    "GZIP_DECODE_ERROR": ("A gzip file is damaged", "Compress and upload it again; it may have been cut off."),
    "ZIP_DECODE_ERROR": (
        "A zip file cannot be read",
        "Put exactly one file without password in it, and upload it again.",
    ),
    "PARQUET_READ_ERROR": ("A Parquet file cannot be read", "Write it again; it may be damaged or encrypted."),
}
"""Code → what it means, and what to do."""

_FORMATS = {
    "EMAIL": "e-mail address", "SHA256_HEX": "SHA-256 hash (64 lower-case hex digits)",
    "MAID": "mobile advertising id", "FIRST_ID": "First-id", "NETID": "netID", "ONEID": "OneID", "FLOAT": "number",
    "UTIQ_ADTECH": "Utiq adtech id", "UTIQ_MARTECH": "Utiq martech id", "ID5": "ID5 id", "IPV4": "IPv4 address",
}  # fmt: skip

_REASONS = {
    "DUPLICATE_VALUES": "Duplicate of another row",
    "EMPTY_CELL": "A required value is empty",
    "NOT_ENOUGH_COLUMNS_PROVIDED": "Too few columns",
    "TOO_MANY_COLUMNS_PROVIDED": "Too many columns",
    "INVALID_PHONE_E164_NUMBER": "Not a valid phone number (E.164)",
}


def explain(finding: Finding) -> tuple[str, str]:
    """Return what a finding means and what to do; an unknown code explains itself."""
    return ADVICE.get(finding.code, (readable(finding.code), "Look up the details in the validation report."))


def reason(code: str) -> str:
    """Return why rows are invalid, in words.

    Example:
        >>> reason("INVALID_EMAIL_FORMAT"), reason("EMPTY_CELL")
        ('Not a valid e-mail address', 'A required value is empty')
    """
    kind = code.removeprefix("INVALID_").removesuffix("_FORMAT")
    if code.startswith("INVALID_") and code.endswith("_FORMAT"):
        return f"Not a valid {_FORMATS.get(kind, readable(kind).lower())}"
    return _REASONS.get(code) or (ADVICE[code][0] if code in ADVICE else readable(code))


def readable(code: str) -> str:
    """Return a code as words."""
    return code.replace("_", " ").capitalize()
