"""Opens the deployment that the environment names, for one user."""

from __future__ import annotations

import os
from collections.abc import Mapping

from datalab_dagster.service.local import LocalService


def open_service(user: str, environment: Mapping[str, str] = os.environ) -> LocalService:
    """Return the deployment of `DATALAB_HOME` as `user` sees it; its database is started and migrated when needed.

    Raises:
        ConfigurationError: its settings have mistakes.
        RegistryError: its database cannot be used.
    """
    from datalab.deployment import Deployment

    return LocalService(Deployment.open(environment), user, environment)
