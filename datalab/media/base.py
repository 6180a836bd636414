"""The base audience and the seed as relations of an engine: users by number, their ids and values, who is matched.

Relations: `room_users` (key, user_id, has_ids, in_base, matchable); `matching_ids` and `ids_<k>` (key, id), of the
room's matching id and of the k-th activation id; `<attribute>_values` (key, value) and `<attribute>_names` (value,
name); `seed_types` (t, name), `seed_ids` (t, id) and `matched_users` (t, key).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from datalab.engines import Engine
from datalab.ingest.split import WHITE_SPACE
from datalab.kinds import MATCHING, DatasetKind
from datalab.kinds.seed import TWO_COLUMNS
from datalab.lab import USER_ID, IdentifierConfig
from datalab.media.room import Room
from datalab.media.seed import ALL_USERS, ValidSeed
from datalab.statistics import ValidRows, register_valid_rows
from datalab.statistics.sql import statements

_SQL = statements(__file__)
_PANEL = "base_audience"
_TYPE = TWO_COLUMNS.columns[1].name


@dataclass(frozen=True)
class Attribute:
    """What filters and insights ask of users: a column of a dataset."""

    name: str
    """In filters and attributes."""
    dataset: DatasetKind
    column: str
    is_set: bool
    """Whether a user may have several values."""
    value_type: str
    cell: str
    """The name of the column in insights."""

    @property
    def values(self) -> str:
        """The relation of the values of users."""
        return f"{self.name}_values"

    @property
    def names(self) -> str:
        """The relation of the names of values."""
        return f"{self.name}_names"


AGE = Attribute("age", DatasetKind.DEMOGRAPHICS, "age", is_set=False, value_type="NUMERIC_RANGE", cell="age")
GENDER = Attribute("gender", DatasetKind.DEMOGRAPHICS, "gender", is_set=False, value_type="CATEGORICAL", cell="gender")
SEGMENTS = Attribute(
    "segments", DatasetKind.SEGMENTS, "segment", is_set=True, value_type="CATEGORICAL", cell="interest"
)
ATTRIBUTES = {one.name: one for one in (AGE, GENDER, SEGMENTS)}
"""By name, in order."""


@dataclass(frozen=True)
class BaseAudience:
    """An engine with the relations of a room, and what is needed to ask it."""

    engine: Engine
    room: Room
    seed: ValidSeed
    seed_types: tuple[str, ...]
    """Sorted; the number of a type is its place."""
    names: Mapping[str, Mapping[str, int]]
    """Attribute → name of a value that is not blank → its number; sorted. Without attributes that the lab has not."""
    interests: Mapping[int, str]
    """The name of each segment, the blank ones too."""
    users: int
    """The number of base users."""
    matchable: int
    """How many of them are matchable."""

    def activation_relations(self) -> dict[str, str]:
        """Return each activation id, in configuration order, and the relation of its ids."""
        config = self.room.lab.identifiers_config
        return {entry.id_name: f"ids_{k}" for k, entry in enumerate(config) if entry.is_activation_id}

    def type_number(self, audience_type: str) -> int:
        """Return the number of an audience type in `matched_users`; -1: the seed has none of it."""
        return self.seed_types.index(audience_type) if audience_type in self.seed_types else -1


def build_base(engine: Engine, room: Room, rows: ValidRows, seed: ValidSeed) -> BaseAudience:
    """Create the relations of a room in `engine` from the valid rows of its lab and its seed.

    The lab must have exactly one identifier that fits the room.
    """
    lab, matching_id = room.lab, room.matching_id
    assert matching_id is not None
    register_valid_rows(engine, lab, rows)
    is_user_id = matching_id.id_name == USER_ID
    _create(
        engine,
        "room_users",
        [] if is_user_id else [matching_id.id_name],
        matchable="TRUE" if is_user_id else "BOOL_OR(r.id_name = ?)",
        base=_base_dataset(lab.datasets),
        ids=MATCHING,
    )
    _create_ids(engine, "matching_ids", matching_id)
    for k, entry in enumerate(lab.identifiers_config):
        if entry.is_activation_id:
            _create_ids(engine, f"ids_{k}", entry)
    names: dict[str, dict[str, int]] = {}
    interests: dict[int, str] = {}
    for attribute in ATTRIBUTES.values():
        numbers = _create_values(engine, attribute)
        if _is_offered(engine, attribute, lab.datasets):
            names[attribute.name] = {name: value for name, value in numbers.items() if value > 0}
        if attribute is SEGMENTS:
            interests = {value: name for name, value in numbers.items()}
    types = _create_seed(engine, seed)
    counts = engine.query(_SQL["base_counts"], panel=_PANEL).to_pylist()[0]
    return BaseAudience(engine, room, seed, types, names, interests, counts["users"], counts["matchable"])


def _base_dataset(datasets: Sequence[DatasetKind]) -> DatasetKind:
    """Return the dataset whose users are the base users."""
    return next(kind for kind in (DatasetKind.EMBEDDINGS, DatasetKind.SEGMENTS, MATCHING) if kind in datasets)


def _is_offered(engine: Engine, attribute: Attribute, datasets: Sequence[DatasetKind]) -> bool:
    if attribute is SEGMENTS:
        return attribute.dataset in datasets
    found = engine.query(_SQL["any_row"].format(dataset=attribute.dataset), panel=_PANEL)
    return bool(found.num_rows)


def _create(engine: Engine, name: str, parameters: Sequence[str] = (), *, statement: str = "", **parts: str) -> None:
    engine.create_table(name, _SQL[statement or name].format(**parts), list(parameters), panel=_PANEL)


def _create_ids(engine: Engine, name: str, entry: IdentifierConfig) -> None:
    if entry.id_name == USER_ID:
        _create(engine, name, statement="user_ids")
    else:
        _create(engine, name, [entry.id_name], statement="named_ids", ids=MATCHING)


def _create_values(engine: Engine, attribute: Attribute) -> dict[str, int]:
    """Create the relations of an attribute; return the number of each value, of blank ones a negative one."""
    parts = {"dataset": attribute.dataset, "column": attribute.column, "names": attribute.names}
    found = engine.query(_SQL["distinct_values"].format(**parts), panel=_PANEL)["name"].to_pylist()
    numbers = {name: n if name.strip(WHITE_SPACE) else -n for n, name in enumerate(sorted(found), start=1)}
    table = pa.table({"value": pa.array(numbers.values(), pa.int32()), "name": pa.array(numbers, pa.string())})
    engine.register_arrow(attribute.names, table)
    _create(engine, attribute.values, statement="user_values", **parts)
    return numbers


def _create_seed(engine: Engine, seed: ValidSeed) -> tuple[str, ...]:
    """Create the relations of the seed; return its audience types, sorted."""
    engine.register_parquet("seed", [Path(seed.rows)])
    has_types = len(seed.declared.columns) == len(TWO_COLUMNS.columns)
    parts = {"audience_type": f"COALESCE(r.{_TYPE}, '')" if has_types else f"'{ALL_USERS}'"}
    found = engine.query(_SQL["seed_types"].format(**parts), panel=_PANEL)["name"].to_pylist()
    types = tuple(sorted(found))
    table = pa.table({"t": pa.array(range(len(types)), pa.int32()), "name": pa.array(types, pa.string())})
    engine.register_arrow("seed_types", table)
    _create(engine, "seed_ids", **parts)
    _create(engine, "matched_users")
    return types
