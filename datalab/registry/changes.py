"""The changes of all labs that may need a run, with all that decides on it, read with one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Dialect, bindparam, text
from sqlalchemy.dialects import postgresql

from datalab.kinds import DatasetKind
from datalab.lab import STORED, LabDefinition
from datalab.registry.database import Database
from datalab.registry.described import DESCRIBED, DescribedDataset, described_in
from datalab.registry.facts import waiting_labs
from datalab.registry.models import SCHEMA
from datalab.registry.queries import in_order
from datalab.registry.records import Claim, Datasets, Event, LabChange, changes_by_lab
from datalab.validation import CODE_VERSION

_BEYOND = 2**63 - 1
"""A sequence number that no event has."""


@dataclass(frozen=True)
class ChangedLab:
    """A lab and the events of it that a reader has not seen yet, at the moment of reading.

    Attributes:
        id: of the lab.
        partition_key: of the lab.
        name: of the lab.
        definition: of the lab.
        change: the events.
        datasets: what is provisioned now.
        described: manifest hash → these datasets, as Dagster's pages describe them.
        validated: those of them whose validation is complete.
        claim: who answers the last event; None: it is not claimed.
        answer: the run that answers the last event: it has the result of these datasets, reads them now, or was started
            for this event or a later one.
    """

    id: str
    partition_key: str
    name: str
    definition: LabDefinition
    change: LabChange
    datasets: Datasets
    described: Mapping[str, DescribedDataset]
    validated: frozenset[DatasetKind]
    claim: Claim | None
    answer: str | None


@dataclass(frozen=True)
class Changed:
    """The changed labs at one moment.

    Attributes:
        newest: the number of the last event of all labs, 0 before the first.
        labs: the changed ones, in the order of their last events.
        partitions: the partition keys of all labs that have, or had, a dataset.
        waiting: how many labs wait for datasets.
    """

    newest: int
    labs: list[ChangedLab]
    partitions: frozenset[str]
    waiting: int


class Changes:
    """The changes of a registry's labs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, seen: int | None, *, certain: int) -> Changed:
        """Return every lab with an event after `seen`, and those whose last event was missed or released.

        An event is missed if it is after `certain`, not after `seen`, and no run answers it. It is released if its
        claim is: its run could not be made.

        Args:
            seen: the last event that the reader has seen; None, or beyond the last event: it is not known, so every
                event may have been missed.
            certain: the last event up to which none was missed.
        """
        values = {"seen": _BEYOND if seen is None else min(seen, _BEYOND), "certain": certain}
        with self._database.read() as session:
            row = session.execute(_STATEMENT, values).one()
        labs = sorted((_changed(lab) for lab in row.changed), key=lambda lab: lab.change.sequence)
        return Changed(row.newest, labs, frozenset(row.partitions), row.waiting)


def _changed(lab: Mapping[str, Any]) -> ChangedLab:
    [change] = changes_by_lab(_event(lab["id"], event) for event in lab["events"])
    datasets = in_order(lab["datasets"])
    holder = lab["holder"]
    return ChangedLab(
        lab["id"],
        lab["partition_key"],
        lab["name"],
        LabDefinition.model_validate(lab["definition"], context=STORED),
        change,
        datasets,
        {manifest_hash: described_in(one) for manifest_hash, one in lab["described"].items()},
        frozenset(DatasetKind(kind) for kind in lab["validated"]),
        None
        if holder is None
        else Claim(lab["id"], change.sequence, holder, lab["run_id"], _moment(lab["claimed_at"])),
        lab["answer"],
    )


def _event(lab_id: str, event: Mapping[str, Any]) -> Event:
    return Event(
        event["sequence"],
        lab_id,
        DatasetKind(event["kind"]),
        event["manifest_hash"],
        event["replaced"],
        event["actor"],
        event["cause"],
        _moment(event["at"]),
    )


def _moment(written: str) -> datetime:
    return datetime.fromisoformat(written)


_RUNS = 5
"""How many runs of a lab are read, the newest ones: those of its last events are among them."""

_DIALECT: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
_WAITING = waiting_labs().compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})
_STATEMENT = text(f"""
WITH newest AS (
    SELECT coalesce(max(sequence), 0) AS sequence FROM {SCHEMA}.provisioning_events
), bounds AS (
    -- A reader that has seen more than there is has seen nothing for certain.
    SELECT least(:seen, sequence) AS seen, CASE WHEN :seen > sequence THEN 0 ELSE least(:seen, :certain) END AS certain
    FROM newest
), last AS (
    SELECT event.lab_id, max(event.sequence) AS sequence FROM {SCHEMA}.provisioning_events event
    WHERE event.sequence > (SELECT certain FROM bounds) GROUP BY event.lab_id
    UNION
    SELECT claim.lab_id, claim.sequence FROM {SCHEMA}.run_claims claim
    WHERE claim.holder = '' AND claim.sequence =
        (SELECT max(sequence) FROM {SCHEMA}.provisioning_events event WHERE event.lab_id = claim.lab_id)
), changed AS (
    SELECT lab.id, lab.partition_key, lab.name, lab.definition, slots.datasets, slots.described,
        slots.validated, claim.holder, claim.run_id, claim.claimed_at, answer.run_id AS answer,
        (
            SELECT jsonb_agg(to_jsonb(event) - 'lab_id' - 'source') FROM {SCHEMA}.provisioning_events event
            WHERE event.lab_id = lab.id AND event.sequence <= last.sequence AND event.sequence
                > least(bounds.seen, last.sequence - 1, greatest(bounds.certain, earlier.sequence))
        ) AS events
    FROM last CROSS JOIN bounds
    JOIN {SCHEMA}.labs lab ON lab.id = last.lab_id AND lab.deleted_at IS NULL
    LEFT JOIN {SCHEMA}.run_claims claim ON claim.lab_id = lab.id AND claim.sequence = last.sequence
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_object_agg(slot.kind, slot.manifest_hash), '{{}}') AS datasets,
            coalesce(jsonb_object_agg(slot.manifest_hash, {DESCRIBED}), '{{}}') AS described,
            coalesce(jsonb_agg(slot.kind) FILTER (WHERE validated.lab_id IS NOT NULL), '[]') AS validated
        FROM {SCHEMA}.provisionings slot
        LEFT JOIN {SCHEMA}.validated_datasets validated ON validated.lab_id = slot.lab_id AND validated.kind = slot.kind
            AND validated.manifest_hash = slot.manifest_hash AND validated.code_version = :code_version
        JOIN {SCHEMA}.datasets dataset ON dataset.manifest_hash = slot.manifest_hash
        WHERE slot.lab_id = lab.id
    ) slots
    CROSS JOIN LATERAL (
        SELECT max(run.sequence) FILTER (WHERE run.sequence < last.sequence) AS sequence,
            (array_agg(run.run_id ORDER BY run.number DESC) FILTER (WHERE
                (run.state = 'STARTED' AND run.datasets = slots.datasets)
                OR (run.sequence >= last.sequence AND claim.holder IS DISTINCT FROM '')
            ))[1] AS run_id
        FROM (
            SELECT * FROM {SCHEMA}.runs WHERE lab_id = lab.id ORDER BY number DESC LIMIT {_RUNS}
        ) run
    ) earlier
    LEFT JOIN LATERAL (
        SELECT result.run_id FROM {SCHEMA}.results result
        WHERE result.lab_id = lab.id AND result.expired_at IS NULL AND result.datasets = slots.datasets
        ORDER BY result.number DESC LIMIT 1
    ) result ON true
    CROSS JOIN LATERAL (SELECT coalesce(result.run_id, earlier.run_id) AS run_id) answer
    WHERE last.sequence > bounds.seen OR answer.run_id IS NULL
)
SELECT newest.sequence AS newest,
    (SELECT coalesce(jsonb_agg(to_jsonb(changed)), '[]') FROM changed) AS changed,
    (
        SELECT coalesce(array_agg(lab.partition_key), '{{}}') FROM {SCHEMA}.labs lab WHERE lab.deleted_at IS NULL
            AND EXISTS (SELECT FROM {SCHEMA}.provisioning_events event WHERE event.lab_id = lab.id)
    ) AS partitions,
    ({_WAITING}) AS waiting
FROM newest
""").bindparams(bindparam("seen"), bindparam("certain"), bindparam("code_version", CODE_VERSION))
