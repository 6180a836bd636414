"""What to fix, in a few words for a line of a list, for every code that keeps a lab from being Ready."""

from __future__ import annotations

from datalab.dashboard.texts import DATASETS
from datalab.kinds import MATCHING
from datalab.statistics.cause import ARRAYS, WIDE, WRONG_KIND

IDENTIFIERS = DATASETS[MATCHING][0]

SHORT = {
    WRONG_KIND: "a dataset of another kind",
    WIDE: "a column for each identifier",
    ARRAYS: "several segments in one cell",
    "EMPTY_DATASET": "no valid row",
    "NO_MATCHING_IDS": "no valid {subject}",
    "NO_USER_ID_OVERLAP": f"no user in common with {IDENTIFIERS}",
    "LOW_USER_ID_OVERLAP": f"hardly any user in common with {IDENTIFIERS}",
    "TOO_FEW_SEGMENTS": "too few segments",
    "TOO_MANY_SEGMENTS": "too many segments",
    "SEGMENT_NAME_TOO_LONG": "names that are too long",
    "NAMES_WITHHELD": "ids of users in place of names",
    "TOO_MANY_AGES": "too many ages",
    "TOO_MANY_GENDERS": "too many genders",
    "TOO_FEW_EMBEDDINGS": "fewer embedding columns than needed",
    "TOO_MANY_EMBEDDINGS": "more embedding columns than allowed",
    "POSSIBLE_HEADER_ROW": "the first row looks like a header",
    "POSSIBLE_WRONG_SEPARATOR": "columns are not separated by commas",
    "GUESSED_ENCODING": "not UTF-8",
    "REPLACED_CHARACTERS": "broken characters",
    "UPPER_CASE_IDS": "ids in upper case",
}
"""Code → the words; `{subject}` is the subject of the finding."""
