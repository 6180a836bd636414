"""Pages of lists: what SQL filters, sorts and counts is what the registry says one by one."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable

import pytest

from datalab.kinds import DatasetKind
from datalab.registry import Database, KeyRole, Lab, LabState, NewResult, Registry, WrappedKey
from datalab.registry.accounts import Role
from datalab.registry.lists import DatasetList
from datalab.registry.ownership import User, Verb, decide
from datalab.registry.wanted import DatasetQuery, LabQuery
from tests.many_labs import fill

from .conftest import IDENTIFIERS, ME, SEGMENTS, definition, hash_number

YOU = "you@publisher.example"
ALONE = User(ME, None, alone=True)
USERS = [
    ALONE,
    User(ME, Role.PUBLISHER, alone=False),
    User(f" {YOU.upper()} ", Role.PUBLISHER, alone=False),
    User("vera@x.example", Role.VIEWER, alone=False),
    User("elsewhere@x.example", None, alone=False),
]


def names(page: DatasetList) -> list[str]:
    return [dataset.name for dataset in page.datasets]


def stored(
    registry: Registry,
    number: int,
    name: str,
    facts: object = None,
    *,
    key: bool = True,
    by: str = ME,
    access: dict[str, KeyRole] | None = None,
) -> str:
    wrapped = WrappedKey(b"wrapped", "master-1", access) if key else None
    registry.datasets.register(
        hash_number(number),
        name=name,
        size_bytes=number,
        by=by,
        key=wrapped,
        facts=facts,  # type: ignore[arg-type]
    )
    return hash_number(number)


def test_the_state_in_sql_is_the_state_of_every_history(registry: Registry) -> None:
    draw = random.Random(7)
    hashes = [stored(registry, number, "file") for number in range(1, 9)]
    shapes = [{}, {"require_segments": True}, {"num_embeddings": 2}, {"require_demographics": True}]
    for number in range(60):
        lab = registry.labs.create(definition(name=f"Lab {number}", **draw.choice(shapes)), by=draw.choice([ME, YOU]))
        for _ in range(draw.randrange(7)):
            _act(registry, lab, hashes, draw)
    every = registry.labs.states()
    found = {explained.state for _, explained in every}
    assert found == set(LabState), "every state occurs"
    page = registry.lists.labs(ALONE, LabQuery(count=100))
    assert page.states == {state: sum(one.state is state for _, one in every) for state in LabState}
    for state in LabState:
        page = registry.lists.labs(ALONE, LabQuery(state=state, sort="created", count=100))
        assert page.ids == [lab.id for lab, one in every if one.state is state]
        assert (page.found, page.total) == (len(page.ids), 60)
    ordered = registry.lists.labs(ALONE, LabQuery(sort="state", count=100)).ids
    states = {lab.id: list(LabState).index(one.state) for lab, one in every}
    assert [states[lab] for lab in ordered] == sorted(states.values())


def _act(registry: Registry, lab: Lab, hashes: list[str], draw: random.Random) -> None:
    held = registry.provisioning.datasets(lab.id)
    kinds = [IDENTIFIERS] if IDENTIFIERS not in held else lab.definition.datasets
    running = [run for run in registry.runs.history(lab.id) if run.ended_at is None]
    act = draw.choice(["provision", "provision", "deprovision", "start", "start", "verdict", "end", "end"])
    if act == "provision":
        registry.provisioning.provision(lab.id, {kind: draw.choice(hashes) for kind in kinds}, by=ME)
    elif act == "deprovision" and len(held) > 1:
        registry.provisioning.deprovision(lab.id, list(held)[-1], by=ME)
    elif act == "start" and held:
        registry.runs.start(lab.id, f"run-{draw.random()}")
    elif act == "verdict" and running:
        registry.results.record(running[0].run_id, NewResult(draw.choice(["SUCCESS", "FAILED"])))
    elif act == "end" and running:
        ends = [
            registry.runs.finish,
            registry.runs.cancel,
            lambda run_id: registry.runs.fail(run_id, "The disk was full."),
        ]
        draw.choice(ends)(running[0].run_id)


@pytest.mark.parametrize("user", USERS, ids=lambda user: f"{user.name.strip()}-{user.role}-{user.alone}")
def test_a_list_has_what_a_user_may_read(registry: Registry, user: User) -> None:
    for owners in ([ME], [YOU], [ME, YOU]):
        made = registry.labs.create(definition(), by=owners[0])
        registry.labs.set_owners(made.id, owners)
    access = {ME: KeyRole.OWNER, YOU: KeyRole.USER}
    for number, (key, by, given) in enumerate(
        [(True, ME, None), (True, YOU, None), (True, ME, access), (False, ME, None), (False, YOU, None)], start=1
    ):
        stored(registry, number, "file", {"kind": "segments"}, key=key, by=by, access=given)
    labs = registry.labs.all()
    readable = {lab.id for lab in labs if decide(user, Verb.READ_LAB, lab) is None}
    assert set(registry.lists.labs(user, LabQuery()).ids) == readable
    assert set(registry.lists.labs(user, LabQuery(), others=True).ids) == {lab.id for lab in labs} - readable
    every = registry.datasets.all()
    mine = {one.manifest_hash for one in every if user.alone or user.key_role(one)}
    page = registry.lists.datasets(user, DatasetQuery(usable=True))
    assert {one.manifest_hash for one in page.datasets} == mine - {hash_number(4), hash_number(5)}
    assert page.without_key == len(mine & {hash_number(4), hash_number(5)})
    looks = registry.lists.datasets(user, DatasetQuery(kind=SEGMENTS))
    assert {one.manifest_hash for one in looks.datasets} == mine, "others do not learn what a file looks like"
    assert registry.lists.datasets(user, DatasetQuery()).found == 5


def test_datasets_are_filtered(registry: Registry) -> None:
    stored(registry, 0xA1, "Über 100%.csv", {"kind": "segments"})
    stored(registry, 0xB2, "b_c.csv", {"kind": None, "possible": ["segments", "identifiers"]})
    stored(registry, 0xC3, "bxc.csv", {"kind": None, "possible": ["embeddings"]})
    used = stored(registry, 0xD4, "used.csv", {"kind": "identifiers"})
    stored(registry, 0xE5, "unknown.csv")
    lab = registry.labs.create(definition(name="Own"), by=ME)
    registry.provisioning.provision(lab.id, {IDENTIFIERS: used}, by=ME)

    def listed(**query: object) -> list[str]:
        return names(registry.lists.datasets(ALONE, DatasetQuery.model_validate({"sort": "created", **query})))

    assert listed(text="ÜBER") == listed(text="100%") == ["Über 100%.csv"]
    assert listed(text="b_c") == ["b_c.csv"], "a sign of a pattern is a character"
    assert listed(text=hash_number(0xD4)[:63]) == ["used.csv"] and listed(text="\0") == []
    assert listed(kind="segments") == ["Über 100%.csv"]
    assert listed(kind="segments", unsure=True) == ["Über 100%.csv", "b_c.csv", "unknown.csv"]
    assert listed(use="used") == ["used.csv"] and len(listed(use="unused")) == 4
    assert listed(besides=used) == ["Über 100%.csv", "b_c.csv", "bxc.csv", "unknown.csv"]
    page = registry.lists.datasets(ALONE, DatasetQuery(text="used", kind=IDENTIFIERS))
    assert (page.found, page.total, page.size) == (1, 5, 0xA1 + 0xB2 + 0xC3 + 0xD4 + 0xE5)
    assert [(use.lab_name, use.kind, use.readable) for use in page.uses[used]] == [("Own", IDENTIFIERS, True)]


@pytest.mark.parametrize("column", DatasetQuery.columns())
def test_pages_together_have_every_dataset_once_in_order(registry: Registry, column: str) -> None:
    for number in range(1, 8):
        manifest_hash = stored(registry, number, f"{number % 3}.csv", {"kind": list(DatasetKind)[number % 4].value})
        if number % 2:
            registry.datasets.set_rows(manifest_hash, number % 5)

    def pages(sort: str) -> Iterable[str]:
        for first in range(0, 9, 3):
            query = DatasetQuery.model_validate({"sort": sort, "first": first, "count": 3})
            yield from (one.manifest_hash for one in registry.lists.datasets(ALONE, query).datasets)

    up, down = list(pages(column)), list(pages(f"-{column}"))
    assert len(set(up)) == 7 and up == down[::-1]
    if column == "rows":
        counts = {one.manifest_hash: one.rows for one in registry.datasets.all()}
        assert [counts[one] for one in up] == sorted(counts.values(), key=lambda rows: -1 if rows is None else rows)


def test_labs_are_found_by_name_or_id(registry: Registry) -> None:
    one, two = (registry.labs.create(definition(name=name), by=ME).id for name in ("Sports 50%", "News"))
    assert registry.lists.labs(ALONE, LabQuery(text="50%")).ids == [one]
    assert registry.lists.labs(ALONE, LabQuery(text=two[3:30].upper())).ids == [two]
    assert registry.lists.labs(ALONE, LabQuery(sort="name")).ids == [two, one]
    assert registry.lists.labs(ALONE, LabQuery(first=1, count=1)).ids == [one]


def test_a_page_of_many_takes_a_fraction_of_reading_all(database: Database, registry: Registry) -> None:
    fill(database.engine, definition(name="Many", require_segments=True), owner=ME, datasets=10_000, labs=1_000)
    me = User(ME, Role.PUBLISHER, alone=False)
    for state, count in {LabState.READY: 334, LabState.FAILED: 333, LabState.STALE: 333}.items():
        assert registry.lists.labs(me, LabQuery(state=state)).found == count
    reading_datasets, reading_labs = seconds(registry.datasets.all), seconds(registry.labs.states)
    queries = [DatasetQuery(), DatasetQuery(sort="-uses", text="1"), DatasetQuery(kind=SEGMENTS, use="unused")]
    for query in queries:
        assert seconds(lambda asked=query: registry.lists.datasets(me, asked)) < reading_datasets / 2, query
    for wanted in (LabQuery(), LabQuery(sort="state", text="9"), LabQuery(state=LabState.READY, sort="-refreshed")):
        assert seconds(lambda asked=wanted: registry.lists.labs(me, asked)) < reading_labs, wanted


def seconds(do: Callable[[], object]) -> float:
    """The CPU time and waiting of the fastest of three calls."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        do()
        times.append(time.perf_counter() - began)
    return min(times)
