"""Whether the portal may be bound to an address."""

from __future__ import annotations

from typing import Protocol

from datalab.home.settings import is_loopback
from datalab_dagster.portal.errors import BindRefused


class KnowsUsers(Protocol):
    """Whatever can say whether there is any user."""

    def any_user(self) -> bool: ...


def check_bind(host: str, accounts: KnowsUsers) -> None:
    """Make sure that the portal may be bound to `host`.

    Raises:
        BindRefused: other machines would reach it, and there is no user, so nobody would have to log in.
    """
    if not is_loopback(host) and not accounts.any_user():
        raise BindRefused(host)
