"""Serves the portal of this machine's deployment until it is told to stop; what it answers is defined elsewhere."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Mapping
from typing import Any

from datalab.home.directory import home_directory
from datalab.home.settings import load_settings
from datalab_dagster.portal.binding import check_bind


def serve(options: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> None:
    """Serve the portal of the deployment that the environment names.

    Args:
        options: keys of `portal` in `datalab.yaml` that the command decides, with their values.
        environment: names the deployment.

    Raises:
        BindRefused: other machines would reach it, and nobody would have to log in.
        SettingsWrong, RegistryError: the deployment cannot be opened.
    """
    import uvicorn

    from datalab_dagster.portal.app import create_app
    from datalab_dagster.service.open import open_service

    _log_to_terminal()
    settings = load_settings(home_directory(environment), environment, {"portal": options}).portal
    with open_service(settings.local_owner, environment) as service:
        check_bind(settings.host, service.accounts)
        app = create_app(service, settings)
        threading.Thread(target=service.warm, daemon=True).start()
        uvicorn.run(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,  # it would write the query, in which names stand; ours names the route
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            timeout_graceful_shutdown=10,
        )


def _log_to_terminal() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s portal %(levelname)s %(message)s", "%H:%M:%S"))
    for name, level in (("datalab.portal", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
