"""Where the files of a lab lie: its definition, its uploads, what is computed from them and its results.

Only places are decided here; what the files hold is the domain's.
"""

import os
from pathlib import Path

import dagster as dg
from pydantic import Field

from datalab.errors import UsageError
from datalab.lab import DatasetKind, LabDefinition, load_lab
from datalab.results import StatisticsResultV2, parse_statistics_result
from datalab.scratch import write_whole

REPORT_NAME = "validation-report.json"
STATUS_NAME = "validation-status.json"
STATISTICS_NAME = "statistics.json"
COMPARISON_NAME = "comparison.json"
DASHBOARD_NAME = "dashboard.html"
_DEFINITIONS = ("lab.json", "lab.yaml", "lab.yml")


class LabWorkspace(dg.ConfigurableResource[None]):
    """A folder per lab: `lab.json`, a file per dataset (`segments.csv`, …), `computed/` and `results/`."""

    root: str = Field(description="The directory that holds a folder per lab")
    statistics_version: int = Field(
        default=2, description="Which format statistics.json has: 2, or 1 for old consumers"
    )
    minimum_count: int = Field(default=0, description="Counts below it are hidden on the dashboard; 10 for sharing")

    def definition(self, lab: str) -> LabDefinition:
        """Return the definition of `lab`.

        Raises:
            UsageError: there is no such lab here.
            ConfigurationError: its definition has mistakes.
        """
        folder = self._folder(lab)
        for name in _DEFINITIONS:
            if (folder / name).exists():
                return load_lab(folder / name)
        place = folder / _DEFINITIONS[0]
        raise UsageError(f"No lab '{lab}' in {self.root}: there is no {place}. Put its definition there.")

    def upload(self, lab: str, kind: DatasetKind) -> Path | None:
        """Return the file provisioned as `kind`, or None when there is none."""
        return next(iter(sorted(self._folder(lab).glob(f"{kind.value}.*"))), None)

    def valid_rows(self, lab: str, kind: DatasetKind) -> Path:
        """Return where the valid rows of `kind` lie, as Parquet."""
        return self._computed(lab) / f"{kind.value}.parquet"

    def summary(self, lab: str, kind: DatasetKind) -> Path:
        """Return where the summary of the report of `kind` lies, which holds counts only."""
        return self._computed(lab) / f"{kind.value}.json"

    def users(self, lab: str) -> Path:
        """Return where the users of the lab lie, as Parquet."""
        return self._computed(lab) / "users.parquet"

    def panel(self, lab: str, name: str) -> Path:
        """Return where the numbers of a panel lie."""
        return self._computed(lab) / "panels" / f"{name}.json"

    def scratch(self, lab: str) -> Path:
        """Return an existing directory on the same disk for what a step spills."""
        self._computed(lab).mkdir(parents=True, exist_ok=True)
        return self._computed(lab)

    def report(self, lab: str, kind: DatasetKind) -> Path:
        """Return where the private validation report of `kind` lies."""
        return self.results(lab) / kind.value / REPORT_NAME

    def results(self, lab: str) -> Path:
        """Return the folder of everything that people read."""
        return self._folder(lab) / "results"

    def previous_statistics(self, lab: str) -> StatisticsResultV2 | None:
        """Return the statistics of the run before this one, if there was one."""
        return read_statistics(self.results(lab) / STATISTICS_NAME)

    def write(self, path: Path, text: str) -> None:
        """Write a result so that it is there completely or not at all."""
        write_whole(path, text)

    def _computed(self, lab: str) -> Path:
        return self._folder(lab) / "computed"

    def _folder(self, lab: str) -> Path:
        if not lab or lab != Path(lab).name or lab.startswith("."):
            raise UsageError(f"'{lab}' cannot be the name of a lab: use a plain name without '/' and leading dot.")
        return Path(self.root) / lab


class PreflightWorkspace(LabWorkspace):
    """One lab whose definition and files lie wherever its owner has them; `root` is scratch."""

    definition_json: str = Field(description="The definition, in wire keys")
    uploads: dict[str, str] = Field(description="Dataset → path of its file")
    previous: str = Field(description="The folder with the results of the run before this one")

    def definition(self, lab: str) -> LabDefinition:
        return LabDefinition.model_validate_json(self.definition_json)

    def upload(self, lab: str, kind: DatasetKind) -> Path | None:
        path = self.uploads.get(kind.value)
        return Path(path) if path else None

    def previous_statistics(self, lab: str) -> StatisticsResultV2 | None:
        return read_statistics(Path(self.previous) / STATISTICS_NAME)


def default_workspace() -> LabWorkspace:
    """Return the workspace of this machine: below `DATALAB_HOME`, by default `.datalab`."""
    home = Path(os.environ.get("DATALAB_HOME", ".datalab")).absolute()
    return LabWorkspace(root=str(home / "labs"))


def read_statistics(path: Path) -> StatisticsResultV2 | None:
    """Return the statistics in `path`; None when there are none, or none that can be compared with."""
    try:
        found = parse_statistics_result(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, StatisticsResultV2) else None
