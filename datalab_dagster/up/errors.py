"""The errors of `datalab up` itself; its database and Dagster's storage have their own."""

from __future__ import annotations

from pathlib import Path

from datalab.errors import DatalabError, UsageError


class PortTaken(UsageError):
    """Another program is listening on the port; `option` chooses another."""

    def __init__(self, host: str, port: int, option: str) -> None:
        self.port = port
        super().__init__(
            f"Another program is listening on port {port} of {host}. Nothing was started; stop that program, or choose "
            f"another port with {option}."
        )


class AddressUnusable(UsageError):
    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(
            f"Cannot listen on port {port} of {host}: {reason}. Nothing was started; correct --host or the port."
        )


class ServiceKeepsEnding(DatalabError):
    """A process ended repeatedly, or never answered."""

    def __init__(self, name: str, what: str, log: Path) -> None:
        self.service = name
        super().__init__(
            f"{name} {what}, so `datalab up` has stopped everything. What is registered and stored is unharmed. "
            f"See {log} for the cause. Remove it, then start again."
        )


class DatabaseKeepsEnding(DatalabError):
    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The database ended and could not be restarted, so `datalab up` has stopped everything. {reason}"
        )


class DatabaseOfOthers(UsageError):
    def __init__(self) -> None:
        super().__init__(
            "The database is the one of DATALAB_POSTGRES_URL, which `datalab` does not start or stop. Nothing was "
            "stopped."
        )


class DatabaseInUse(DatalabError):
    def __init__(self, home: Path) -> None:
        super().__init__(
            f"Other processes are connected to the database under {home}, so it keeps running. Wait until they have "
            "ended, or stop it with --force: their transactions are rolled back."
        )
