"""The secret of a running `datalab up`: made at its start, readable by its account only, removed at the end.

A visitor who knows it is the owner of the deployment while there are no users. No log, record or list of processes
holds it.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from datalab.scratch import write_whole

SECRET_NAME = "up.token"
_BYTES = 32


def new_secret() -> str:
    """Return 32 random bytes as URL-safe base64.

    >>> len(new_secret())
    43
    """
    return secrets.token_urlsafe(_BYTES)


def make_secret(home: Path) -> str:
    """Make the secret of this start, write it for programs of the same account, and return it.

    Raises:
        OutputFailed: the home directory cannot be written to.
    """
    secret = new_secret()
    write_whole(home / SECRET_NAME, f"{secret}\n")
    return secret


def read_secret(home: Path) -> str | None:
    """Return the secret of the `datalab up` that runs on `home`; None if there is none, or it is another account's."""
    try:
        return (home / SECRET_NAME).read_text(encoding="ascii").strip() or None
    except (OSError, ValueError):
        return None


def remove_secret(home: Path) -> None:
    """Remove the secret after all processes that ask for it have ended."""
    (home / SECRET_NAME).unlink(missing_ok=True)
