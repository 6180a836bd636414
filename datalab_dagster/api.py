"""The vendor's tree of errors of a platform's API; what raises them is in the modules that ask a deployment.

ApiError
├── BadRequestError      the request cannot be carried out as it was made
├── AuthorizationError   not signed in, or not allowed to
├── NotFoundError        there is no such thing
└── ServerError          the deployment cannot answer now
"""

from __future__ import annotations


class ApiError(Exception):
    """A deployment refused a request, or could not carry it out."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class BadRequestError(ApiError):
    """The request cannot be carried out as it was made."""


class AuthorizationError(ApiError):
    """Not signed in, or not allowed to."""


class NotFoundError(ApiError):
    """There is no such thing."""


class ServerError(ApiError):
    """The deployment cannot answer now."""
