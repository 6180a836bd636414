"""Errors over HTTP: what the portal itself refuses, the status of every class, and the one JSON shape they travel in.

DatalabError
├── NotPermitted               (service) signed in, but without the role
│   ├── LoginNeeded            not signed in, or the token or session has ended
│   │   └── SecretRefused      not the secret of this start
│   └── RequestForged          a change that did not come from a page of this portal
├── SenderGone                 the connection ended before the request did; only the log has it
├── TooManyUploads             all places of uploads are taken
├── TooManyRepairs             all places of repairs are taken
├── DeploymentUnavailable      all that an outsider learns when something behind the portal fails
└── UsageError
    ├── HostRefused            asked under a name that the portal does not answer to
    ├── RequestInvalid         the request has errors; lists them, without values
    └── RequestTooLarge  RequestTooSlow  ContentTypeWrong  AddressUnknown  MethodRefused
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from datalab import errors as root
from datalab.deployment import errors as deployment
from datalab.errors import DatalabError, UsageError
from datalab.formats import counted
from datalab.ingest.repair import errors as repair
from datalab.kinds import DatasetKind
from datalab.registry import ScheduleWrong
from datalab.registry import errors as registry
from datalab.registry.errors import Problem, ProblemCode
from datalab.storage import errors as storage
from datalab_dagster.graph import errors as graph
from datalab_dagster.service import errors as service
from datalab_dagster.service.errors import NotPermitted


class LoginNeeded(NotPermitted):
    def __init__(self) -> None:
        super().__init__(
            "Sign in, or send a valid API token: no user is signed in, or the session or token has ended. While the "
            "deployment has no users, open the address with the token that was printed when it was started."
        )


class SecretRefused(LoginNeeded):
    """Has a message of its own, because that of its base class is about sessions."""

    def __init__(self) -> None:
        NotPermitted.__init__(
            self,
            "This is not the token of the deployment as it runs now: every start makes a new one. Use the one that the "
            "last start printed; programs find it in up.token in the home directory.",
        )


class RequestForged(NotPermitted):
    def __init__(self) -> None:
        super().__init__(
            "The change was refused, as it does not come from a page of this portal that is still valid. Nothing was "
            "changed; reload the page and try again."
        )


class SenderGone(DatalabError):
    def __init__(self) -> None:
        super().__init__("The sender went away before the request was complete. What was not complete was not stored.")


class TooManyUploads(DatalabError):
    """`retry_after` is the number of seconds to wait."""

    def __init__(self, most: int, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(
            f"The deployment is storing {most} uploads already, the most at a time. Nothing of this one was stored; "
            f"send it again in {counted(retry_after, 'second')}."
        )


class TooManyRepairs(DatalabError):
    """`retry_after` is the number of seconds to wait."""

    def __init__(self, most: int, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(
            f"The deployment is repairing {counted(most, 'dataset')} already, the most at a time. Nothing was stored; "
            "try again when they are done."
        )


class DeploymentUnavailable(DatalabError):
    def __init__(self) -> None:
        super().__init__("The deployment cannot be used now. Nothing was changed; try again later.")


class HostRefused(UsageError):
    def __init__(self) -> None:
        super().__init__(
            "The portal does not answer to the name that this request was sent to. Use its own address, or add the "
            "name to its allowed hosts."
        )


class RequestInvalid(UsageError):
    """`mistakes` names the place and the rule of each error, not what was sent."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = list(mistakes)
        lines = "".join(f"\n  - {mistake}" for mistake in self.mistakes)
        super().__init__(f"The request was not carried out, and nothing was changed:{lines}")


class RequestTooLarge(UsageError):
    def __init__(self, limit: int) -> None:
        super().__init__(f"The request is larger than the {limit} bytes that are taken here. Nothing was changed.")


class RequestTooSlow(UsageError):
    def __init__(self, rate: int, seconds: float) -> None:
        super().__init__(
            f"Less than {counted(rate, 'byte')} per second arrived over {seconds:g} seconds. What was not complete was "
            "not stored; send it again over a faster connection."
        )


class ContentTypeWrong(UsageError):
    def __init__(self, expected: str) -> None:
        super().__init__(f"Send the content as {expected}. Nothing was changed.")


class AddressUnknown(UsageError):
    def __init__(self) -> None:
        super().__init__("There is nothing at this address. /docs lists all addresses of the API.")


class MethodRefused(UsageError):
    def __init__(self, method: str) -> None:
        super().__init__(f"This address does not take {method}. /docs lists what every address takes.")


_STATUS: dict[type[DatalabError], int] = {
    DatalabError: 500,
    root.ConfigurationError: 422,
    UsageError: 400,
    registry.RegistryError: 503,
    registry.LabNotFound: 404,
    registry.DatasetNotFound: 404,
    registry.RunNotFound: 404,
    registry.UploadNotFound: 404,
    registry.KeyNotFound: 404,
    registry.LabNameAmbiguous: 409,
    registry.DatasetInUse: 409,
    registry.DatasetRefused: 409,
    registry.ProvisioningRefused: 409,
    registry.RunRefused: 409,
    registry.AccessListWrong: 422,
    registry.KeyAccessDenied: 403,
    registry.LabNotYours: 403,
    registry.OwnersWrong: 422,
    registry.RoleRefused: 403,
    ScheduleWrong: 422,
    registry.LoginRefused: 401,
    registry.TooManyLogins: 429,
    deployment.NotADataset: 422,
    storage.DatasetNotFound: 404,
    storage.KeyMismatch: 422,
    storage.KeyInvalid: 422,
    storage.StoreUnreachable: 503,
    storage.UploadInterrupted: 503,
    storage.PartMissing: 409,
    storage.PartsDiffer: 409,
    storage.PartUnknown: 404,
    storage.PartSizeWrong: 422,
    service.LabIncomplete: 409,
    service.ResultNotFound: 404,
    graph.RunNotStarted: 503,
    service.ServiceUnreachable: 503,
    service.NotPermitted: 403,
    LoginNeeded: 401,
    HostRefused: 421,
    RequestInvalid: 422,
    RequestTooLarge: 413,
    RequestTooSlow: 408,
    ContentTypeWrong: 415,
    AddressUnknown: 404,
    MethodRefused: 405,
    SenderGone: 499,
    TooManyUploads: 503,
    TooManyRepairs: 503,
    repair.NotRepairable: 422,
    repair.KindUnknown: 422,
    repair.StepNotProposed: 409,
    DeploymentUnavailable: 503,
}
"""The status of a class, and of its subclasses that are not listed."""

ERROR_STATUSES = sorted({*_STATUS.values()} - {_STATUS[SenderGone]})
"""Every status that an answer to an error can have, except that for a sender who is gone: it is not sent."""

_FACTS_OF: dict[str, tuple[str, ...]] = {
    "ConfigurationError": ("where", "mistakes"),
    "DatasetInUse": ("labs",),
    "LabIncomplete": ("missing",),
    "LabTooLarge": ("where", "mistakes"),
    "NotADataset": ("reason",),
    "ProvisioningRefused": ("problems",),
    "RequestInvalid": ("mistakes",),
    "TooManyLogins": ("retry_after",),
    "TooManyRepairs": ("retry_after",),
    "TooManyUploads": ("retry_after",),
    "PartMissing": ("numbers",),
    "StoreUnreachable": ("reason",),
    "UploadInterrupted": ("upload_id", "chunks"),
    "ChunkDamaged": ("manifest_hash", "number"),
    "ManifestDamaged": ("manifest_hash",),
}
"""The attributes of an error that are sent in addition to its message."""


def status_of(error: DatalabError) -> int:
    """Return the HTTP status of an error.

    >>> status_of(registry.LabNotFound("lab-1"))
    404
    """
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def body_of(error: DatalabError) -> dict[str, Any]:
    """Return the JSON of an error: code (the name of its class), message, and its facts."""
    code = type(error).__name__
    details = {fact: _plain(getattr(error, fact)) for fact in _FACTS_OF.get(code, ())}
    return {"error": {"code": code, "message": str(error), "details": details}}


def error_from(body: Any, status: int) -> DatalabError | None:
    """Return the error that `body` describes, as an instance of its class; None if `body` has another shape.

    Codes that this version does not know become a UsageError (status 4xx) or a DatalabError.
    """
    told = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(told, Mapping) or not isinstance(told.get("message"), str):
        return None
    code, details = str(told.get("code")), told.get("details") or {}
    kind = _classes().get(code, UsageError if 400 <= status < 500 else DatalabError)
    # Not by its constructor, which composes the text from facts: the text is here already.
    error = kind.__new__(kind)
    DatalabError.__init__(error, told["message"])
    for fact in _FACTS_OF.get(code, ()):
        value = details.get(fact) if isinstance(details, Mapping) else None
        setattr(error, fact, [_problem(one) for one in value or []] if fact == "problems" else value)
    return error


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value


def _problem(plain: Mapping[str, str]) -> Problem:
    return Problem(ProblemCode(plain["code"]), DatasetKind(plain["kind"]), plain["message"])


def _classes() -> dict[str, type[DatalabError]]:
    """Return every class of error by its name; of two with one name, the registry's, which services raise."""
    found: dict[str, type[DatalabError]] = {}
    for module in (deployment, repair, storage, sys.modules[__name__], graph, service, root, registry):
        found |= {kind.__name__: kind for kind in _errors_in(vars(module))}
    return found


def _errors_in(names: Mapping[str, Any]) -> Iterator[type[DatalabError]]:
    for value in names.values():
        if isinstance(value, type) and issubclass(value, DatalabError):
            yield value
