"""The address of the pages: whether they may listen on it, and its URL."""

from __future__ import annotations

from typing import Protocol

from datalab.home.rules import is_loopback
from datalab_dagster.portal.errors import BindRefused


class KnowsUsers(Protocol):
    """An object that knows whether there is any user."""

    def any_user(self) -> bool: ...


def check_bind(host: str, accounts: KnowsUsers) -> None:
    """Check that pages may listen on `host`.

    Raises:
        BindRefused: other machines would reach them, and there is no user who could sign in.
    """
    if not is_loopback(host) and not accounts.any_user():
        raise BindRefused(host)


def own_host(host: str) -> str:
    """Return the address at which this machine reaches a service that listens on `host`.

    >>> own_host("0.0.0.0"), own_host("localhost")
    ('127.0.0.1', 'localhost')
    """
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def address(host: str, port: int, secret: str | None = None) -> str:
    """Return the URL of pages on this machine; with `secret`, the one that signs in.

    >>> address("0.0.0.0", 8000), address("::1", 8000, "s3cret")
    ('http://127.0.0.1:8000', 'http://[::1]:8000/?token=s3cret')
    """
    own = own_host(host)
    url = f"http://[{own}]:{port}" if ":" in own else f"http://{own}:{port}"
    return f"{url}/?token={secret}" if secret else url
