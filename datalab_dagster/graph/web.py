"""Dagster's web application, without a server or a sign-in; the portal puts both in front of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster_webserver.webserver import DagsterWebserver
from starlette.applications import Starlette

from datalab_dagster.graph import private
from datalab_dagster.graph.instance import open_instance

_LEFT_OUT = ("/report_asset_", "/notebook", "/dagit")
"""Routes that the deployment does not need: they change the instance without GraphQL, or read files."""
_POLL_MILLISECONDS = 2000
"""How often an open page asks for the state of assets, as Dagster's own server has it."""


@contextmanager
def web_application(workspace: Path, environment: Mapping[str, str] = os.environ) -> Iterator[Starlette]:
    """Yield Dagster's web application for the code locations that the file `workspace` names.

    A visitor who reaches it may do everything: it must not be served without a guard.
    """
    with open_instance(environment) as instance, private.workspace_of(instance, workspace) as context:
        yield _Pages(context, live_data_poll_rate=_POLL_MILLISECONDS).create_asgi_app()


class _Pages(DagsterWebserver):  # type: ignore[type-arg]
    """Dagster's pages, which no other page may frame."""

    def make_csp_header(self, nonce: str) -> str:
        return f"{super().make_csp_header(nonce)} frame-ancestors 'none';"

    def build_routes(self) -> list[Any]:
        routes = super().build_routes()  # type: ignore[no-untyped-call]
        return [route for route in routes if not str(route.path).startswith(_LEFT_OUT)]
