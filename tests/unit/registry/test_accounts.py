"""Users, logins, API tokens and the audit log, without the web."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from datalab.errors import DatalabError, UsageError
from datalab.registry import Registry, passwords
from datalab.registry.accounts import Role
from datalab.registry.errors import (
    LoginRefused,
    TokenNotFound,
    TokenRefused,
    TooManyLogins,
    UserExists,
    UserNotFound,
    UserRefused,
)
from datalab.registry.sessions import PER_ADDRESS

PAT, VERA = "pat@publisher.example", "vera@publisher.example"
PASSWORD = "correct horse battery"
DAY, IDLE = timedelta(days=1), timedelta(hours=2)


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    passwords._dummy_hash.cache_clear()


def stored(registry: Registry) -> str:
    """Everything that the tables of accounts hold, as one text."""
    tables = ("users", "api_tokens", "sessions", "login_attempts", "audit_log")
    with registry.database.read() as session:
        return "".join(str(session.execute(text(f"SELECT * FROM datalab_registry.{name}")).all()) for name in tables)


def test_users_are_added_changed_and_deleted(registry: Registry) -> None:
    accounts = registry.accounts
    assert not accounts.any_user()
    added = accounts.add(" Pat@Publisher.Example ", Role.PUBLISHER, password=PASSWORD, by="root")
    accounts.add(VERA, Role.VIEWER, by="root")
    assert (added.email, added.role, added.has_password) == (PAT, Role.PUBLISHER, True)
    assert [(user.email, user.has_password) for user in accounts.users()] == [(PAT, True), (VERA, False)]
    with pytest.raises(UserExists):
        accounts.add(PAT.upper(), Role.VIEWER, by="root")
    assert accounts.set_role(PAT, Role.ADMIN, by="root").role is Role.ADMIN
    assert accounts.delete(VERA, by="root") == 1
    with pytest.raises(UserNotFound, match="did you mean"):
        accounts.set_role("pat@publisher.exampl", Role.VIEWER, by="root")
    assert accounts.any_user()
    assert [(entry.action, entry.subject, entry.actor, entry.via) for entry in accounts.audit.entries()][::-1] == [
        ("user.add", PAT, "root", "cli"),
        ("user.add", VERA, "root", "cli"),
        ("user.set-role", PAT, "root", "cli"),
        ("user.delete", VERA, "root", "cli"),
    ]


@pytest.mark.parametrize(
    "email", ["", "pat", "pat@", "@x", "a b@x", "a@b@c", "a\n@b", "a\0@b", "x" * 65 + "@y", "a@" + "b" * 190]
)
def test_what_is_no_address_is_refused(registry: Registry, email: str) -> None:
    with pytest.raises(UserRefused):
        registry.accounts.add(email, Role.VIEWER, by="root")


@pytest.mark.parametrize("password", ["", "short", "x" * 1025, PAT.upper()])
def test_weak_passwords_are_refused_and_not_repeated(registry: Registry, password: str) -> None:
    with pytest.raises(UserRefused) as refused:
        registry.accounts.add(PAT, Role.VIEWER, password=password, by="root")
    assert not password or password not in str(refused.value)
    assert not registry.accounts.any_user()


def test_only_hashes_of_secrets_are_kept(registry: Registry) -> None:
    registry.accounts.add(PAT, Role.PUBLISHER, password=PASSWORD, by="root")
    session = registry.accounts.sessions.sign_in(PAT, PASSWORD, address="::1", lifetime=DAY)
    token, secret = registry.accounts.tokens.create(PAT, "nightly", lifetime=DAY, by="root")
    with pytest.raises(LoginRefused):
        registry.accounts.sessions.sign_in(PASSWORD, "typed into the wrong field", address="::1", lifetime=DAY)
    assert len(secret) == 44 and secret not in repr(token)
    kept = stored(registry)
    assert "$argon2id$" in kept
    for hidden in (PASSWORD, session, secret, "typed into"):
        assert hidden not in kept


def test_a_user_without_password_cannot_log_in(registry: Registry) -> None:
    registry.accounts.add(PAT, Role.PUBLISHER, by="root")
    for password in ("", "password of no user", "None"):
        with pytest.raises(LoginRefused):
            registry.accounts.sessions.sign_in(PAT, password, address="::1", lifetime=DAY)
    registry.accounts.set_password(PAT, PASSWORD, by="root")
    assert registry.accounts.sessions.sign_in(PAT, PASSWORD, address="::1", lifetime=DAY)


@pytest.mark.parametrize("email", ["", "\0", "\ud800", "x" * 10_000])
def test_odd_logins_are_refused_like_any(registry: Registry, email: str) -> None:
    with pytest.raises(LoginRefused):
        registry.accounts.sessions.sign_in(email, "\ud800\0", address="::1", lifetime=DAY)


def test_many_guesses_at_once_are_counted_one_by_one(registry: Registry) -> None:
    registry.accounts.add(PAT, Role.PUBLISHER, password=PASSWORD, by="root")

    def guess(number: int) -> type[DatalabError]:
        with pytest.raises(UsageError) as error:
            registry.accounts.sessions.sign_in(PAT, f"wrong password {number}", address="192.0.2.1", lifetime=DAY)
        return error.type

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(guess, range(12)))
    assert (told.count(LoginRefused), told.count(TooManyLogins)) == (5, 7)
    assert registry.accounts.sessions.sign_in(PAT, PASSWORD, address="192.0.2.2", lifetime=DAY)


def test_one_address_cannot_try_many_accounts(registry: Registry) -> None:
    def guess(number: int) -> None:
        registry.accounts.sessions.sign_in(f"u{number}@x.example", "wrong", address="192.0.2.1", lifetime=DAY)

    for number in range(PER_ADDRESS):
        with pytest.raises(LoginRefused):
            guess(number)
    with pytest.raises(TooManyLogins) as refused:
        guess(99)
    assert 0 < refused.value.retry_after <= 900
    with registry.database.write() as session:
        session.execute(text("UPDATE datalab_registry.login_attempts SET at = at - interval '16 minutes'"))
    with pytest.raises(LoginRefused):
        guess(99)


def test_a_login_that_succeeds_counts_as_none(registry: Registry) -> None:
    registry.accounts.add(PAT, Role.PUBLISHER, password=PASSWORD, by="root")
    for _ in range(8):
        registry.accounts.sessions.sign_in(PAT, PASSWORD, address="::1", lifetime=DAY)


def test_sessions_belong_to_users_who_are_still_there(registry: Registry) -> None:
    accounts = registry.accounts
    accounts.add(PAT, Role.PUBLISHER, password=PASSWORD, by="root")
    secret = accounts.sessions.sign_in(PAT, PASSWORD, address="::1", lifetime=DAY)
    found = accounts.sessions.account(secret, idle=IDLE)
    assert found is not None and (found.email, found.role) == (PAT, Role.PUBLISHER)
    assert accounts.sessions.account(secret, idle=timedelta(0)) is None
    assert accounts.sessions.account("another", idle=IDLE) is None
    accounts.delete(PAT, by="root")
    assert accounts.sessions.account(secret, idle=IDLE) is None


def test_tokens_need_a_name_an_end_and_a_user(registry: Registry) -> None:
    tokens = registry.accounts.tokens
    with pytest.raises(UserNotFound):
        tokens.create(PAT, "nightly", lifetime=DAY, by="root")
    registry.accounts.add(PAT, Role.PUBLISHER, by="root")
    with pytest.raises(UserNotFound):
        tokens.create("\udcff", "nightly", lifetime=DAY, by="root")
    with pytest.raises(TokenNotFound):
        tokens.revoke("\udcff", by="root")
    for name, lifetime in (("", DAY), ("a\nb", DAY), ("x" * 201, DAY), ("n", timedelta(0)), ("n", timedelta(days=400))):
        with pytest.raises(TokenRefused):
            tokens.create(PAT, name, lifetime=lifetime, by="root")
    with pytest.raises(TokenNotFound):
        tokens.revoke("nope", by="root")
    made, secret = tokens.create(PAT, "nightly", lifetime=DAY, by="root")
    assert tokens.all() == tokens.all(PAT.upper()) == [made] and tokens.all(VERA) == []
    assert made.last_used_at is None
    assert tokens.account(secret) is not None
    assert tokens.all()[0].last_used_at is not None
    first, again = tokens.revoke(made.id, by="root"), tokens.revoke(made.id, by="root")
    assert first.revoked_at == again.revoked_at is not None
    assert tokens.account(secret) is None


def test_the_audit_log_is_only_added_to(registry: Registry) -> None:
    audit = registry.accounts.audit
    for number in range(3):
        audit.record("lab.create", f"lab-{number}", by=PAT, via="token", address="::1", details={"name": "Base"})
    newest = audit.entries(limit=2)
    assert [entry.subject for entry in newest] == ["lab-2", "lab-1"]
    assert [entry.subject for entry in audit.entries(before=newest[-1].number)] == ["lab-0"]
    assert (newest[0].actor, newest[0].via, newest[0].address, newest[0].details) == (
        PAT,
        "token",
        "::1",
        {"name": "Base"},
    )
    for statement in ("UPDATE datalab_registry.audit_log SET actor = 'x'", "DELETE FROM datalab_registry.audit_log"):
        with pytest.raises(DatalabError), registry.database.write() as session:
            session.execute(text(statement))
    assert len(audit.entries()) == 3
