"""What `datalab user` and `datalab token` share: the accounts of the deployment, who changes them."""

from __future__ import annotations

import contextlib
import getpass
import os
import sys
from collections.abc import Iterator

import click

from datalab.registry import Registry
from datalab.registry.accounts import Accounts


@contextlib.contextmanager
def opened_accounts() -> Iterator[Accounts]:
    """Yield the accounts of the deployment that the environment names.

    Raises:
        RegistryError: its database cannot be used.
    """
    with Registry.open(os.environ) as registry:
        yield registry.accounts


def whoever_asks(user: str | None) -> str:
    """Return who the audit log names: `user`, or the login name."""
    with contextlib.suppress(KeyError, OSError):
        return user or getpass.getuser()
    return "unknown"


def new_password(from_stdin: bool) -> str:
    """Return a new password: a line of the standard input, or typed twice without being shown."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    answer: str = click.prompt("Password (at least 12 characters)", hide_input=True, confirmation_prompt=True, err=True)
    return answer
