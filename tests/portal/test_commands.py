"""`datalab user` and `datalab token`, on a real registry."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click import Group
from click.testing import CliRunner

from datalab.registry import Registry
from datalab.registry.accounts import Role
from datalab.registry.errors import TokenNotFound, UserRefused
from datalab_dagster.cli.token import token
from datalab_dagster.cli.user import user
from tests.portal.deployments import PASSWORD, PUBLISHER

Run = Callable[..., str]


@pytest.fixture
def run(url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command and returns what it printed."""
    monkeypatch.setenv("DATALAB_POSTGRES_URL", url)
    monkeypatch.setenv("DATALAB_USER", "boss@publisher.example")

    def run(group: Group, *arguments: str, say: str = "") -> str:
        ended = CliRunner().invoke(group, arguments, input=say, standalone_mode=False)
        if ended.exception:
            raise ended.exception
        assert ended.return_value == 0
        return ended.stdout

    return run


def test_users_from_the_first_to_the_last(run: Run, registry: Registry) -> None:
    assert "no user" in run(user, "list")
    first = run(user, "add", PUBLISHER, "--password-stdin", say=f"{PASSWORD}\n")
    assert "added as publisher" in first and "first user" in first
    assert "first user" not in run(user, "add", "vera@publisher.example", "--role", "viewer", "--no-password")
    assert PUBLISHER in run(user, "list") and "tokens only" in run(user, "list")
    listed = json.loads(run(user, "list", "--json"))
    assert [(one["email"], one["role"], one["hasPassword"], one["createdBy"]) for one in listed] == [
        (PUBLISHER, "publisher", True, "boss@publisher.example"),
        ("vera@publisher.example", "viewer", False, "boss@publisher.example"),
    ]
    assert "now has the role admin" in run(user, "set-role", "vera@publisher.example", "admin")
    assert registry.accounts.users()[1].role is Role.ADMIN
    run(user, "set-password", PUBLISHER, "--password-stdin", say="another long password\n")
    with pytest.raises(UserRefused, match="12 to"):
        run(user, "set-password", PUBLISHER, "--password-stdin", say="short\n")
    assert "No user is left" not in run(user, "delete", "vera@publisher.example", "--yes")
    assert "No user is left" in run(user, "delete", PUBLISHER, "--yes")
    assert registry.accounts.users() == []


def test_a_token_is_printed_once_and_revoked(run: Run, registry: Registry) -> None:
    run(user, "add", PUBLISHER, "--no-password")
    secret = run(token, "create", PUBLISHER, "--name", "nightly", "--days", "7").strip()
    found = registry.accounts.tokens.account(secret)
    assert found is not None and found.email == PUBLISHER, "the standard output holds the token and nothing else"
    [listed] = json.loads(run(token, "list", "--json"))
    assert (listed["name"], listed["state"], listed["user"]) == ("nightly", "valid", PUBLISHER)
    assert secret not in run(token, "list", PUBLISHER)
    run(token, "revoke", listed["id"])
    assert registry.accounts.tokens.account(secret) is None
    assert "revoked" in run(token, "list")
    with pytest.raises(TokenNotFound):
        run(token, "revoke", "nope")
    made = json.loads(run(token, "create", PUBLISHER, "--name", "other", "--json"))
    assert registry.accounts.tokens.account(made["token"]) is not None


def test_the_password_is_typed_twice_and_not_shown(run: Run, registry: Registry) -> None:
    shown = run(user, "add", PUBLISHER, say=f"{PASSWORD}\n{PASSWORD}\n")
    assert PASSWORD not in shown
    assert registry.accounts.users()[0].has_password
