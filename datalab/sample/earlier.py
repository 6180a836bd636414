"""Which files in a directory are of an earlier sample, so that a new one may replace them.

`LAB.json` is the marker: it is the definition of a sample, and all files of a sample have its time of modification. A
file that was edited, or put there by someone, has another.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from datalab.errors import UsageError
from datalab.kinds import DatasetKind

LAB_FILE = "LAB.json"
SAMPLE_NAME = "Sample publisher"
"""The name of the lab of every sample."""


class SampleWouldReplaceError(UsageError):
    """Files that are not of an earlier sample have the names of files to be written; nothing was written."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        exist, them = ("exists and was", "it") if len(names) == 1 else ("exist and were", "them")
        super().__init__(
            f"{', '.join(names)} {exist} not made by `datalab sample`; choose another folder, or replace {them} with "
            "--force. Nothing was written."
        )


def file_names() -> list[str]:
    """Return the names of the files of a sample.

    >>> file_names()[:2]
    ['LAB.json', 'identifiers.csv']
    """
    return [LAB_FILE, *(f"{kind}.csv" for kind in DatasetKind)]


def refuse_to_replace(directory: Path) -> None:
    """Refuse a sample in a directory where it would replace files that are not of an earlier sample.

    Raises:
        SampleWouldReplaceError: naming each of these files.
    """
    marker = _time_of_sample(directory / LAB_FILE)
    there = [directory / name for name in file_names() if os.path.lexists(directory / name)]
    strange = [path.name for path in there if marker is None or path.lstat().st_mtime_ns != marker]
    if strange:
        raise SampleWouldReplaceError(strange)


def _time_of_sample(lab: Path) -> int | None:
    """Return the time of modification of a sample's definition; None if it is another lab's, or none."""
    try:
        definition = json.loads(lab.read_bytes())
        time = lab.lstat().st_mtime_ns
    except (OSError, ValueError, RecursionError):
        return None
    return time if isinstance(definition, dict) and definition.get("name") == SAMPLE_NAME else None
