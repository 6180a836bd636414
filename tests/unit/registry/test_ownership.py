"""Who may do what with a lab or a dataset, and who owns what a registry already holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from datalab.registry import Database, KeyRole, Lab, Registry
from datalab.registry.accounts import Role
from datalab.registry.errors import (
    KeyAccessDenied,
    LabNameAmbiguous,
    LabNotYours,
    OwnersWrong,
    RoleRefused,
)
from datalab.registry.ownership import GRANTS, Permission, User, Verb, decide

from .conftest import IDENTIFIERS, ME, definition
from .test_database import upgrade_to

YOU = "you@publisher.example"
BOSS = "root@localhost"


@pytest.fixture
def people(registry: Registry) -> None:
    """Two publishers and a viewer."""
    for email, role in ((ME, Role.PUBLISHER), (YOU, Role.PUBLISHER), ("vera@x.example", Role.VIEWER)):
        registry.accounts.add(email, role, by=BOSS)


@pytest.fixture
def lab(registry: Registry) -> Lab:
    return registry.labs.create(definition(name="Mine"), by=ME)


def user(name: str, role: Role | None, *, alone: bool = False) -> User:
    return User(name, role, alone)


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("role", Role)
def test_a_role_bounds_every_verb(registry: Registry, lab: Lab, verb: Verb, role: Role) -> None:
    needed = {
        Verb.LIST: Permission.READ,
        Verb.MAKE: Permission.CHANGE,
        Verb.AUDIT: Permission.PRIVATE,
        Verb.READ_LAB: Permission.READ,
        Verb.READ_SHARED: Permission.SHARED,
        Verb.READ_REPORTS: Permission.PRIVATE,
        Verb.CHANGE_LAB: Permission.CHANGE,
        Verb.PROVISION: Permission.CHANGE,
        Verb.READ_REPORT: Permission.PRIVATE,
        Verb.OPEN: Permission.PRIVATE,
        Verb.DECRYPT: Permission.PRIVATE,
        Verb.DELETE: Permission.CHANGE,
        Verb.SHARE: Permission.CHANGE,
    }[verb]
    assert isinstance(decide(user(ME, role), verb), RoleRefused) is (needed not in GRANTS[role])


def test_a_lab_is_changed_by_its_owners_and_read_by_viewers_too(lab: Lab) -> None:
    for verb in (Verb.READ_LAB, Verb.READ_REPORTS, Verb.CHANGE_LAB):
        assert decide(user(ME, Role.PUBLISHER), verb, lab) is None
        assert decide(user(ME.upper(), None), verb, lab) is None, "accounts do not distinguish upper and lower case"
        refusal = decide(user(YOU, Role.PUBLISHER), verb, lab)
        assert isinstance(refusal, LabNotYours) and ME in str(refusal)
        assert isinstance(decide(user("root", None), verb, lab), LabNotYours)
    viewer = user(YOU, Role.VIEWER)
    assert decide(viewer, Verb.READ_LAB, lab) is None
    assert decide(viewer, Verb.READ_REPORTS, lab) is not None


def test_what_a_lab_shares_is_for_admins_and_viewers_and_its_owners(lab: Lab) -> None:
    shared = replace(lab, definition=lab.definition.model_copy(update={"share_statistics": True}))
    for person, may in (
        (user(YOU, Role.ADMIN), True),
        (user(YOU, Role.VIEWER), True),
        (user(ME, Role.PUBLISHER), True),
        (user(YOU, Role.PUBLISHER), False),
        (user("root", None, alone=True), True),
    ):
        assert (decide(person, Verb.READ_SHARED, shared) is None) is may
        assert decide(person, Verb.READ_SHARED, lab) is not None


def test_a_dataset_is_used_by_the_listed_and_deleted_by_owners(registry: Registry, upload: Callable[..., str]) -> None:
    manifest_hash = upload()
    registry.keychain.set_access(manifest_hash, {ME: KeyRole.OWNER, YOU: KeyRole.USER}, by=ME)
    dataset = registry.datasets.get(manifest_hash)
    assert dataset.access == {ME: KeyRole.OWNER, YOU: KeyRole.USER}
    for verb in (Verb.PROVISION, Verb.READ_REPORT, Verb.OPEN, Verb.DECRYPT):
        assert decide(user(YOU, Role.PUBLISHER), verb, dataset) is None
        assert isinstance(decide(user("otto@x", Role.PUBLISHER), verb, dataset), KeyAccessDenied)
    for verb in (Verb.DELETE, Verb.SHARE):
        assert decide(user(ME, Role.PUBLISHER), verb, dataset) is None
        refusal = decide(user(YOU, Role.PUBLISHER), verb, dataset)
        assert isinstance(refusal, KeyAccessDenied) and f"Ask {ME}" in str(refusal)


def test_a_dataset_without_a_stored_key_belongs_to_its_uploader(registry: Registry, upload: Callable[..., str]) -> None:
    dataset = registry.datasets.get(upload(key=False))
    assert dataset.access is None
    assert decide(user(ME, Role.PUBLISHER), Verb.DELETE, dataset) is None
    assert decide(user(YOU, Role.PUBLISHER), Verb.DELETE, dataset) is not None
    assert decide(user(YOU, Role.PUBLISHER), Verb.DECRYPT, dataset) is None, "the key itself is the proof"


def test_without_users_only_keys_are_held_apart(registry: Registry, lab: Lab, upload: Callable[..., str]) -> None:
    dataset = registry.datasets.get(upload())
    anyone = registry.ownership.user("script")
    assert anyone == user("script", None, alone=True)
    for verb in (Verb.READ_LAB, Verb.READ_REPORTS, Verb.CHANGE_LAB):
        assert decide(anyone, verb, lab) is None
    for verb in (Verb.PROVISION, Verb.READ_REPORT, Verb.DELETE):
        assert decide(anyone, verb, dataset) is None
    for verb in (Verb.OPEN, Verb.SHARE):
        assert decide(anyone, verb, dataset) is not None


def test_the_role_is_the_one_of_now(registry: Registry, people: None) -> None:
    assert registry.ownership.user("Vera@X.example").role is Role.VIEWER
    registry.accounts.set_role("vera@x.example", Role.PUBLISHER, by=BOSS)
    assert registry.ownership.check("vera@x.example", Verb.MAKE).role is Role.PUBLISHER
    assert registry.ownership.user("odd\x00") == user("odd\x00", None)


# --------------------------------------------------------------------------------------------------------------- owners


def test_owners_are_named_in_order(registry: Registry, people: None, lab: Lab) -> None:
    assert lab.owners == (ME,)
    assert registry.labs.set_owners(lab.id, [f" {YOU.upper()} ", ME]).owners == (ME, YOU.upper())
    assert registry.labs.set_owners(lab.id, [YOU]).owners == (YOU.upper(),)
    assert registry.labs.get(lab.id).owners == (YOU.upper(),)


@pytest.mark.parametrize("wrong", [[], [""], [ME, "vera@x.example"], [ME, "typo@publisher.example"], [ME, "a\nb"]])
def test_a_lab_keeps_owners_who_can_act(registry: Registry, people: None, lab: Lab, wrong: list[str]) -> None:
    with pytest.raises(OwnersWrong, match="were not changed"):
        registry.labs.set_owners(lab.id, wrong)
    assert registry.labs.get(lab.id).owners == (ME,)


def test_a_former_user_may_stay_an_owner(registry: Registry, people: None, lab: Lab) -> None:
    registry.accounts.delete(ME, by=BOSS)
    assert registry.labs.set_owners(lab.id, [ME, YOU]).owners == (ME, YOU)


def test_of_labs_with_one_name_ones_own_is_meant(registry: Registry, lab: Lab) -> None:
    theirs = registry.labs.create(definition(name="Mine"), by=YOU)
    assert registry.labs.get("Mine", user=ME) == lab and registry.labs.get("Mine", user=YOU) == theirs
    for other in (None, "otto@x"):
        with pytest.raises(LabNameAmbiguous):
            registry.labs.get("Mine", user=other)


def test_the_audit_log_of_a_user(registry: Registry, lab: Lab, upload: Callable[..., str]) -> None:
    manifest_hash, audit = upload(), registry.accounts.audit
    audit.record("lab.validate", lab.id, by=YOU)
    audit.record("run.cancel", "run-1", by=YOU, details={"lab": lab.id})
    audit.record("key.read", manifest_hash, by=YOU)
    audit.record("lab.delete", "lab-of-others", by=YOU)
    audit.record("user.add", "x@y", by=BOSS)
    assert [entry.action for entry in audit.entries(user=ME)] == ["user.add", "key.read", "run.cancel", "lab.validate"]
    assert [entry.action for entry in audit.entries(user="otto@x")] == ["user.add"]
    assert len(audit.entries(user=YOU)) == len(audit.entries()) == 5


# ------------------------------------------------------------------------------------------------------------ migration


def test_labs_of_an_earlier_version_get_owners(empty_url: str) -> None:
    with Database(empty_url) as database:
        upgrade_to(database, "0005")
        with database.engine.begin() as connection:
            for statement in _EARLIER.split(";"):
                connection.execute(text(statement))
        assert database.migrate() is True
        registry = Registry(database)
        assert [(lab.id, lab.owners) for lab in registry.labs.all()] == [
            ("by-me", (ME,)),
            ("by-root", ("root", ME, YOU)),
        ]
        assert registry.keychain.entry("a" * 64).access == {"drop zone": KeyRole.OWNER, ME: KeyRole.OWNER}
        assert registry.keychain.entry("b" * 64).access == {"root": KeyRole.OWNER}, "access lists stay"


_EARLIER = f"""
SET search_path = datalab_registry;
INSERT INTO users (email, role, created_by) VALUES ('{ME}', 'publisher', ''), ('{YOU}', 'publisher', ''),
  ('vera@x.example', 'viewer', '');
INSERT INTO labs (id, name, definition, created_at, created_by) VALUES
  ('by-me', 'One', '{definition().model_dump_json(by_alias=True).replace(":", chr(92) + ":")}', '2026-01-01', '{ME}'),
  ('by-root', 'Two', '{definition().model_dump_json(by_alias=True).replace(":", chr(92) + ":")}', '2026-01-02', 'root');
INSERT INTO datasets (manifest_hash, name, description, size_bytes, usage, created_by) VALUES
  ('{"a" * 64}', 'a', '', 1, 'PUBLISHED', 'drop zone'), ('{"b" * 64}', 'b', '', 1, 'PUBLISHED', 'root');
INSERT INTO keychain (manifest_hash, secret_id, wrapped_key, master_key_id) VALUES
  ('{"a" * 64}', 'a', 'x', 'm'), ('{"b" * 64}', 'b', 'x', 'm');
INSERT INTO key_access (manifest_hash, user_id, role) VALUES
  ('{"a" * 64}', 'drop zone', 'Owner'), ('{"b" * 64}', 'root', 'Owner');
INSERT INTO provisioning_events (lab_id, kind, manifest_hash, actor, cause) VALUES
  ('by-me', '{IDENTIFIERS.value}', '{"a" * 64}', 'drop zone', ''),
  ('by-me', '{IDENTIFIERS.value}', '{"b" * 64}', '{ME}', '')
"""
"""A registry of migration 0005: a lab of a publisher, one of a person who is no user, a file of a drop zone."""
