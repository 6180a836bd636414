"""Pages of the lists of datasets and labs, filtered, sorted and cut in SQL; `wanted` says which page is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, case, exists, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from datalab.kinds import DatasetKind
from datalab.registry.database import Database
from datalab.registry.datasets import datasets_of
from datalab.registry.facts import now_in, state_in
from datalab.registry.models import DatasetRow, EventRow, KeyRow, LabRow, SlotRow
from datalab.registry.ownership import User, reads_lab, uses_dataset
from datalab.registry.queries import has_text
from datalab.registry.records import Dataset
from datalab.registry.state import LabState
from datalab.registry.wanted import DatasetQuery, LabQuery, ListQuery


@dataclass(frozen=True)
class Use:
    """A slot that holds a dataset."""

    lab_id: str
    lab_name: str
    lab_created_at: datetime
    kind: DatasetKind
    readable: bool
    """Whether the user may read the lab."""


@dataclass(frozen=True)
class DatasetList:
    """A page of stored datasets."""

    datasets: list[Dataset]
    uses: Mapping[str, list[Use]]
    """Manifest hash → the slots that hold it."""
    found: int
    """How many match the filters."""
    total: int
    size: int
    """Bytes of all of them, before any filter."""
    without_key: int
    """Datasets of the user that cannot be provisioned, because their key was not kept."""


@dataclass(frozen=True)
class LabList:
    """A page of labs: their ids in order."""

    ids: list[str]
    found: int
    total: int
    states: Mapping[LabState, int] = field(default_factory=dict)
    """How many labs are in each state, before any filter."""


class Lists:
    """The lists of a registry, as `user` may see them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def datasets(self, user: User, query: DatasetQuery) -> DatasetList:
        """Return a page of the stored datasets."""
        uses = uses_dataset(user)
        live = and_(DatasetRow.deleted_at.is_(None), DatasetRow.manifest_hash != query.besides)
        with_key = exists().where(KeyRow.manifest_hash == DatasetRow.manifest_hash)
        base = and_(live, uses, with_key) if query.usable else live
        listed = and_(
            base, has_text(query.text, DatasetRow.name, beginning=DatasetRow.manifest_hash), *_narrowed(query, uses)
        )
        columns: dict[str, Any] = {
            "created": DatasetRow.created_at,
            "name": func.lower(DatasetRow.name),
            "kind": case((uses, DatasetRow.facts["kind"].astext)),
            "size": DatasetRow.size_bytes,
            "rows": DatasetRow.rows,
            "uses": _uses(),
        }
        every = (  # read once, and all numbers are counted in it
            select(
                DatasetRow.manifest_hash,
                DatasetRow.size_bytes,
                base.label("counts"),
                listed.label("listed"),
                and_(uses, ~with_key).label("keyless"),
                columns[query.column].label("place"),
            )
            .where(live)
            .cte("every")
        )
        cut = _cut(
            select(every.c.manifest_hash).where(every.c.listed),
            query,
            {query.column: every.c.place},
            every.c.manifest_hash,
        )
        page = select(
            func.count().filter(every.c.counts),
            func.coalesce(func.sum(every.c.size_bytes).filter(every.c.counts), 0),
            func.count().filter(every.c.listed),
            func.count().filter(every.c.keyless),
            func.array(cut.correlate(None).scalar_subquery(), type_=ARRAY(Text())),
        )
        with self._database.read() as session:
            total, size, found, without_key, hashes = session.execute(page).one()
            return DatasetList(
                datasets=datasets_of(session, hashes),
                uses=_uses_of(session, user, hashes),
                found=found,
                total=total,
                size=int(size),
                without_key=without_key,
            )

    def labs(self, user: User, query: LabQuery, *, others: bool = False) -> LabList:
        """Return a page of the labs that the user may read; `others`: of those that they may not read."""
        reads = reads_lab(user)
        now = now_in(select(LabRow.id).where(LabRow.deleted_at.is_(None), ~reads if others else reads))
        states = state_in(now).cte("states")  # used three times below, so computed once
        order = case({state.value: place for place, state in enumerate(LabState)}, value=states.c.state)
        refreshed = (
            select(func.max(EventRow.at))
            .join(SlotRow, SlotRow.sequence == EventRow.sequence)
            .where(SlotRow.lab_id == LabRow.id)
            .scalar_subquery()
        )
        listed = select(LabRow.id).join(states, states.c.lab_id == LabRow.id)
        listed = listed.where(has_text(query.text, LabRow.name, LabRow.id, LabRow.partition_key))
        if query.state is not None:
            listed = listed.where(states.c.state == query.state.value)
        columns: dict[str, Any] = {
            "created": LabRow.created_at,
            "name": func.lower(LabRow.name),
            "state": order,
            "refreshed": refreshed,
        }
        by_state = select(states.c.state, func.count().label("labs")).group_by(states.c.state).subquery()
        page = select(
            select(func.jsonb_object_agg(by_state.c.state, by_state.c.labs)).scalar_subquery(),
            select(func.count()).select_from(listed.subquery()).scalar_subquery(),
            func.array(_cut(listed, query, columns, LabRow.id).scalar_subquery(), type_=ARRAY(Text())),
        )
        with self._database.read() as session:
            counts, found, ids = session.execute(page).one()
        ordered = {state: counts[state.value] for state in LabState if state.value in (counts or {})}
        return LabList(ids, found, sum(ordered.values()), ordered)


def _cut(page: Select[str], query: ListQuery, columns: Mapping[str, Any], key: Any) -> Select[str]:
    """Return the entries of a page in order; entries without a value are the smallest, `key` decides between equals."""
    column = columns[query.column]
    order = (column.desc().nulls_last(), key.desc()) if query.descending else (column.asc().nulls_first(), key.asc())
    return page.order_by(*order).offset(query.first).limit(query.count)


def _narrowed(query: DatasetQuery, uses: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    """Return the filters by kind and use; who may not use a dataset does not learn what it looks like."""
    found: list[ColumnElement[bool]] = []
    if query.kind is not None:
        looks = and_(uses, DatasetRow.facts["kind"].astext == query.kind.value)
        found.append(or_(looks, _may_be(query.kind)) if query.unsure else looks)
    if query.use is not None:
        held = select(SlotRow.manifest_hash)  # hashed once; an anti join was seen to read it for every dataset
        in_use = DatasetRow.manifest_hash.in_(held)
        found.append(in_use if query.use == "used" else ~in_use)
    return found


def _may_be(kind: DatasetKind) -> ColumnElement[bool]:
    """Whether a dataset may be of a kind although it is not sure: `possible` names it, or nothing is known."""
    facts = DatasetRow.facts
    possible = func.coalesce(facts["possible"], literal([], facts.type))
    unsure = and_(
        facts["kind"].astext.is_(None), or_(possible == literal([], facts.type), possible.has_key(kind.value))
    )
    return or_(facts.is_(None), unsure)


def _uses() -> Any:
    return (
        select(func.count())
        .select_from(SlotRow)
        .where(SlotRow.manifest_hash == DatasetRow.manifest_hash)
        .scalar_subquery()
    )


def _uses_of(session: Session, user: User, hashes: Sequence[str]) -> dict[str, list[Use]]:
    found: dict[str, list[Use]] = {manifest_hash: [] for manifest_hash in hashes}
    rows = session.execute(
        select(SlotRow.manifest_hash, LabRow.id, LabRow.name, LabRow.created_at, SlotRow.kind, reads_lab(user))
        .join(LabRow, LabRow.id == SlotRow.lab_id)
        .where(SlotRow.manifest_hash.in_(hashes))
        .order_by(LabRow.created_at, LabRow.id, SlotRow.kind)
    )
    for manifest_hash, lab_id, name, created_at, kind, readable in rows:
        found[manifest_hash].append(Use(lab_id, name, created_at, DatasetKind(kind), bool(readable)))
    return found
