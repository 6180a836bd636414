"""What can go wrong with `datalab up` as a whole; what its database or Dagster's storage refuse is told by them."""

from __future__ import annotations

from pathlib import Path

from datalab.errors import DatalabError, UsageError


class PortTaken(UsageError):
    """Somebody else listens on a port that we need; `option` chooses another."""

    def __init__(self, host: str, port: int, option: str) -> None:
        self.port = port
        super().__init__(
            f"Port {port} of {host} is taken by another program. Nothing was started; stop that program, or choose "
            f"another port with {option}."
        )


class AddressUnusable(UsageError):
    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"{host}, port {port}, cannot be listened on: {reason}. Nothing was started; correct --host or the port."
        )


class ServiceKeepsEnding(DatalabError):
    """A process ended again and again, or never began to answer."""

    def __init__(self, name: str, what: str, log: Path) -> None:
        self.service = name
        super().__init__(
            f"{name} {what}, so `datalab up` has stopped everything. What is registered and stored is unharmed; "
            f"{log} says why. Remove the cause, then start again."
        )


class DatabaseKeepsEnding(DatalabError):
    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The database ended and could not be started again, so `datalab up` has stopped everything. {reason}"
        )
