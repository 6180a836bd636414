"""The workspace of a preflight: one lab whose definition and files lie wherever its owner has them."""

from pathlib import Path

from pydantic import Field

from datalab.errors import InputMissing
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.results.files import STATISTICS, VALIDATION_REPORT
from datalab.results.statistics import StatisticsResultV2, parse_statistics_result
from datalab.scratch import write_whole
from resources.workspace import LabWorkspace


class PreflightWorkspace(LabWorkspace):
    """Everything it computes lies in plain text in `root`, a private scratch directory."""

    root: str = Field(description="A private directory")
    definition_json: str = Field(description="The definition, in wire keys")
    uploads: dict[str, str] = Field(description="Dataset → path of its file")
    previous: str = Field(description="The folder with the results of the run before this one")

    def definition(self, lab: str) -> LabDefinition:
        return LabDefinition.model_validate_json(self.definition_json)

    def provisioned(self, lab: str, kind: DatasetKind) -> tuple[int, str] | None:
        if kind.value not in self.uploads:
            return None
        path = Path(self.uploads[kind.value])
        try:
            facts = path.stat()
        except FileNotFoundError:
            raise InputMissing(path) from None
        return facts.st_size, f"{facts.st_size}-{facts.st_mtime_ns}"

    def content(self, lab: str, kind: DatasetKind) -> Path:
        return Path(self.uploads[kind.value])

    def scratch(self, lab: str) -> Path:
        return Path(self.root)

    def new_valid_rows(self, lab: str, kind: DatasetKind) -> Path:
        return Path(self.root) / f"{kind.value}.parquet"

    def valid_rows(self, lab: str, kind: DatasetKind) -> Path:
        return self.new_valid_rows(lab, kind)

    def keep_validated(self, lab: str, kind: DatasetKind, *, report: str, summary: str, total_rows: int) -> None:
        write_whole(self.results / kind.value / VALIDATION_REPORT.name, report)
        write_whole(Path(self.root) / f"{kind.value}.json", summary)

    def summary(self, lab: str, kind: DatasetKind) -> bytes:
        return (Path(self.root) / f"{kind.value}.json").read_bytes()

    def new_users(self, lab: str) -> Path:
        return Path(self.root) / "users.parquet"

    def users(self, lab: str) -> Path:
        return self.new_users(lab)

    def keep_users(self, lab: str) -> None:
        """They lie there already."""

    def keep_panel(self, lab: str, name: str, text: str) -> None:
        write_whole(Path(self.root) / "panels" / f"{name}.json", text)

    def panel(self, lab: str, name: str) -> bytes:
        return (Path(self.root) / "panels" / f"{name}.json").read_bytes()

    @property
    def results(self) -> Path:
        """The folder of everything that people read."""
        return Path(self.root) / "results"

    def publish(self, lab: str, name: str, text: str) -> None:
        write_whole(self.results / name, text)

    def published(self, lab: str, name: str) -> bytes:
        return (self.results / name).read_bytes()

    def previous_statistics(self, lab: str) -> StatisticsResultV2 | None:
        return read_statistics(Path(self.previous) / STATISTICS.name)


def read_statistics(path: Path) -> StatisticsResultV2 | None:
    """Return the statistics in `path`; None when there are none, or none that can be compared with."""
    try:
        found = parse_statistics_result(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, StatisticsResultV2) else None
