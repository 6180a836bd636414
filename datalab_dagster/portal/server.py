"""The web server of the portal's processes: where it listens, whom it believes, and that it logs no address."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator

import click
import uvicorn
from starlette.types import ASGIApp

from datalab.errors import DatalabError, UnexpectedFailure
from datalab.home.settings import PortalSettings
from datalab_dagster.portal.connections import WatchedConnection

_GRACE_SECONDS = 10
_NOT_STARTED = 3


def run(app: ASGIApp, settings: PortalSettings) -> None:
    """Serve `app` until SIGINT or SIGTERM."""
    server = uvicorn.Server(configuration(app, settings))
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(_NOT_STARTED)


def configuration(app: ASGIApp, settings: PortalSettings) -> uvicorn.Config:
    """Return how `app` is served."""
    return uvicorn.Config(
        app,
        http=WatchedConnection,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,  # it would write the query, which holds names or the secret; ours names the route
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


@contextlib.contextmanager
def exit_on_failure() -> Iterator[None]:
    """End the process with a message if it cannot be served: exit code 2 for an expected failure, 3 for another."""
    try:
        yield
    except DatalabError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 - its text may hold a value of a row
        click.echo(f"Error: {UnexpectedFailure(error)}", err=True)
        sys.exit(3)


def log_to_terminal(name: str, *, requests: bool = True) -> None:
    """Write what the process reports to its standard error, which `datalab up` keeps in a log.

    Args:
        name: of the process, in each line.
        requests: whether each request is a line, too.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"%(asctime)s {name} %(levelname)s %(message)s", "%H:%M:%S"))
    for logged, level in (("datalab.portal", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(logged)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
    logging.getLogger("datalab.portal.access").setLevel(logging.INFO if requests else logging.WARNING)
