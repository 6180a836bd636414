"""One interface to a deployment, with the words and errors it speaks in; this machine or another one carries it out."""

from datalab.registry import Action, KeyRole, LabState, RunState, Verdict
from datalab.registry.errors import (
    DatabaseUnreachable,
    DatasetInUse,
    DatasetNotFound,
    KeyAccessDenied,
    KeyNotFound,
    LabNameAmbiguous,
    LabNotFound,
    LoginRefused,
    Problem,
    ProblemCode,
    ProvisioningRefused,
    RegistryBusy,
    RegistryError,
    RunNotFound,
    TooManyLogins,
)
from datalab.storage import Key, size_of
from datalab.storage.errors import KeyInvalid
from datalab_dagster.graph.errors import RunNotStarted
from datalab_dagster.service.errors import NO_DATASET, LabIncomplete, NotPermitted, ResultNotFound, ServiceUnreachable
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
    "NO_DATASET",
    "Action",
    "DatabaseUnreachable",
    "DatasetInUse",
    "DatasetInfo",
    "DatasetNotFound",
    "EventInfo",
    "Key",
    "KeyAccess",
    "KeyAccessDenied",
    "KeyInvalid",
    "KeyNotFound",
    "KeyRole",
    "LabIncomplete",
    "LabInfo",
    "LabNameAmbiguous",
    "LabNotFound",
    "LabService",
    "LabState",
    "LoginRefused",
    "NotPermitted",
    "Problem",
    "ProblemCode",
    "ProvisioningRefused",
    "RegistryBusy",
    "RegistryError",
    "ResultInfo",
    "ResultNotFound",
    "RunInfo",
    "RunNotFound",
    "RunNotStarted",
    "RunState",
    "ServiceUnreachable",
    "SlotInfo",
    "StateInfo",
    "StepInfo",
    "TooManyLogins",
    "Verdict",
    "size_of",
]
