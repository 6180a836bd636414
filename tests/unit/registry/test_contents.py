"""Hashes of contents in the registry: a home of the version before has none; a query compares only the user's own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event, text

from datalab.registry import Database, KeyRole, Registry, WrappedKey
from datalab.registry.accounts import Role
from datalab.registry.ownership import User

from .conftest import ME, hash_number
from .test_database import upgrade_to

WRAPPED = WrappedKey(b"wrapped", "master-1")
KEPT = b"h" * 32


def register(registry: Registry, number: int, content: bytes | None = KEPT, owner: str = ME) -> str:
    key = WrappedKey(b"wrapped", "master-1", {owner: KeyRole.OWNER})
    manifest_hash = hash_number(number)
    registry.datasets.register(manifest_hash, name="x", size_bytes=3, by=owner, key=key, content_hash=content)
    return manifest_hash


def test_a_home_of_the_version_before_opens_and_its_datasets_have_no_hash(empty_url: str) -> None:
    with Database(empty_url) as database:
        upgrade_to(database, "0013")
        with database.engine.begin() as connection:
            connection.execute(text("SET search_path TO datalab_registry"))
            connection.execute(
                text(
                    "INSERT INTO datasets (manifest_hash, name, description, size_bytes, usage, created_by) "
                    "VALUES (:hash, 'x', '', 3, 'PUBLISHED', :me)"
                ),
                {"hash": hash_number(1), "me": ME},
            )
            connection.execute(
                text(
                    "INSERT INTO keychain (manifest_hash, secret_id, wrapped_key, master_key_id) "
                    "VALUES (:hash, 's', 'w', 'master-1')"
                ),
                {"hash": hash_number(1)},
            )
        assert database.migrate() is True
        registry = Registry(database)
        assert registry.contents.key() is None
        alone = User(ME, None, alone=True)
        new = register(registry, 2)
        assert registry.contents.same_as(new, alone) == []
        assert registry.contents.same_as(hash_number(1), alone) == []
        registry.datasets.register(hash_number(1), name="x", size_bytes=3, by=ME, key=WRAPPED, content_hash=KEPT)
        assert registry.contents.same_as(new, alone) == [], "its bytes were not read again"


def test_of_two_keys_the_first_one_is_kept(registry: Registry) -> None:
    first = registry.contents.keep_key(b"one", "master-1")
    assert registry.contents.keep_key(b"two", "master-1") == first == registry.contents.key()
    assert b"one" not in repr(first).encode()
    register(registry, 1)
    registry.contents.forget_unused_key()
    assert registry.contents.key() == first, "a hash needs it"
    registry.datasets.delete(hash_number(1), by=ME)
    registry.contents.forget_unused_key()
    assert registry.contents.key() is None


def test_what_a_query_compares_does_not_depend_on_others(registry: Registry) -> None:
    """So the time of an answer does not show whether others have the same content."""
    registry.accounts.add(ME, Role.PUBLISHER, by="root")
    mine = [register(registry, number, bytes([number]) * 32) for number in (1, 2)]
    me = registry.ownership.user(ME)

    def compared() -> tuple[list[str], float]:
        """The answer, and how many hashes it was chosen from."""
        asked: list[tuple[str, Any]] = []

        def keep(*arguments: Any) -> None:
            asked.append((arguments[2], arguments[3]))

        event.listen(registry.database.engine, "before_cursor_execute", keep)
        try:
            answer = registry.contents.same_as(mine[0], me)
        finally:
            event.remove(registry.database.engine, "before_cursor_execute", keep)
        [(statement, values)] = [one for one in asked if "content_hashes" in one[0]]
        with registry.database.engine.connect() as connection:
            explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"
            [plan] = connection.exec_driver_sql(explain, values).scalar_one()
        [own] = [node for node in nodes(plan["Plan"]) if node.get("Subplan Name") == "CTE own"]
        return answer, own["Actual Rows"]

    assert compared() == ([], 2)
    for number in range(10, 30):
        register(registry, number, bytes([1]) * 32, owner="she@x")
    assert compared() == ([], 2), "twenty datasets of the same content, of another publisher"
    same = register(registry, 3, bytes([1]) * 32)
    assert compared() == ([same], 3)


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]
