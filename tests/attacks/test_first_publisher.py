"""What the owner made before the first publisher is taken over by them, if they want it, and by no later one."""

from __future__ import annotations

import io
import sys

import click
import pytest

from datalab.registry import KeyRole, Registry
from datalab.registry.accounts import Role
from datalab.registry.errors import KeyAccessDenied, LabNotYours
from datalab.storage import Key
from datalab_dagster.service import LabInfo
from tests.commands import Ended, datalab_here
from tests.portal.conftest import database, deployment, quick_hashes, registry, server, service, url
from tests.portal.deployments import IDENTIFIERS, QuietService, ready_lab

__all__ = ["database", "deployment", "quick_hashes", "registry", "server", "service", "url"]

pytestmark = pytest.mark.attack

OWNER, PAT, OTTO = "root", "pat@new.example", "otto@other.example"


@pytest.fixture(autouse=True)
def home(service: QuietService, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands use the home of the test."""
    monkeypatch.setenv("DATALAB_POSTGRES_URL", url)
    monkeypatch.setenv("DATALAB_HOME", str(service._deployment.home))


@pytest.fixture
def lab(service: QuietService) -> LabInfo:
    """A Ready lab that the owner made while there were no users."""
    return ready_lab(service.for_user(OWNER), "Early")


def add(email: str, *options: str, command: str = "add") -> Ended:
    more = ["--no-password"] if command == "add" else ["publisher"]
    ended = datalab_here("user", command, email, *more, *options)
    assert ended.code == 0, ended
    return ended


def may_use_all(service: QuietService, user: str, lab: LabInfo) -> bool:
    """Whether a user may read and change everything; all of it, or nothing."""
    own = service.for_user(user)
    dataset = lab.slots[0].manifest_hash
    refusals = 0
    for attempt in (
        lambda: own.download_dataset(dataset).close(),
        lambda: own.validation_report(lab.id, IDENTIFIERS),
        lambda: own.results(lab.id),
        lambda: own.change(lab.id, {IDENTIFIERS: dataset}),
        lambda: own.set_key_access(dataset, own.key_access(dataset).users),
    ):
        try:
            attempt()
        except (KeyAccessDenied, LabNotYours):
            refusals += 1
    assert refusals in (0, 5)
    return refusals == 0


def test_without_a_terminal_the_first_publisher_takes_everything_over(service: QuietService, lab: LabInfo) -> None:
    keyless = service.for_user(OWNER).upload_dataset(io.BytesIO(b"u1\n"), "keyless.csv", key=Key(), store_key=False)
    assert "are theirs" in add(PAT).out
    assert may_use_all(service, PAT, lab)
    assert service.for_user(PAT).lab(lab.id).owners == [OWNER, PAT]
    assert may_use_all(service, OWNER, lab), "scripts of the owner keep working"
    service.for_user(PAT).delete_dataset(keyless.manifest_hash)
    newest = service._registry.accounts.audit.entries(limit=2)
    assert [(entry.action, entry.subject, entry.details) for entry in newest if entry.action == "user.take-over"] == [
        ("user.take-over", PAT, {"datasets": 2, "labs": 1})
    ]


def test_they_may_refuse_it(service: QuietService, lab: LabInfo) -> None:
    assert "theirs" not in add(PAT, "--no-take-over").out
    assert not may_use_all(service, PAT, lab)
    assert [other.name for other in service.for_user(PAT).other_labs()] == ["Early"]
    assert "are theirs" in add(PAT, "--take-over", command="set-role").out, "they may change their mind"
    assert may_use_all(service, PAT, lab)


@pytest.mark.parametrize("answer", [True, False])
def test_on_a_terminal_they_are_asked(
    service: QuietService, lab: LabInfo, monkeypatch: pytest.MonkeyPatch, answer: bool
) -> None:
    asked = []

    def confirm(question: str, default: bool) -> bool:
        asked.append((question, default))
        return answer

    monkeypatch.setattr(click, "confirm", confirm)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    add(PAT)
    ((question, default),) = asked
    assert PAT in question and "1 dataset and 1 lab" in question and default
    assert may_use_all(service, PAT, lab) is answer


def test_no_later_publisher_is_asked_or_takes_anything(service: QuietService, lab: LabInfo) -> None:
    add(PAT)
    add(OTTO)
    assert not may_use_all(service, OTTO, lab)


def test_a_viewer_is_not_the_first_publisher(service: QuietService, registry: Registry, lab: LabInfo) -> None:
    add(OTTO, "--role", "viewer")
    refused = datalab_here("user", "add", "x@y.example", "--no-password", "--role", "admin", "--take-over")
    assert refused.code == 2 and "publisher" in refused.err
    add(PAT)
    assert may_use_all(service, PAT, lab)
    assert registry.keychain.entry(lab.slots[0].manifest_hash).access == {OWNER: KeyRole.OWNER, PAT: KeyRole.OWNER}


def test_a_viewer_who_becomes_the_first_publisher_takes_over(
    service: QuietService, registry: Registry, lab: LabInfo
) -> None:
    registry.accounts.add(PAT, Role.VIEWER, by="root")
    assert "are theirs" in add(PAT, command="set-role").out
    assert may_use_all(service, PAT, lab)


def test_without_anything_there_is_nothing_to_ask(service: QuietService) -> None:
    assert "theirs" not in add(PAT).out
