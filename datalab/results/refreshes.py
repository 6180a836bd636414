"""The refreshes of a lab as trends need them: headline numbers only, also of results whose files are removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from datalab.kinds import DatasetKind

MOST_REFRESHES = 30
"""How many refreshes of a lab a trend has at most, the newest."""


@dataclass(frozen=True)
class Refresh:
    """One result of a lab.

    Attributes:
        run_id: of the run that computed it.
        at: when it was computed.
        datasets: kind → manifest hash of what it was computed from.
        numbers: headline number → its value.
    """

    run_id: str
    at: datetime
    datasets: Mapping[DatasetKind, str]
    numbers: Mapping[str, int]
