"""The first sentence about a lab: why it is not Ready, or what is wrong with a file although it is."""

from __future__ import annotations

from collections.abc import Iterable

from datalab.dashboard.sentences import consequences, first_error, sentence
from datalab.dashboard.texts import DATASETS
from datalab.statistics.cause import Cause, Severity
from datalab.statistics.cause_table import is_of_file


def first_cause(causes: Iterable[Cause], *, is_ready: bool) -> Cause | None:
    """Return what is said first of a lab: why it is not Ready, or what is wrong with a file of one that is.

    None: nothing keeps the lab from being Ready, and its files are as they should be.
    """
    listed = list(causes)
    doubt = next((cause for cause in listed if is_ready and is_of_file(cause)), None)
    return first_error(listed) or doubt


def said(cause: Cause) -> str:
    """Return the first sentence about a lab, without its consequences.

    >>> from datalab.kinds import DatasetKind
    >>> said(Cause("NO_USER_ID_OVERLAP", Severity.ERROR, "segments", DatasetKind.SEGMENTS, (0, 19007)))
    'Not ready: none of the 19,007 users in Segments is in Identifiers.'
    >>> said(Cause("GUESSED_ENCODING", Severity.WARNING, "segments", DatasetKind.SEGMENTS))
    'Ready, but Segments is not UTF-8, and its encoding was guessed.'
    """
    return f"{'Not ready:' if cause.worst is Severity.ERROR else 'Ready, but'} {clause(cause)}"


def with_consequences(cause: Cause) -> str:
    """Return the first sentence about a lab, and how many findings follow from it.

    >>> from datalab.kinds import DatasetKind
    >>> with_consequences(Cause("EMPTY_DATASET", Severity.ERROR, "segments", DatasetKind.SEGMENTS))
    'Not ready: Segments has no valid row.'
    """
    return f"{said(cause)} {consequences(cause)}".rstrip()


def clause(cause: Cause) -> str:
    """Return what a cause says, as it continues a sentence: names of datasets keep their capital.

    >>> from datalab.kinds import DatasetKind
    >>> clause(Cause("EMPTY_DATASET", Severity.ERROR, "segments", DatasetKind.SEGMENTS))
    'Segments has no valid row.'
    """
    text = sentence(cause)
    return text if text.startswith(tuple(title for title, _ in DATASETS.values())) else text[:1].lower() + text[1:]
