"""Opens the deployment that the environment names, for one user."""

from __future__ import annotations

import os
from collections.abc import Mapping

from datalab_dagster.service.embedded import EmbeddedService


def open_service(user: str, environment: Mapping[str, str] = os.environ) -> EmbeddedService:
    """Return the deployment of `DATALAB_HOME` as `user` sees it; its database is started and migrated when needed.

    Raises:
        ConfigurationError: its settings have mistakes.
        RegistryError: its database cannot be used.
    """
    from datalab.deployment import Deployment

    return EmbeddedService(Deployment.open(environment), user, environment)
