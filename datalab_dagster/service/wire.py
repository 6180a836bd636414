"""How errors travel over HTTP: one JSON shape, a status per class, and the same class again at the other end."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from datalab import errors as root
from datalab.lab import DatasetKind
from datalab.registry import errors as registry
from datalab.registry.errors import Problem, ProblemCode
from datalab.storage import errors as storage
from datalab_dagster.portal import errors as portal
from datalab_dagster.service import errors as service

_STATUS: dict[type[root.DatalabError], int] = {
    root.DatalabError: 500,
    root.ConfigurationError: 422,
    root.UsageError: 400,
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
    registry.LoginRefused: 401,
    registry.TooManyLogins: 429,
    storage.DatasetNotFound: 404,
    storage.KeyMismatch: 422,
    storage.KeyInvalid: 422,
    storage.StoreUnreachable: 503,
    storage.UploadInterrupted: 503,
    service.LabIncomplete: 409,
    service.ResultNotFound: 404,
    service.RunNotStarted: 503,
    service.ServiceUnreachable: 503,
    service.NotPermitted: 403,
    portal.LoginNeeded: 401,
    portal.HostRefused: 421,
    portal.RequestInvalid: 422,
    portal.RequestTooLarge: 413,
    portal.RequestTooSlow: 408,
    portal.ContentTypeWrong: 415,
    portal.AddressUnknown: 404,
    portal.MethodRefused: 405,
    storage.PartMissing: 409,
    storage.PartsDiffer: 409,
    storage.PartUnknown: 404,
    storage.PartSizeWrong: 422,
    portal.DeploymentUnavailable: 503,
}
"""The status of a class, and of those below it that are not named."""

_FACTS_OF: dict[str, tuple[str, ...]] = {
    "ConfigurationError": ("where", "mistakes"),
    "DatasetInUse": ("labs",),
    "LabIncomplete": ("missing",),
    "ProvisioningRefused": ("problems",),
    "RequestInvalid": ("mistakes",),
    "TooManyLogins": ("retry_after",),
    "PartMissing": ("numbers",),
    "UploadInterrupted": ("upload_id", "chunks"),
    "ChunkDamaged": ("manifest_hash", "number"),
    "ManifestDamaged": ("manifest_hash",),
}
"""What an error tells beside its message, in attributes."""


def status_of(error: root.DatalabError) -> int:
    """Return the HTTP status of an error.

    >>> status_of(registry.LabNotFound("lab-1"))
    404
    """
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def body_of(error: root.DatalabError) -> dict[str, Any]:
    """Return the JSON of an error: code (the name of its class), message, and its facts."""
    code = type(error).__name__
    details = {fact: _plain(getattr(error, fact)) for fact in _FACTS_OF.get(code, ())}
    return {"error": {"code": code, "message": str(error), "details": details}}


def error_from(body: Any, status: int) -> root.DatalabError | None:
    """Return the error that `body` tells of, as its own class; None when it has another shape.

    Codes that this version does not know become a UsageError (status 4xx) or a DatalabError.
    """
    told = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(told, Mapping) or not isinstance(told.get("message"), str):
        return None
    code, details = str(told.get("code")), told.get("details") or {}
    kind = _classes().get(code, root.UsageError if 400 <= status < 500 else root.DatalabError)
    # Past its own constructor: that composes a text from facts, and the text is here already.
    error = kind.__new__(kind)
    root.DatalabError.__init__(error, told["message"])
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


def _classes() -> dict[str, type[root.DatalabError]]:
    """Every class of error by its name; where two rooms use one name, the registry's, which is what services raise."""
    found: dict[str, type[root.DatalabError]] = {}
    for room in (storage, portal, service, root, registry):
        found |= {kind.__name__: kind for kind in _errors_in(vars(room))}
    return found


def _errors_in(names: Mapping[str, Any]) -> Iterator[type[root.DatalabError]]:
    for value in names.values():
        if isinstance(value, type) and issubclass(value, root.DatalabError):
            yield value
