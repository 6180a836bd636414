"""What `up` checks and prepares before it starts anything: the master key, the database, whether there are users."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from datalab.home.errors import SettingsWrong
from datalab.home.settings import FILE_NAME, Environment
from datalab.registry import Database, Registry, embedded_server, registry_url
from datalab.registry.fitness import check_server
from datalab.storage import master_keys
from datalab.storage.errors import KeyInvalid
from datalab_dagster.portal.binding import check_bind


def check_master_key(home: Path, environment: Mapping[str, str]) -> None:
    """Refuse an invalid key before anything is started: the portal and every run would fail with it.

    Raises:
        SettingsWrong: the master key in the environment cannot be used.
    """
    try:
        master_keys(home, Environment.read(environment).master_key)
    except KeyInvalid as error:
        raise SettingsWrong(home / FILE_NAME, [str(error)]) from None


def prepared_database(environment: Mapping[str, str], hosts: Iterable[str]) -> tuple[str, bool]:
    """Check the database, whose server runs, and bring it up to date.

    Returns:
        Its URL, with its driver and password, and whether there is a user who can sign in.

    Raises:
        RegistryError: it cannot be used.
        BindRefused: other machines would reach the pages at `hosts`, and there is no such user.
    """
    if embedded_server(environment) is None:
        with Database.open(environment) as managed:
            check_server(managed)
    with Registry.open(environment) as registry:
        for host in hosts:
            check_bind(host, registry.accounts)
        return registry_url(environment), registry.accounts.any_user()
