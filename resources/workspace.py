"""Where the files of a lab lie: its definition, its uploads, its valid rows and its results.

Only places are decided here; what the files hold is the domain's.
"""

from pathlib import Path

import dagster as dg
from pydantic import Field

from datalab.errors import UsageError
from datalab.lab import DatasetKind, LabDefinition, load_lab
from datalab.scratch import write_whole

REPORT_NAME = "validation-report.json"
STATUS_NAME = "validation-status.json"
_DEFINITIONS = ("lab.json", "lab.yaml", "lab.yml")


class LabWorkspace(dg.ConfigurableResource[None]):
    """A directory with a folder per lab: `lab.json`, a file per dataset (`segments.csv`, …), `valid/`, `results/`."""

    root: str = Field(description="The directory that holds a folder per lab")

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
        raise UsageError(
            f"No lab '{lab}' in {self.root}: there is no {folder / _DEFINITIONS[0]}. Put its definition there."
        )

    def upload(self, lab: str, kind: DatasetKind) -> Path | None:
        """Return the file provisioned as `kind`, or None when there is none."""
        return next(iter(sorted(self._folder(lab).glob(f"{kind.value}.*"))), None)

    def valid_rows(self, lab: str, kind: DatasetKind) -> Path:
        """Return where the valid rows of `kind` lie, as Parquet."""
        return self._folder(lab) / "valid" / f"{kind.value}.parquet"

    def report(self, lab: str, kind: DatasetKind) -> Path:
        """Return where the private validation report of `kind` lies."""
        return self.results(lab) / kind.value / REPORT_NAME

    def summary(self, lab: str, kind: DatasetKind) -> Path:
        """Return where the summary of the report of `kind` lies, which holds counts only."""
        return self.valid_rows(lab, kind).with_suffix(".json")

    def status(self, lab: str) -> Path:
        """Return where the validation status of the lab lies."""
        return self.results(lab) / STATUS_NAME

    def results(self, lab: str) -> Path:
        """Return the folder of everything that people read."""
        return self._folder(lab) / "results"

    def write(self, path: Path, text: str) -> None:
        """Write a result so that it is there completely or not at all."""
        write_whole(path, text)

    def _folder(self, lab: str) -> Path:
        if not lab or lab != Path(lab).name or lab.startswith("."):
            raise UsageError(f"'{lab}' cannot be the name of a lab: use a plain name without '/' and leading dot.")
        return Path(self.root) / lab


class PreflightWorkspace(LabWorkspace):
    """One lab whose definition and files lie wherever its owner has them; `root` holds the valid rows until the end."""

    definition_json: str = Field(description="The definition, in wire keys")
    uploads: dict[str, str] = Field(description="Dataset → path of its file")
    out: str = Field(description="Where reports and status go")

    def definition(self, lab: str) -> LabDefinition:
        return LabDefinition.model_validate_json(self.definition_json)

    def upload(self, lab: str, kind: DatasetKind) -> Path | None:
        path = self.uploads.get(kind.value)
        return Path(path) if path else None

    def results(self, lab: str) -> Path:
        return Path(self.out)
