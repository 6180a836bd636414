"""The run of a preflight: one lab whose definition and files are anywhere on this machine."""

import contextlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from datalab.deployment.plain_place import PlainPlace
from datalab.errors import InputError, InputMissing
from datalab.ingest.recognise import recognise_path
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.results.files import STATISTICS
from datalab.results.statistics import StatisticsResultV2, parse_statistics_result
from resources.lab_run import UnrecordedRun

PREFLIGHT = "preflight"
"""The partition of the lab, which only this run uses."""


class PreflightRun(UnrecordedRun):
    """The run of a preflight: it reads files on this machine and writes below a private folder.

    Args:
        root: the folder, which also contains what the engine spills.
        definition: of the lab.
        files: of its datasets.
        previous: the folder with the results of the run before this one.
    """

    place: PlainPlace

    def __init__(
        self, root: Path, definition: LabDefinition, files: Mapping[DatasetKind, Path], previous: Path
    ) -> None:
        versions = {kind: _version(path) for kind, path in files.items()}
        super().__init__(PREFLIGHT, PREFLIGHT, definition, versions, root)
        self.place = PlainPlace(root, self.lab_id)
        self._files = files
        self._previous = previous
        self._facts: dict[DatasetKind, Mapping[str, Any]] = {}

    def size(self, kind: DatasetKind) -> int:
        return self._files[kind].stat().st_size

    def content(self, kind: DatasetKind) -> AbstractContextManager[Path]:
        return contextlib.nullcontext(self._files[kind])

    def facts(self, kind: DatasetKind) -> Mapping[str, Any] | None:
        if kind not in self._facts:
            with contextlib.suppress(InputError, OSError):  # its validation says what is wrong
                self._facts[kind] = recognise_path(self._files[kind]).facts.model_dump(mode="json")
        return self._facts.get(kind)

    def previous_statistics(self) -> StatisticsResultV2 | None:
        try:
            found = parse_statistics_result((self._previous / STATISTICS.name).read_bytes())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, StatisticsResultV2) else None


def _version(path: Path) -> str:
    try:
        facts = path.stat()
    except FileNotFoundError:
        raise InputMissing(path) from None
    return f"{facts.st_size}-{facts.st_mtime_ns}"
