"""What one running portal holds: settings, the secret, the deployment; closing that is up to who opened it."""

from __future__ import annotations

from fastapi import Request

from datalab.home.settings import PortalSettings
from datalab_dagster.portal.owner import Owner
from datalab_dagster.service import Accounts, HomeService


class Doorway:
    """What is needed to identify a visitor; Dagster's pages need no more.

    Args:
        accounts: users, sessions and tokens.
        settings: how the pages are served.
        secret: of this start, see `datalab.home.secret`; None: there is no owner.
    """

    def __init__(self, accounts: Accounts, settings: PortalSettings, secret: str | None) -> None:
        self.accounts = accounts
        self.settings = settings
        self.owner = Owner(secret)

    def has_owner(self) -> bool:
        """Return whether the secret signs in: there are no users, and other machines do not reach the pages."""
        return self.settings.is_loopback and not self.accounts.any_user()

    def is_secure(self, request: Request) -> bool:
        """Return whether the visitor reaches the pages over TLS."""
        return self.settings.is_secure or request.url.scheme == "https"


class Portal(Doorway):
    """The parts that requests to the portal share."""

    def __init__(self, service: HomeService, settings: PortalSettings, secret: str | None) -> None:
        super().__init__(service.for_user(settings.local_owner).accounts, settings, secret)
        self._service = service

    def service(self, email: str) -> HomeService:
        """Return the deployment as `email` sees it."""
        return self._service.for_user(email)


def doorway_of(request: Request) -> Doorway:
    """Return what identifies the sender of `request`."""
    doorway: Doorway = request.app.state.doorway
    return doorway


def portal_of(request: Request) -> Portal:
    """Return the portal that serves `request`."""
    portal = doorway_of(request)
    assert isinstance(portal, Portal)
    return portal
