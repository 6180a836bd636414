"""One interface to a deployment, and who carries it out: this machine, or another one over HTTP."""

from datalab_dagster.graph.errors import RunNotStarted
from datalab_dagster.service.errors import (
    LabIncomplete,
    NotPermitted,
    ResultNotFound,
    ServiceUnreachable,
)
from datalab_dagster.service.models import (
    DatasetInfo,
    EventInfo,
    KeyAccess,
    LabInfo,
    ResultInfo,
    RunInfo,
    SlotInfo,
    StateInfo,
    StepInfo,
)
from datalab_dagster.service.protocol import LabService

__all__ = [
    "DatasetInfo",
    "EventInfo",
    "KeyAccess",
    "LabIncomplete",
    "LabInfo",
    "LabService",
    "NotPermitted",
    "ResultInfo",
    "ResultNotFound",
    "RunInfo",
    "RunNotStarted",
    "ServiceUnreachable",
    "SlotInfo",
    "StateInfo",
    "StepInfo",
]
