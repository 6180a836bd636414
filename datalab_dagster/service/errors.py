"""Errors of a deployment as a whole; its packages declare their own."""

from __future__ import annotations

from collections.abc import Sequence

from datalab.errors import DatalabError, UsageError
from datalab.registry import errors as registry
from datalab.storage import errors as storage

NO_DATASET = (registry.DatasetNotFound, storage.DatasetNotFound)
"""A dataset does not exist, or its bytes are not in the store."""


class LabIncomplete(UsageError):
    """A lab cannot be validated: `missing` names the datasets that are not provisioned."""

    def __init__(self, lab: str, missing: Sequence[str]) -> None:
        self.missing = list(missing)
        are = "is" if len(self.missing) == 1 else "are"
        super().__init__(
            f"Lab {lab} cannot be validated: {' and '.join(self.missing)} {are} not provisioned. Provision "
            f"(`datalab provision {lab} …`), then validate again."
        )


class ResultNotFound(UsageError):
    def __init__(self, lab: str, what: str) -> None:
        super().__init__(f"Lab {lab} has no {what}. `datalab results {lab}` lists what there is.")


class NamesUnchecked(ResultNotFound):
    """An earlier version made the file, and its names may hold ids of users; whether they do is not known."""

    def __init__(self, lab: str, name: str) -> None:
        UsageError.__init__(
            self,
            f"'{name}' of this result of lab {lab} is not shown: an earlier version made it, and names in it may hold "
            f"ids of users. `datalab validate {lab} --again` makes a new one.",
        )


class ServiceUnreachable(DatalabError):
    """A deployment does not answer over HTTP."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"The deployment at {where} does not answer: {reason}. Check the address and run again.")


class NotPermitted(DatalabError):
    """The deployment refuses this user: not signed in, or without the role."""

    def __init__(self, what: str) -> None:
        super().__init__(what)


NOT_SHOWN = (ResultNotFound, NotPermitted, registry.RoleRefused, registry.LabNotYours, registry.KeyAccessDenied)
"""Why a report or its hints are left out: the report was deleted, or the user may not read it."""
