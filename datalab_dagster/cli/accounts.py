"""What `datalab user` and `datalab token` share: the accounts of the deployment and the name of their editor."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

import click

from datalab.home.settings import login_name
from datalab_dagster.service import Accounts
from datalab_dagster.service.open import open_accounts


@contextlib.contextmanager
def opened_accounts(user: str | None = None) -> Iterator[Accounts]:
    """Yield the accounts of the deployment that the environment names, for changes by `user` or the login name.

    Raises:
        RegistryError: its database cannot be used.
    """
    with open_accounts(whoever_asks(user)) as accounts:
        yield accounts


def whoever_asks(user: str | None) -> str:
    """Return the name for the audit log: `user`, or the login name."""
    return user or login_name() or "unknown"


def new_password(from_stdin: bool) -> str:
    """Return a new password: from a line of the standard input, or typed twice and hidden."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    answer: str = click.prompt("Password (at least 12 characters)", hide_input=True, confirmation_prompt=True, err=True)
    return answer
