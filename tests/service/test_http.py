"""What only the service over HTTP can meet: broken connections, resumed uploads, other servers, expired tokens."""

from __future__ import annotations

import io
import secrets
import time
from types import SimpleNamespace
from typing import Any, BinaryIO, cast

import httpx
import pytest

from datalab.errors import DatalabError, InputChanged, UsageError
from datalab.registry.errors import LabNotFound, TooManyLogins
from datalab.storage.chunks import CHUNK_BYTES
from datalab.storage.errors import UploadInterrupted
from datalab_dagster.portal import limits
from datalab_dagster.portal.limits import Limits
from datalab_dagster.service import NotPermitted, ServiceUnreachable, http_errors, http_upload
from datalab_dagster.service.http import HttpService
from datalab_dagster.service.http_errors import LoginNeeded, TooManyUploads
from tests.portal.clients import HERE
from tests.portal.deployments import VIEWER, QuietService, definition
from tests.service.conftest import Wire
from tests.service.test_server import Pipe

FILE = secrets.token_bytes(5 * CHUNK_BYTES + 7)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_upload, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(http_upload, "PARALLEL", 1)


def test_an_upload_that_was_cut_goes_on_where_it_stopped(
    remote: HttpService, service: QuietService, wire: Wire
) -> None:
    asked = len(wire.asked)
    wire.break_at = range(asked + 5, asked + 100)  # after the beginning and three parts, for good
    with pytest.raises(UploadInterrupted) as cut:
        remote.upload_dataset(io.BytesIO(FILE), "ids.csv")
    assert cut.value.chunks == 3 and "token" not in str(cut.value)
    assert service.datasets() == []
    wire.break_at = range(0)
    wire.asked.clear()
    seen: list[int] = []
    info = remote.upload_dataset(io.BytesIO(FILE), "ids.csv", progress=seen.append)
    assert sum(request.startswith("PUT") for request in wire.asked) == 3, "only what was missing is sent"
    assert sum(seen) == len(FILE)
    assert service.download_dataset(info.manifest_hash).read() == FILE


def test_a_file_that_changed_meanwhile_is_sent_where_it_changed(
    remote: HttpService, service: QuietService, wire: Wire
) -> None:
    asked = len(wire.asked)
    wire.break_at = range(asked + 5, asked + 100)
    with pytest.raises(UploadInterrupted):
        remote.upload_dataset(io.BytesIO(FILE), "ids.csv")
    wire.break_at = range(0)
    changed = b"CHANGED" + FILE[7:]
    info = remote.upload_dataset(io.BytesIO(changed), "ids.csv")
    assert service.download_dataset(info.manifest_hash).read() == changed


def test_two_files_of_one_name_and_size_are_never_mixed(remote: HttpService, service: QuietService, wire: Wire) -> None:
    """Both get the same unfinished upload; a sender that finds parts of another file gets an error, and sends again."""
    other = bytes(len(FILE))
    between: list[str] = []

    def interfere(request: httpx.Request) -> None:
        if request.url.path.endswith("/complete") and not between:
            between.append(request.url.path)
            path = request.url.path.removeprefix("/api").replace("/complete", "/parts/2")
            remote._connection.json("PUT", path, content=other[:CHUNK_BYTES])

    wire.before = interfere
    with pytest.raises(UploadInterrupted, match="another file"):
        remote.upload_dataset(io.BytesIO(FILE), "ids.csv")
    assert between and service.datasets() == []
    info = remote.upload_dataset(io.BytesIO(FILE), "ids.csv")
    assert service.download_dataset(info.manifest_hash).read() == FILE


def test_a_short_break_is_not_noticed(remote: HttpService, service: QuietService, wire: Wire) -> None:
    wire.break_at = range(len(wire.asked) + 3, len(wire.asked) + 5)
    info = remote.upload_dataset(io.BytesIO(FILE), "ids.csv")
    assert service.download_dataset(info.manifest_hash).read() == FILE


def test_a_sender_waits_for_a_place_as_long_as_it_is_told(
    remote: HttpService, service: QuietService, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.upload_dataset(io.BytesIO(b"first"), "first.csv")  # a process has its threads before it has no place
    monkeypatch.setattr(limits, "LIMITS", Limits(uploads=0, retry_after=1))
    paused: list[float] = []
    monkeypatch.setattr(http_upload, "time", SimpleNamespace(sleep=paused.append, monotonic=time.monotonic))

    def make_room(request: httpx.Request) -> None:
        if len(paused) == enough:
            monkeypatch.setattr(limits, "LIMITS", Limits())

    enough = 2

    wire.before = make_room
    content = FILE[: CHUNK_BYTES + 1]
    by_parts = remote.upload_dataset(io.BytesIO(content), "ids.csv")
    assert paused == [1, 1]
    enough = 5
    monkeypatch.setattr(limits, "LIMITS", Limits(uploads=0, retry_after=2))
    seen: list[int] = []
    in_one = remote.upload_dataset(cast("BinaryIO", Pipe(b"ids", 1)), "pipe.csv", progress=seen.append)
    assert paused[2:] == [2, 2, 2] and seen == [3]
    assert service.download_dataset(by_parts.manifest_hash).read() == content
    assert service.download_dataset(in_one.manifest_hash).read() == b"ids"


def test_a_sender_who_never_gets_a_place_is_told_what_to_do(
    remote: HttpService, service: QuietService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LIMITS", Limits(uploads=0, retry_after=1))
    monkeypatch.setattr(http_upload, "LONGEST_WAIT", 0.0)
    with pytest.raises(UploadInterrupted, match="other uploads"):
        remote.upload_dataset(io.BytesIO(FILE), "ids.csv")
    for blocks in (1, 9):  # one that could be sent again, and one that is too long to be kept
        with pytest.raises(TooManyUploads, match="send it again in 1 second"):
            remote.upload_dataset(cast("BinaryIO", Pipe(bytes(1024**2), blocks)), "pipe.csv")
    assert service.datasets() == []


def test_a_source_that_shrinks_is_no_dataset(remote: HttpService, service: QuietService) -> None:
    class Shrinking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(size) if self.tell() < CHUNK_BYTES else b""

    with pytest.raises(InputChanged):
        remote.upload_dataset(Shrinking(FILE), "ids.csv")
    assert service.datasets() == []


def test_tokens_and_roles(wire: Wire, tokens: dict[str, str], service: QuietService) -> None:
    for token in (None, "wrong"):
        with pytest.raises(LoginNeeded):
            HttpService(HERE, token, transport=wire)
    with HttpService(HERE, tokens[VIEWER], transport=wire) as viewer:
        assert viewer.user == VIEWER and viewer.labs() == []
        with pytest.raises(NotPermitted, match="role 'viewer'"):
            viewer.create_lab(definition())
        with pytest.raises(NotPermitted):
            viewer.upload_dataset(io.BytesIO(b"x"), "ids.csv")
    assert service.labs() == [] and service.datasets() == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (httpx.Response(200, text="<html>hello</html>"), "no Data Lab"),
        (httpx.Response(502, text="bad gateway"), "status 502"),
        (httpx.Response(302, headers={"Location": "https://evil.example"}), "status 302"),
        (httpx.Response(500, json={"error": "secret"}), "status 500"),
        (httpx.ConnectError("token"), "no connection"),
        (httpx.ReadTimeout("token"), "no answer in time"),
    ],
)
def test_something_else_answers_or_nobody(answer: Any, reason: str) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(ServiceUnreachable, match=reason) as error:
        HttpService("https://user:password@labs.example:444", "token", transport=httpx.MockTransport(handle))
    assert "https://labs.example:444" in str(error.value)
    assert "password" not in str(error.value) and "token" not in str(error.value)


def test_an_address_that_is_none() -> None:
    for url in ("labs.example", "ftp://labs.example", "", "http://"):
        with pytest.raises(UsageError, match="looks like https"):
            HttpService(url)


def test_errors_travel_as_their_own_class() -> None:
    for error in (LabNotFound("x", ["xy"]), TooManyLogins(61)):
        back = http_errors.error_from(http_errors.body_of(error), http_errors.status_of(error))
        assert type(back) is type(error) and str(back) == str(error) and vars(back) == vars(error)
    unknown = {"error": {"code": "FromTheFuture", "message": "no", "details": {}}}
    assert type(http_errors.error_from(unknown, 409)) is UsageError
    assert type(http_errors.error_from(unknown, 500)) is DatalabError
    for nonsense in (None, [], {"error": "x"}, {"error": {"code": "LabNotFound"}}, {"detail": "x"}):
        assert http_errors.error_from(nonsense, 404) is None


def test_every_error_of_the_rooms_below_has_a_status_and_travels() -> None:
    for name, kind in http_errors._classes().items():
        error = kind.__new__(kind)
        DatalabError.__init__(error, "said")
        assert 400 <= http_errors.status_of(error) < 600
        body = {"error": {"code": name, "message": "said", "details": {}}}
        back = http_errors.error_from(body, http_errors.status_of(error))
        assert type(back) is kind
