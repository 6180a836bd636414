"""The processes of a Data Lab and their addresses: code server, Dagster's pages and daemon, portal."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import socket
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from datalab.home.settings import PortalSettings, is_loopback
from datalab.home.up import HomeUnusable
from datalab.scratch import write_whole
from datalab_dagster.graph.home import CODE_LOCATION
from datalab_dagster.portal.binding import address, own_host
from datalab_dagster.up import health
from datalab_dagster.up.errors import AddressUnusable, PortTaken
from datalab_dagster.up.service import Service

PORTAL = "datalab_dagster.portal"
DAGSTER_PAGES = "datalab_dagster.portal.dagster"
DAGSTER_DAEMON = "datalab_dagster.graph.daemon"
_LONGEST_SOCKET_PATH = 103


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
    socket_file = _socket_file(home)
    workspace = home / "workspace.yaml"
    host, port = own_host(addresses.host), addresses.port
    started = time.time()

    def prepare_code() -> None:
        socket_file.unlink(missing_ok=True)
        # JSON is YAML.
        location = {"grpc_server": {"socket": str(socket_file), "location_name": CODE_LOCATION}}
        text = json.dumps({"load_from": [location]})
        if not workspace.exists() or workspace.read_text(encoding="utf-8") != text:  # a full disk stops no restart
            write_whole(workspace, text)

    found = [
        Service(
            "code-server",
            "dagster",
            (
                *("api", "grpc", "--module-name", CODE_LOCATION, "--location-name", CODE_LOCATION),
                *("--socket", str(socket_file), "--log-level", "warning", "--log-format", "json"),
            ),
            answers=lambda: health.listens(socket_file),
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
            ("run", "--workspace", str(workspace), "--log-level", "info", "--log-format", "json"),
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
            )
        )
    return found


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


def _socket_file(home: Path) -> Path:
    """Return a directory for the socket: in the home directory, or a short private one if that path is too long."""
    near = home / "run"
    if len(os.fsencode(near / "code.sock")) <= _LONGEST_SOCKET_PATH:
        directory = near
    else:
        name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
        directory = Path(tempfile.gettempdir()) / f"datalab-up-{name}"
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        found = directory.lstat()
    except OSError as error:
        raise HomeUnusable(home, error.strerror or type(error).__name__) from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise HomeUnusable(home, f"{directory} is not private to its owner")
    return directory / "code.sock"
