"""No page of another site rules Dagster: each request is signed in, comes from Dagster's own page, and is JSON."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest

from datalab.home.logs import log_file
from datalab.registry import LabState
from datalab.registry.accounts import Role
from datalab_dagster.service import LabInfo
from resources.run import PARTITION_TAG
from tests.attacks.addresses import printed, record, secret
from tests.living.world import World, eventually

pytestmark = [pytest.mark.attack, pytest.mark.slow]
CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FORGED = "999999999"
QUIET = "drop_zones"
"""A sensor that keeps what its cursor was set to, as no drop zone is configured."""
PLAIN, FORM = "text/plain", "application/x-www-form-urlencoded"
WAYS: dict[str, tuple[str, str | None]] = {
    "an image": ("GET", None),
    "plain text": ("POST", PLAIN),
    "a form": ("POST", FORM),
    "a form with a file": ("POST", "multipart/form-data; boundary=x"),
    "JSON as plain text": ("POST", "text/plain; application/json"),
    "GraphQL as its own type": ("POST", "application/graphql"),
}
OTHERS = {
    "no cookie": {},
    "another site": {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    "another port": {"Origin": "http://127.0.0.1:9999", "Sec-Fetch-Site": "same-site"},
    "no name": {},
}


def mutation(cursor: str = FORGED) -> str:
    selector = (
        f'{{sensorName: "{QUIET}", repositoryName: "__repository__", '
        'repositoryLocationName: "datalab_dagster.definitions"}'
    )
    return f'mutation {{ setSensorCursor(sensorSelector: {selector}, cursor: "{cursor}") {{ __typename }} }}'


def cursor_of(world: World, sensor: str = QUIET) -> str | None:
    state = world.sensor(sensor)
    data: Any = state.instigator_data
    return None if data is None else data.cursor


def set_in_the_database(world: World, sensor: str, cursor: str) -> None:
    state = world.sensor(sensor)
    data: Any = state.instigator_data
    world.instance.update_instigator_state(state.with_data(data._replace(cursor=cursor)))


def is_ticking(world: World, sensor: str) -> bool:
    """Return whether a tick is under way, which would set its own cursor at its end."""
    state = world.sensor(sensor)
    ticks = world.instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
    return any(tick.status.value == "STARTED" for tick in ticks)


def has_run(world: World, lab: LabInfo) -> bool:
    """Return whether a run for the lab was made, although it may wait for its turn."""
    return bool(world.instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: lab.partition_key})))


@pytest.fixture(scope="module")
def cookie(world: World) -> str:
    """The cookie of the owner's browser: what a page of another site can make it send."""
    answer = httpx.get(printed(world))
    return answer.headers["Set-Cookie"].partition(";")[0]


@pytest.fixture
def unchanged(world: World) -> Iterator[None]:
    before = cursor_of(world)
    yield
    assert cursor_of(world) == before != FORGED


@pytest.mark.parametrize("who", OTHERS)
@pytest.mark.parametrize("way", WAYS)
def test_no_form_of_a_mutation_is_executed(world: World, cookie: str, unchanged: None, way: str, who: str) -> None:
    method, kind = WAYS[way]
    url, sent = f"{record(world).dagster_url}/graphql", {"query": mutation()}
    headers = {**OTHERS[who], **({"Content-Type": kind} if kind else {})}
    headers |= {} if who == "no cookie" else {"Cookie": cookie}
    body = {None: b"", "application/graphql": mutation().encode()}.get(kind, json.dumps(sent).encode())
    for parameters in (sent, None):
        answer = httpx.request(method, url, params=parameters, headers=headers, content=body)
        assert 400 <= answer.status_code < 500, answer.text


@pytest.mark.parametrize("kind", ["text/plain", "application/json; charset=utf-8", "application/jsonx", ""])
def test_even_its_own_page_sends_json_only(world: World, cookie: str, unchanged: None, kind: str) -> None:
    url = record(world).dagster_url
    headers = {"Cookie": cookie, "Origin": url, "Sec-Fetch-Site": "same-origin", "Content-Type": kind}
    answer = httpx.post(f"{url}/graphql", headers=headers, content=json.dumps({"query": mutation()}))
    assert answer.status_code == 415


@pytest.mark.parametrize("path", ["/report_asset_materialization/users", "/report_asset_check/users", "/", "/login/x"])
def test_nothing_but_graphql_takes_a_change(world: World, cookie: str, path: str) -> None:
    url = record(world).dagster_url
    headers = {"Cookie": cookie, "Origin": url}
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = httpx.request(method, f"{url}{path}", headers=headers, json={})
        assert answer.status_code in (404, 405), (method, answer.text)
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_another_name_for_this_address_is_refused(world: World, cookie: str, unchanged: None) -> None:
    url = record(world).dagster_url
    for headers in ({"Cookie": cookie}, {"Authorization": f"Bearer {secret(world)}"}):
        for path in ("/", "/login", "/health", "/static/portal.css"):
            answer = httpx.get(f"{url}{path}", headers={**headers, "Host": "evil.example"})
            assert answer.status_code == 421
        answer = httpx.post(f"{url}/graphql", headers={**headers, "Host": "evil.example"}, json={"query": mutation()})
        assert answer.status_code == 421


def handshake(world: World, **headers: str) -> str:
    """Ask for a WebSocket, and return the status of the answer."""
    url = httpx.URL(record(world).dagster_url)
    lines = {"Host": url.netloc.decode(), "Connection": "Upgrade", "Upgrade": "websocket"}
    lines |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    lines |= {"Sec-WebSocket-Protocol": "graphql-ws", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
        connection.sendall(f"GET /graphql HTTP/1.1\r\n{head}\r\n".encode())
        return connection.recv(4096).split()[1].decode()


def test_a_websocket_opens_for_its_own_page_only(world: World, cookie: str) -> None:
    own = record(world).dagster_url
    assert handshake(world, Origin=own, Cookie=cookie) == "101"
    assert handshake(world, Origin=own) == "403"
    assert handshake(world, Cookie=cookie) == "403"
    for origin in ("https://evil.example", "null", "http://127.0.0.1:9999", str(record(world).portal_url)):
        assert handshake(world, Origin=origin, Cookie=cookie) == "403", origin
    assert handshake(world, Origin="http://evil.example", Host="evil.example", Cookie=cookie) == "403"


@pytest.mark.parametrize("path", ["/", "/runs", "/graphql", "/login", "/favicon.ico"])
def test_no_page_frames_it(world: World, cookie: str, path: str) -> None:
    answer = httpx.get(f"{record(world).dagster_url}{path}", headers={"Cookie": cookie})
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] in ("DENY", "SAMEORIGIN")
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_a_page_that_is_refused_leads_to_the_sign_in(world: World) -> None:
    url = record(world).dagster_url
    for path in ("/", "/runs", "/favicon.ico", "/server_info", "/logs/a"):
        assert httpx.get(f"{url}{path}").status_code == 401
        page = httpx.get(f"{url}{path}", headers={"Accept": "text/html"}, follow_redirects=True)
        assert page.url.path == "/login" and "Open the address that" in page.text
    assert httpx.get(f"{url}/health").status_code == 200


def test_a_program_with_the_secret_is_admitted(world: World) -> None:
    url = f"{record(world).dagster_url}/graphql"
    headers = {"Authorization": f"Bearer {secret(world)}"}
    before = cursor_of(world) or ""
    try:
        answer = httpx.post(url, headers=headers, json={"query": mutation("by a program")})
        assert answer.status_code == 200 and "errors" not in answer.json()
        assert cursor_of(world) == "by a program"
    finally:
        httpx.post(url, headers=headers, json={"query": mutation(before)})
    for origin in ("https://evil.example", "null"):
        assert httpx.post(url, headers={**headers, "Origin": origin}, json={"query": mutation()}).status_code == 403


def test_no_download_leaves_its_folder(world: World, cookie: str) -> None:
    (world.data_home / "planted.key").write_text("planted")
    up = ["../" * depth for depth in range(1, 6)]
    targets = [f"{way}planted.key" for way in up] + ["/etc/passwd", str(world.data_home / "planted.key")]
    spelled = [*targets, *(one.replace("/", "%2f") for one in targets), *(one.replace(".", "%2e") for one in targets)]
    location = "repoLocName=datalab_dagster.definitions"
    paths = [f"/logs/{one}" for one in spelled] + [f"/static/{one}" for one in spelled]
    paths += [f"/notebook?{location}&path={one}" for one in spelled]
    url = httpx.URL(record(world).dagster_url)
    for path in paths:
        head = f"GET {path} HTTP/1.1\r\nHost: {url.netloc.decode()}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        with socket.create_connection((url.host, url.port or 80), timeout=20) as connection:
            connection.sendall(head.encode())
            with connection.makefile("rb") as stream:
                answer = stream.read()
        assert answer.split()[1] != b"401", "the cookie signs in"
        assert b"planted" not in answer.replace(path.encode(), b"") and b"root:" not in answer, path


@pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="no chromium")
def test_signed_in_a_run_is_launched_and_its_log_is_live(world: World) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    refused, frames = [], []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context().new_page()
        page.set_default_timeout(120_000)
        page.on("response", lambda answer: refused.append(answer.url) if answer.status >= 400 else None)
        page.on("websocket", lambda opened: opened.on("framereceived", lambda frame: frames.append(str(frame))))
        page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(printed(world))
        job = "locations/datalab_dagster.definitions/jobs/sweep_deployment/playground"
        page.goto(f"{record(world).dagster_url}/{job}")
        page.get_by_role("button", name="Launch Run").click()
        page.get_by_text("RUN_SUCCESS").first.wait_for()
        browser.close()
    assert any("RunSuccessEvent" in frame for frame in frames), "the log is live"
    assert refused == []


def test_after_a_forged_cursor_a_provisioning_is_answered(world: World) -> None:
    first = world.new_lab()
    assert world.becomes(first, LabState.READY), world.told(first)
    log = log_file(world.data_home, "code-server")
    hashes = {kind: world.upload(kind) for kind in first.definition.datasets}
    for cursor in (FORGED, str(10**30), "no number", str(world.service.events(first.id)[-1].sequence + 1000)):
        for _ in range(10):
            lab = world.service.create_lab(world.definition)
            assert eventually(lambda: not is_ticking(world, "provisioning"), 10)
            set_in_the_database(world, "provisioning", cursor)
            world.service.change(lab.id, hashes)
            assert eventually(lambda: has_run(world, lab), 10), (cursor, world.told(lab))  # noqa: B023
            if f"did not set its cursor to {cursor!r:.40}" in log.read_text():
                break  # otherwise a tick that was under way set its own cursor over the forged one
        else:
            pytest.fail(f"the sensor never met the cursor {cursor}")


def test_only_publishers_are_admitted(world: World) -> None:
    """The last test: once there are users, the secret no longer signs in."""
    url = record(world).dagster_url
    accounts = world.service.accounts
    password = "correct horse battery"
    for email, role in (("pat@publisher.example", Role.PUBLISHER), ("vera@publisher.example", Role.VIEWER)):
        accounts.add(email, role, password=password)
    known = {"Authorization": f"Bearer {secret(world)}"}
    assert httpx.post(f"{url}/graphql", headers=known, json={"query": "{version}"}).status_code == 401
    for email, status in (("pat@publisher.example", 200), ("vera@publisher.example", 403)):
        with httpx.Client(base_url=url, headers={"Origin": url}) as browser:
            assert browser.post("/login", data={"email": email, "password": password}).status_code == 303
            assert browser.get("/runs").status_code == status
            assert browser.post("/graphql", json={"query": "{version}"}).status_code == status
    assert httpx.get(f"{url}/health").status_code == 200
