"""Datasets chosen for slots of a lab: the address of a page carries them until they are provisioned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from datalab.ingest.recognise import words
from datalab.kinds import KINDS, DatasetKind
from datalab_dagster.service import DatasetInfo, LabInfo
from datalab_dagster.service.models import ServiceModel


class Choice(ServiceModel):
    """A dataset that is chosen for a slot."""

    manifest_hash: str
    name: str
    size: int
    looks_like: str
    other_kind: str
    """What it looks like if it certainly has another kind than the slot; empty: it may belong there."""
    notes: list[str]
    """What should be changed in its file."""


def chosen_in(given: Mapping[str, object], lab: LabInfo) -> dict[DatasetKind, str]:
    """Return slot → manifest hash of the choices in the address or the form of a page."""
    return {kind: str(given[kind.value]) for kind in lab.definition.datasets if given.get(kind.value)}


def query_of(chosen: Mapping[DatasetKind, str]) -> str:
    """Return choices as the query of an address; empty without one."""
    return f"?{urlencode({kind.value: manifest_hash for kind, manifest_hash in chosen.items()})}" if chosen else ""


def choices(chosen: Mapping[DatasetKind, str], stored: Iterable[DatasetInfo]) -> dict[DatasetKind, Choice]:
    """Return the chosen datasets; what is not stored, or may not be provisioned, is no choice."""
    by_hash = {dataset.manifest_hash: dataset for dataset in stored if is_usable(dataset)}
    return {kind: _choice(kind, by_hash[chosen[kind]]) for kind in chosen if chosen[kind] in by_hash}


def is_usable(dataset: DatasetInfo) -> bool:
    """Return whether the visitor may provision a dataset."""
    return dataset.secret_id is not None and dataset.your_role is not None


def could_be(dataset: DatasetInfo, kind: DatasetKind) -> bool:
    """Return whether a dataset may be of a kind: it looks like it, or it is not sure what it is."""
    facts = dataset.facts
    if facts is None or facts.kind is not None:
        return facts is None or facts.kind is kind
    return kind in facts.possible or not facts.possible


def proposed(lab: LabInfo, stored: Iterable[DatasetInfo]) -> dict[DatasetKind, str]:
    """Return for each slot the newest dataset of its kind that no lab uses; it is newer than the slot's dataset."""
    every = list(stored)
    held = {slot.kind: slot.manifest_hash for slot in lab.slots}
    since = {dataset.manifest_hash: dataset.created_at for dataset in every}
    found = {}
    for kind in lab.definition.datasets:
        unused = [
            one for one in every if is_usable(one) and not one.labs and one.facts is not None and one.facts.kind is kind
        ]
        newest = max(unused, key=lambda one: (one.created_at, one.manifest_hash), default=None)
        before = since.get(held.get(kind, ""))
        if newest and (before is None or newest.created_at > before):
            found[kind] = newest.manifest_hash
    return found


def _choice(slot: DatasetKind, dataset: DatasetInfo) -> Choice:
    kind = dataset.facts.kind if dataset.facts else None
    return Choice(
        manifest_hash=dataset.manifest_hash,
        name=dataset.name,
        size=dataset.size,
        looks_like=words.kind_words(dataset.facts),
        other_kind=KINDS[kind].title if kind not in (None, slot) else "",
        notes=words.notes(dataset.facts) if dataset.facts else [],
    )
