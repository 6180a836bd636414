"""The state of one running portal: settings, the secret, the deployment, which its opener closes."""

from __future__ import annotations

from fastapi import Request

from datalab.dashboard.disclosure import admin_minimum
from datalab.home.settings import PortalSettings
from datalab_dagster.portal.owner import Owner
from datalab_dagster.service import Accounts, HomeService


class Doorway:
    """The objects that identify a visitor; Dagster's pages need no others.

    Args:
        accounts: users, sessions and tokens.
        settings: of the pages.
        secret: of this start, see `datalab.home.secret`; None: there is no owner.
    """

    def __init__(self, accounts: Accounts, settings: PortalSettings, secret: str | None) -> None:
        self.accounts = accounts
        self.settings = settings
        self.owner = Owner(secret)

    def has_owner(self) -> bool:
        """Return whether the secret signs in: there are no users, and other machines cannot reach the pages."""
        return self.settings.is_loopback and not self.accounts.any_user()

    def is_secure(self, request: Request) -> bool:
        """Return whether the visitor uses TLS."""
        return self.settings.is_secure or request.url.scheme == "https"


class Portal(Doorway):
    """The objects that requests to the portal share.

    Attributes:
        admin_minimum: counts below it are hidden in every answer to a vendor's admin.
    """

    def __init__(
        self, service: HomeService, settings: PortalSettings, secret: str | None, minimum_count: int = 0
    ) -> None:
        super().__init__(service.for_user(settings.local_owner).accounts, settings, secret)
        self._service = service
        self.admin_minimum = admin_minimum(minimum_count)

    def service(self, email: str) -> HomeService:
        """Return the deployment for the user `email`."""
        return self._service.for_user(email)


def doorway_of(request: Request) -> Doorway:
    """Return the objects that identify the visitor of `request`."""
    doorway: Doorway = request.app.state.doorway
    return doorway


def portal_of(request: Request) -> Portal:
    """Return the portal that serves `request`."""
    portal = doorway_of(request)
    assert isinstance(portal, Portal)
    return portal
