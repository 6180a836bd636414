"""A visitor is the owner by knowing the secret of this start, never by where the request seems to come from."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from typing import Any

import httpx
import psutil
import pytest

import datalab_dagster as dq
from datalab.registry.accounts import Role
from datalab_dagster.service.errors import NotPermitted
from datalab_dagster.service.http import HttpService
from tests.attacks.addresses import portal_url, printed, record, secret
from tests.changing_files import every_content
from tests.commands import COMMAND
from tests.living.world import World
from tests.up.processes import marked, mode_of

pytestmark = [pytest.mark.attack, pytest.mark.slow]
NOBODY = 65534
PYTHON = shutil.which("python3", path="/usr/bin:/bin:/usr/local/bin")


def raw(url: str, head: str) -> bytes:
    """Send a request unchanged, and return the answer."""
    parts = httpx.URL(url)
    with socket.create_connection((parts.host, parts.port or 80), timeout=20) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


@pytest.mark.parametrize("path", ["/api/labs", "/datalabs", "/"])
@pytest.mark.parametrize(
    ("version", "header"),
    [
        ("1.0", ""),
        ("1.1", "Via: 1.0 nginx\n"),
        ("1.1", "X-Real-IP: 127.0.0.1\n"),
        ("1.1", "X-Forwarded-Proto: https\n"),
    ],
    ids=["as nginx forwards", "Via", "X-Real-IP", "X-Forwarded-Proto"],
)
def test_who_only_seems_to_be_near_gets_nothing(world: World, version: str, header: str, path: str) -> None:
    host = httpx.URL(portal_url(world)).netloc.decode()
    head = f"GET {path} HTTP/{version}\nHost: {host}\n{header}Accept: */*\nConnection: close"
    assert raw(portal_url(world), head).split()[1] == b"401"


def test_the_printed_address_signs_in(world: World) -> None:
    url = portal_url(world)
    assert printed(world).startswith(f"{url}/?token=") and len(secret(world)) == 43
    with httpx.Client() as browser:
        answer = browser.get(printed(world))
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert browser.get(f"{url}/datalabs").status_code == 200
        assert secret(world) not in str(browser.cookies.jar)
    assert world.said().count(secret(world)) == 1


def test_the_secret_is_in_no_log_record_or_process(world: World) -> None:
    httpx.get(printed(world))
    httpx.get(f"{portal_url(world)}/datalabs?token=wrong{secret(world)}")
    known, file = secret(world).encode(), world.data_home / "up.token"
    assert file.read_bytes().strip() == known and mode_of(file) == 0o600
    assert [path for path, content in every_content(world.data_home) if path != file and known in content] == []
    for process in [*marked(str(world.data_home), "DATALAB_HOME"), psutil.Process(record(world).pid)]:
        told = [*process.cmdline(), *process.environ().values()]
        assert not [text for text in told if known.decode() in text], process


@pytest.mark.skipif(os.geteuid() != 0 or PYTHON is None, reason="needs root to become another user, and their Python")
def test_another_account_of_the_machine_gets_nothing(world: World) -> None:
    home = world.data_home
    program = f"""if True:
        import urllib.request, urllib.error
        try:
            urllib.request.urlopen({portal_url(world) + "/api/labs"!r})
        except urllib.error.HTTPError as error:
            print(error.code)
        try:
            print(open({str(home / "up.token")!r}).read())
        except PermissionError:
            print("unreadable")
    """
    # A home below a private directory of root would protect itself.
    modes = {place: place.stat().st_mode for place in (world.home, home)}
    try:
        for place in modes:
            place.chmod(0o755)
        ended = subprocess.run(
            ["/usr/bin/env", "-i", str(PYTHON), "-I", "-c", program],
            user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        for place, mode in modes.items():
            place.chmod(mode)
    assert ended.stdout.split() == ["401", "unreadable"], ended.stderr


def test_programs_of_the_same_account_need_not_be_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATALAB_HOME", str(world.data_home))
    monkeypatch.delenv("DATALAB_POSTGRES_URL", raising=False)
    url = httpx.URL(portal_url(world))
    with HttpService(str(url)) as service:
        lab = service.create_lab(world.definition)
    options: dict[str, Any] = {"api_host": url.host, "api_port": url.port, "api_use_tls": False}
    with dq.create_client("me@publisher.example", "bG9jYWw", **options) as client:
        assert lab.id in [found["id"] for found in client.list_data_labs()]
    listed = subprocess.run([COMMAND, "lab", "list"], env=world.environment, capture_output=True, text=True, check=True)
    assert lab.id in listed.stdout
    monkeypatch.setenv("DATALAB_HOME", str(world.home / "another"))
    with pytest.raises(NotPermitted):
        HttpService(str(url))


@pytest.mark.long
def test_every_start_has_its_own_and_users_end_it(world: World) -> None:
    """The last test: it starts the deployment again, and adds a user."""
    before = secret(world)
    world.stop()
    assert not (world.data_home / "up.token").exists()
    world.start(portal=True)
    assert secret(world) != before
    url = portal_url(world)
    for known, status in ((before, 401), (secret(world), 200)):
        answer = httpx.get(f"{url}/api/labs", headers={"Authorization": f"Bearer {known}"})
        assert answer.status_code == status
    world.service.accounts.add("pat@publisher.example", Role.PUBLISHER, password="correct horse battery")
    answer = httpx.get(f"{url}/api/labs", headers={"Authorization": f"Bearer {secret(world)}"})
    assert answer.status_code == 401
    world.stop()
    world.start(portal=True)
    assert printed(world) == portal_url(world), "with users, there is nothing to be told"
