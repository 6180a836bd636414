"""What one running portal holds: settings, accounts, uploads, one service per visitor; closing them is the opener's."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

from fastapi import Request

from datalab.deployment.parts import PartUploads
from datalab.registry.accounts import Accounts
from datalab_dagster.portal.settings import PortalSettings
from datalab_dagster.service import LabService

ServiceFor = Callable[[str], LabService]
"""Opens the deployment as a user sees it, by his e-mail address."""


class Portal:
    """The parts that requests share."""

    def __init__(
        self, service_for: ServiceFor, accounts: Accounts, settings: PortalSettings, uploads: PartUploads | None
    ) -> None:
        self.uploads = uploads
        self.accounts = accounts
        self.settings = settings
        self.process_secret = secrets.token_bytes(32)
        """The owner of this machine has no session; his pages are bound to this process."""
        self._service_for = service_for
        self._services: dict[str, LabService] = {}
        self._lock = threading.Lock()

    def service(self, email: str) -> LabService:
        """Return the deployment as `email` sees it; opened at his first request."""
        with self._lock:
            if email not in self._services:
                self._services[email] = self._service_for(email)
            return self._services[email]

    def is_secure(self, request: Request) -> bool:
        """Tell whether the visitor reaches the portal over TLS."""
        return self.settings.is_secure or request.url.scheme == "https"


def portal_of(request: Request) -> Portal:
    """Return the portal that serves `request`."""
    portal: Portal = request.app.state.portal
    return portal
