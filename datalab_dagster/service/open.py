"""Opens the deployment that the environment names, or only its accounts, for one user."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from datalab.registry import Registry
from datalab_dagster.service.accounts import LocalAccounts
from datalab_dagster.service.local import LocalService


def open_service(user: str, environment: Mapping[str, str] = os.environ) -> LocalService:
    """Return the deployment of `DATALAB_HOME` for `user`; start and migrate its database if needed.

    Raises:
        ConfigurationError: its settings have errors.
        RegistryError: its database cannot be used.
    """
    from datalab.deployment import Deployment

    return LocalService(Deployment.open(environment), user, environment)


@contextmanager
def open_accounts(user: str, environment: Mapping[str, str] = os.environ) -> Iterator[LocalAccounts]:
    """Yield the accounts of the deployment of `DATALAB_HOME`: they need its database, not its settings or its store.

    Raises:
        RegistryError: the database cannot be used.
    """
    with Registry.open(environment) as registry:
        yield LocalAccounts(registry.accounts, user)
