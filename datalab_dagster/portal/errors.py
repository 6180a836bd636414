"""The error of a portal that does not start."""

from __future__ import annotations

from datalab.errors import UsageError


class BindRefused(UsageError):
    def __init__(self, host: str) -> None:
        super().__init__(
            f"The pages were not started on {host}: other machines would reach them, and there is no user who could "
            "sign in. Add a user first (`datalab user add you@publisher.example`), or use 127.0.0.1."
        )
