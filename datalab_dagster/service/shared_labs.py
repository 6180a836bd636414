"""The interface of what labs share, for the programs of the vendor's admins."""

from __future__ import annotations

from typing import Protocol

from datalab_dagster.service.models import SharedLab


class SharedLabs(Protocol):
    """The labs that share their aggregates; small counts are hidden (see `datalab.dashboard.disclosure`)."""

    def all(self) -> list[SharedLab]:
        """Return the labs that share something, the oldest first."""

    def file(self, lab_id: str, name: str) -> bytes:
        """Return a file of the current result of a lab.

        Args:
            name: one of `datalab.results.files.SHARED`.

        Raises:
            LabNotFound: no lab of this id shares anything.
            ResultNotFound: there is no current result, no such file, or its counts cannot be hidden.
        """
