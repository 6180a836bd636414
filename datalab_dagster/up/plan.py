"""The processes of a Data Lab and their addresses: code server, Dagster's pages and daemon, portal."""

from __future__ import annotations

import importlib.util
import json
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from datalab.home.forks import IS_POSSIBLE
from datalab.home.rules import is_loopback
from datalab.home.settings import PortalSettings
from datalab.home.sockets import CODE, FORKS, socket_file
from datalab.scratch import write_whole
from datalab_dagster.graph.home import CODE_LOCATION
from datalab_dagster.portal.binding import address, own_host
from datalab_dagster.up import health
from datalab_dagster.up.errors import AddressUnusable, PortTaken
from datalab_dagster.up.service import Service

PORTAL = "datalab_dagster.portal"
DAGSTER_PAGES = "datalab_dagster.portal.dagster"
DAGSTER_DAEMON = "datalab_dagster.graph.daemon"
FORK_SERVER = "datalab_dagster.graph.forks"
LOADED = (
    CODE_LOCATION,
    "datalab_dagster.graph.runs.start",
    "datalab_dagster.graph.web",
    "datalab_dagster.portal.app",
    "datalab_dagster.portal.dagster.app",
    "datalab_dagster.service.open",
)
"""What the fork server loads: what its forks import."""


@dataclass(frozen=True)
class Addresses:
    """The addresses of the pages."""

    host: str
    """Dagster's pages listen here."""
    port: int
    portal: PortalSettings | None
    """None: without the portal."""

    @property
    def dagster_url(self) -> str:
        return address(self.host, self.port)

    @property
    def portal_url(self) -> str | None:
        return None if self.portal is None else address(self.portal.host, self.portal.port)

    @property
    def is_public(self) -> bool:
        """Return whether other machines can reach Dagster's pages."""
        return not is_loopback(self.host)

    @property
    def hosts(self) -> frozenset[str]:
        """All addresses that something listens on."""
        return frozenset({self.host} if self.portal is None else {self.host, self.portal.host})

    def check(self) -> None:
        """Check that all ports are free.

        Raises:
            PortTaken, AddressUnusable: one is not.
        """
        _check_port(self.host, self.port, "--port")
        if self.portal is not None:
            _check_port(self.portal.host, self.portal.port, "--portal-port")


def has_portal() -> bool:
    """Return whether the portal is installed."""
    return importlib.util.find_spec(PORTAL) is not None


def services(home: Path, addresses: Addresses) -> list[Service]:
    """Return the services of a Data Lab in the order in which they are started.

    One code server loads the assets once, for both Dagster's pages and its daemon. It listens on a Unix socket in a
    private directory, because its clients may run code.
    """
    code = socket_file(home, CODE)
    workspace = home / "workspace.yaml"
    host, port = own_host(addresses.host), addresses.port
    started = time.time()

    def prepare_code() -> None:
        code.unlink(missing_ok=True)
        # JSON is YAML.
        location = {"grpc_server": {"socket": str(code), "location_name": CODE_LOCATION}}
        text = json.dumps({"load_from": [location]})
        if not workspace.exists() or workspace.read_text(encoding="utf-8") != text:  # a full disk stops no restart
            write_whole(workspace, text)

    found = [_fork_server(home)] if IS_POSSIBLE else []
    loaded = tuple(service.name for service in found)
    found += [
        Service(
            "code-server",
            "dagster",
            (
                *("api", "grpc", "--module-name", CODE_LOCATION, "--location-name", CODE_LOCATION),
                *("--socket", str(code), "--log-level", "warning", "--log-format", "json"),
            ),
            answers=lambda: health.listens(code),
            after=loaded,
            prepare=prepare_code,
        ),
        Service(
            "dagster-webserver",
            DAGSTER_PAGES,
            ("--host", addresses.host, "--port", str(port), "--workspace", str(workspace)),
            answers=lambda: health.dagster_serves(host, port),
            after=("code-server",),
        ),
        Service(
            "dagster-daemon",
            DAGSTER_DAEMON,
            ("--workspace", str(workspace)),
            answers=lambda: health.daemon_works(host, port, started),
            after=("code-server",),
        ),
    ]
    if (portal := addresses.portal) is not None:
        dagster_url = portal.dagster_url or addresses.dagster_url
        portal_host, portal_port = portal.host, portal.port
        found.append(
            Service(
                "portal",
                PORTAL,
                ("--host", portal_host, "--port", str(portal_port), "--dagster-url", dagster_url),
                answers=lambda: health.serves(own_host(portal_host), portal_port),
                after=loaded,
            )
        )
    return found


def _fork_server(home: Path) -> Service:
    """Return the process that loads everything, and of which the others and all runs are forks."""
    forks = socket_file(home, FORKS)
    return Service("forks", FORK_SERVER, (str(forks), *LOADED), answers=lambda: health.listens(forks), is_forked=False)


def _check_port(host: str, port: int, option: str) -> None:
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        raise AddressUnusable(host, port, "there is no such host") from None
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(place)
            probe.listen()
        except OSError as error:
            if error.errno == 98 or "in use" in (error.strerror or ""):
                raise PortTaken(host, port, option) from None
            raise AddressUnusable(host, port, error.strerror or type(error).__name__) from None
