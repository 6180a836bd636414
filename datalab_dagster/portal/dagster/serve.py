"""Serves Dagster's pages of this machine's deployment until the process is stopped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from datalab.home.directory import home_directory
from datalab.home.secret import read_secret
from datalab.home.settings import load_settings
from datalab_dagster.portal.binding import check_bind
from datalab_dagster.portal.server import log_to_terminal, run


def serve(host: str, port: int, workspace: Path, environment: Mapping[str, str] = os.environ) -> None:
    """Serve Dagster's pages of the deployment that the environment names; `datalab up` has made its secret.

    Args:
        host: address to listen on.
        port: port to listen on.
        workspace: the file that names the code server.
        environment: names the deployment.

    Raises:
        BindRefused: other machines would reach them, and there is no user who could sign in.
        SettingsWrong, RegistryError: the deployment cannot be opened.
    """
    from datalab_dagster.graph.web import web_application
    from datalab_dagster.portal.dagster.app import create_app
    from datalab_dagster.portal.state import Doorway
    from datalab_dagster.service.open import open_accounts

    log_to_terminal("dagster", requests=False)  # an open page asks twice a second
    home = home_directory(environment)
    portal = load_settings(home, environment).portal
    settings = portal.model_copy(update={"host": host, "port": port, "public_url": portal.dagster_url})
    with open_accounts(settings.local_owner, environment) as accounts:
        check_bind(host, accounts)
        with web_application(workspace, environment) as dagster:
            run(create_app(dagster, Doorway(accounts, settings, read_secret(home))), settings)
