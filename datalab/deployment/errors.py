"""What can go wrong with a deployment's runs; no message holds a row value.

DatalabError
├── RunSuperseded        the datasets of a run were replaced while it went on
├── DatasetNotValidated  a run needs what an earlier run should have left (UsageError)
├── PathRefused          an id or a name is not the name of a file
└── NoScratch            rows are only opened and kept by a run
"""

from __future__ import annotations

from datalab.errors import DatalabError, UsageError
from datalab.kinds import DatasetKind


class RunSuperseded(DatalabError):
    def __init__(self, lab_id: str) -> None:
        super().__init__(
            f"The datasets of lab {lab_id} were replaced, or the run was cancelled, while it went on. It was stopped "
            "and nothing of it counts as current; a run on the new datasets follows by itself."
        )


class DatasetNotValidated(UsageError):
    def __init__(self, lab_id: str, kind: DatasetKind, *, provisioned: bool) -> None:
        what = f"{kind.value.capitalize()} of lab {lab_id}"
        if provisioned:
            said = f"{what} were not validated since they were provisioned. Materialise valid_{kind.value} as well."
        else:
            said = f"{what} are not provisioned. Provision them (`datalab provision {lab_id} …`) and run again."
        super().__init__(f"{said} Nothing was changed.")


class PathRefused(DatalabError):
    def __init__(self) -> None:
        super().__init__("A name with a path in it was refused. Nothing was read.")


class NoScratch(DatalabError):
    def __init__(self) -> None:
        super().__init__("Only a run opens and keeps rows: it has a private scratch directory. Nothing was read.")
