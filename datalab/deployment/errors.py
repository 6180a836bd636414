"""Errors of a deployment's datasets and runs; no message contains a row value.

DatalabError
├── NotADataset          a file that is no dataset was not stored (UsageError)
├── RunSuperseded        the datasets of a run were replaced while it was running
│   └── LabLockLost      the connection was lost that reserves the lab for the run
├── DatasetNotValidated  a run needs files of an earlier run that do not exist (UsageError)
├── StoredFileDamaged    a computed file was changed, truncated or exchanged (EncryptedFileDamaged)
├── StoredFileMissing    a computed file, or a part of it, does not exist (InputMissing)
├── PathRefused          an id or a name is not a plain file name
└── NoScratch            only a run can open and store rows
"""

from __future__ import annotations

import os

from datalab.errors import DatalabError, InputError, InputMissing, UsageError
from datalab.kinds import DatasetKind
from datalab.storage.errors import EncryptedFileDamaged


class NotADataset(UsageError):
    """A file was refused before the rest of it was sent; `reason` says what it is and what to do."""

    def __init__(self, name: str, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{name}: not stored: {reason}")


class RunSuperseded(DatalabError):
    def __init__(self, lab_id: str) -> None:
        super().__init__(
            f"The datasets of lab {lab_id} were replaced, or the run was cancelled, while it was running. It was "
            "stopped and its results do not count as current; a run on the new datasets starts automatically."
        )


class LabLockLost(RunSuperseded):
    def __init__(self, lab_id: str) -> None:
        DatalabError.__init__(
            self,
            f"The connection to the database was lost that reserves lab {lab_id} for this run. It was stopped and has "
            "published nothing since, because another run may have started. If no run starts automatically, validate "
            "the lab again.",
        )


class DatasetNotValidated(UsageError):
    def __init__(self, lab_id: str, kind: DatasetKind, *, provisioned: bool) -> None:
        what = f"{kind.value.capitalize()} of lab {lab_id}"
        if provisioned:
            reason = f"{what} were not validated since they were provisioned. Materialise valid_{kind.value} as well."
        else:
            reason = f"{what} are not provisioned. Provision them (`datalab provision {lab_id} …`) and run again."
        self.kind = kind
        super().__init__(f"{reason} Nothing was changed.")


class StoredFileDamaged(EncryptedFileDamaged):
    """`kind`: the dataset that must be validated again; None: the file is computed from all datasets."""

    def __init__(self, kind: DatasetKind | None, path: str | os.PathLike[str]) -> None:
        self.kind = kind
        super().__init__(path)


class StoredFileMissing(InputMissing):
    """`kind`: as for `StoredFileDamaged`."""

    def __init__(self, kind: DatasetKind | None, path: str | os.PathLike[str]) -> None:
        self.kind = kind
        InputError.__init__(
            self,
            f"Computed file does not exist: {os.fspath(path)}. It was removed or never made; run the lab again to "
            "create it.",
        )


class PathRefused(DatalabError):
    def __init__(self) -> None:
        super().__init__("A name that contains a path was refused. Nothing was read.")


class NoScratch(DatalabError):
    def __init__(self) -> None:
        super().__init__("Only a run can open and store rows: it has a private scratch directory. Nothing was read.")
