"""What `HomeService` alone offers: users, sessions, tokens, the master key, and who is named for a change."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from sqlalchemy import text

from datalab.registry import Database
from datalab.registry.errors import LabNotYours, TokenNotFound, TokenRefused, UserExists, UserNotFound
from datalab_dagster.service import LoginRefused, Role
from datalab_dagster.service.open import open_accounts
from tests.portal.deployments import PASSWORD, PUBLISHER, VIEWER, QuietService
from tests.unit.registry.conftest import definition

DAY = timedelta(days=1)


def test_users_are_changed_in_the_name_of_who_asks(service: QuietService) -> None:
    accounts = service.for_user("boss@publisher.example").accounts
    assert not accounts.any_user() and accounts.users() == []
    added = accounts.add(PUBLISHER, Role.PUBLISHER, password=PASSWORD)
    assert (added.email, added.role, added.has_password) == (PUBLISHER, Role.PUBLISHER, True)
    assert added.created_by == "boss@publisher.example" and accounts.any_user()
    assert accounts.add(VIEWER, Role.VIEWER).has_password is False
    assert accounts.set_role(VIEWER, Role.ADMIN).role is Role.ADMIN
    assert accounts.set_password(VIEWER, PASSWORD).has_password
    assert [user.email for user in accounts.users()] == sorted([PUBLISHER, VIEWER])
    with pytest.raises(UserExists):
        accounts.add(PUBLISHER, Role.VIEWER)
    assert (accounts.delete(VIEWER), accounts.delete(PUBLISHER)) == (1, 0)
    for change in (accounts.delete, lambda email: accounts.set_role(email, Role.ADMIN)):
        with pytest.raises(UserNotFound):
            change(VIEWER)
    log = service.audit_log()
    assert [entry.action for entry in log][::-1] == [
        "user.add", "user.add", "user.set-role", "user.set-password", "user.delete", "user.delete",
    ]  # fmt: skip
    assert {(entry.actor, entry.via) for entry in log} == {("boss@publisher.example", "cli")}


def test_tokens_and_sessions_say_whose_they_are(service: QuietService) -> None:
    accounts = service.accounts
    accounts.add(PUBLISHER, Role.PUBLISHER, password=PASSWORD)
    made, token = accounts.create_token(PUBLISHER, "nightly", lifetime=DAY)
    assert (made.email, made.name, made.created_by, made.revoked_at) == (PUBLISHER, "nightly", PUBLISHER, None)
    found = accounts.of_token(token)
    assert found is not None and (found.email, found.role) == (PUBLISHER, Role.PUBLISHER)
    [listed] = accounts.tokens()
    assert listed.last_used_at is not None and token not in repr(listed) and accounts.tokens(VIEWER) == []
    assert accounts.revoke_token(made.id).revoked_at is not None and accounts.of_token(token) is None
    with pytest.raises(TokenNotFound):
        accounts.revoke_token("nope")
    with pytest.raises(TokenRefused):
        accounts.create_token(PUBLISHER, "unlimited", lifetime=timedelta(days=4000))
    secret = accounts.sign_in(PUBLISHER, PASSWORD, address="192.0.2.1", lifetime=DAY)
    assert accounts.of_session(secret, idle=DAY) == found
    accounts.sign_out(secret)
    assert accounts.of_session(secret, idle=DAY) is None
    with pytest.raises(LoginRefused):
        accounts.sign_in(PUBLISHER, "wrong", address="192.0.2.1", lifetime=DAY)


def test_accounts_need_the_database_only(service: QuietService, url: str) -> None:
    service.accounts.add(PUBLISHER, Role.PUBLISHER)
    with open_accounts(VIEWER, {"DATALAB_HOME": "/nowhere", "DATALAB_POSTGRES_URL": url}) as accounts:
        assert [user.email for user in accounts.users()] == [PUBLISHER]


def test_a_new_master_key_opens_what_the_old_one_did(service: QuietService) -> None:
    assert service.keys.rotate() == 0
    info = service.upload_dataset(io.BytesIO(b"user1,hem,aa\n"), "ids.csv")
    upload, _ = service.uploads.begin("next.csv", 3)
    key = service.dataset_key(info.manifest_hash)
    assert service.keys.rotate() == 2, "of a dataset and of an unfinished upload"
    assert service.dataset_key(info.manifest_hash) == key
    service.uploads.put(upload.upload_id, 0, b"abc")
    assert service.download_dataset(service.uploads.complete(upload.upload_id).manifest_hash).read() == b"abc"


def test_an_owner_gives_an_earlier_lab_a_readable_partition_key(service: QuietService, database: Database) -> None:
    info = service.create_lab(definition(name="Spring"))
    assert info.partition_key == f"spring~{info.id[:4]}" == service.rekey_lab(info.id).partition_key
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE datalab_registry.labs SET partition_key = id"))
    service.accounts.add(PUBLISHER, Role.PUBLISHER)
    service.accounts.add("other@publisher.example", Role.PUBLISHER)
    with pytest.raises(LabNotYours):
        service.for_user("other@publisher.example").rekey_lab(info.id)
    assert service.lab(info.id).partition_key == info.id
    assert service.rekey_lab("Spring") == service.lab(info.partition_key) == info


def test_whoever_asks_shares_what_is_open(service: QuietService) -> None:
    other = service.for_user(VIEWER)
    assert (other.user, service.user) == (VIEWER, PUBLISHER)
    assert other.upload_dataset(io.BytesIO(b"x"), "ids.csv").created_by == VIEWER
    assert [dataset.created_by for dataset in service.datasets()] == [VIEWER]
