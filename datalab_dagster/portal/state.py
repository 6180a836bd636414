"""What one running portal holds: settings and the deployment; closing that is up to who opened it."""

from __future__ import annotations

import secrets

from fastapi import Request

from datalab.home.settings import PortalSettings
from datalab_dagster.service import Accounts, HomeService


class Portal:
    """The parts that requests share."""

    def __init__(self, service: HomeService, settings: PortalSettings) -> None:
        self.settings = settings
        self.process_secret = secrets.token_bytes(32)
        """The owner of this machine has no session; his pages are bound to this process."""
        self._service = service

    @property
    def accounts(self) -> Accounts:
        """Users, sessions and tokens, for finding out who asks."""
        return self._service.accounts

    def service(self, email: str) -> HomeService:
        """Return the deployment as `email` sees it."""
        return self._service.for_user(email)

    def is_secure(self, request: Request) -> bool:
        """Tell whether the visitor reaches the portal over TLS."""
        return self.settings.is_secure or request.url.scheme == "https"


def portal_of(request: Request) -> Portal:
    """Return the portal that serves `request`."""
    portal: Portal = request.app.state.portal
    return portal
