"""The vendor's error classes of a platform's API; the modules that call a deployment raise them.

ApiError
├── BadRequestError      the request cannot be carried out as sent
├── AuthorizationError   not signed in, or not allowed
├── NotFoundError        it does not exist
└── ServerError          the deployment cannot answer now
"""

from __future__ import annotations


class ApiError(Exception):
    """A deployment refused a request, or could not carry it out."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class BadRequestError(ApiError):
    """The request cannot be carried out as sent."""


class AuthorizationError(ApiError):
    """Not signed in, or not allowed."""


class NotFoundError(ApiError):
    """It does not exist."""


class ServerError(ApiError):
    """The deployment cannot answer now."""
