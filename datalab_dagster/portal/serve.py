"""Serves the portal of this machine's deployment until a signal arrives."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from datalab.home.directory import home_directory
from datalab.home.secret import new_secret, read_secret
from datalab.home.settings import Environment, load_settings
from datalab_dagster.portal.binding import address, check_bind
from datalab_dagster.portal.server import log_to_terminal, run


def serve(
    options: Mapping[str, Any], announce: Callable[[str], None], environment: Mapping[str, str] = os.environ
) -> None:
    """Serve the portal of the deployment that the environment names.

    Args:
        options: keys of `portal` in `datalab.yaml` that the command overrides, with their values.
        announce: called with the address, which has the secret of this start if that signs in; not under `datalab up`.
        environment: names the deployment.

    Raises:
        BindRefused: other machines would reach it, and there is no user who could sign in.
        SettingsWrong, RegistryError: the deployment cannot be opened.
    """
    from datalab_dagster.portal.app import create_app
    from datalab_dagster.service.open import open_service

    log_to_terminal("portal")
    home = home_directory(environment)
    configured = load_settings(home, environment, {"portal": options})
    settings = configured.portal
    with open_service(settings.local_owner, environment) as service:
        check_bind(settings.host, service.accounts)
        of_up = bool(Environment.read(environment).up)
        secret = read_secret(home) if of_up else new_secret()
        app = create_app(service, settings, secret=secret, minimum_count=configured.minimum_count)
        if not of_up:
            announce(address(settings.host, settings.port, None if service.accounts.any_user() else secret))
        threading.Thread(target=service.warm, daemon=True).start()
        run(app, settings)
