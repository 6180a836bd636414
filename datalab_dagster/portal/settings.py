"""How the portal is served: address, names that it answers to, lifetimes and limits; nothing is read or opened here."""

from __future__ import annotations

import getpass
import ipaddress
import os
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit

from datalab_dagster.portal.errors import BindRefused

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def _owner() -> str:
    """The name that the commands on this machine use too, so that keys made there can be used here."""
    try:
        return os.environ.get("DATALAB_USER") or getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in some containers
        return "owner"


@dataclass(frozen=True)
class PortalSettings:
    """Settings of the portal; every one has a default.

    >>> PortalSettings().is_loopback, PortalSettings(host="0.0.0.0").is_loopback
    (True, False)
    >>> PortalSettings(public_url="https://labs.publisher.example").is_secure
    True
    """

    host: str = "127.0.0.1"
    """What it is bound to."""
    port: int = 8000
    public_url: str | None = None
    """Where people reach it when something stands in front of it, such as a proxy that speaks TLS."""
    allowed_hosts: frozenset[str] = frozenset()
    """Further names that it answers to."""
    local_owner: str = field(default_factory=_owner)
    """Who the visitor is while there are no users and it is bound to loopback."""
    session_lifetime: timedelta = timedelta(hours=12)
    session_idle: timedelta = timedelta(hours=2)
    max_body_bytes: int = 1024**2
    """Of every request that is no upload."""
    dagster_url: str | None = None
    """Dagster's own pages, when they run: for links."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)

    @property
    def is_secure(self) -> bool:
        """Whether people reach it over TLS, so that cookies must not travel without."""
        return (self.public_url or "").startswith("https://")

    @property
    def hosts(self) -> frozenset[str] | None:
        """The names that a request may give as its host; None: any, as everybody has to log in."""
        named = {host.lower() for host in self.allowed_hosts}
        if self.public_url:
            named.add(urlsplit(self.public_url).hostname or "")
        if not self.is_loopback and not named:
            return None
        return frozenset(named | LOOPBACK_NAMES | {self.host.lower()})


def is_loopback(host: str) -> bool:
    """Tell whether `host` is an address or name of this machine that no other machine reaches.

    >>> [is_loopback(host) for host in ("localhost", "127.0.0.2", "::1", "0.0.0.0", "labs.example")]
    [True, True, True, False, False]
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


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
