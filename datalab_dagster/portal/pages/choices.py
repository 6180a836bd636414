"""Datasets chosen for slots of a lab: the address of a page carries them until they are provisioned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import urlencode

from datalab.dashboard.expected import expected_words
from datalab.errors import UsageError
from datalab.formats import number, share
from datalab.ingest.recognise import words
from datalab.kinds import KINDS, MATCHING, DatasetKind
from datalab.statistics.expected import Expected, compared
from datalab_dagster.portal.pages.results import Found
from datalab_dagster.service import DatasetInfo, DatasetNotFound, DatasetQuery, LabInfo, LabService
from datalab_dagster.service.models import ExpectedInfo, KnownUsersInfo, ServiceModel

ENOUGH_KNOWN = 0.5
"""The share of known userIds below which a choice is marked."""


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
    known: KnownUsersInfo | None = None
    """How many of its sampled userIds the lab's Identifiers know; None: not found out."""

    @property
    def known_words(self) -> str:
        """How many of its userIds Identifiers know, in words; empty: not found out."""
        if self.known is None:
            return ""
        title = KINDS[MATCHING].title
        sample = f"{number(self.known.sampled)} sampled userIds"
        if self.known.known == 0:
            return f"None of the {sample} is in {title}."
        return f"{share(self.known.known / self.known.sampled)} of {sample} are in {title}."

    @property
    def is_known(self) -> bool:
        """Whether enough userIds are known, as far as that was found out."""
        return self.known is None or self.known.known >= ENOUGH_KNOWN * self.known.sampled


class ExpectedView(ServiceModel):
    """An expected number and the one that was found."""

    words: str
    is_off: bool
    """Whether they differ by more than 10%."""


def expected_of(lab: LabInfo, found: Found | None) -> dict[DatasetKind, list[ExpectedView]]:
    """Return what the datasets of a lab should have beside what the current result has."""
    wanted = {slot.kind: Expected(slot.expected.rows, slot.expected.ids) for slot in lab.slots if slot.expected}
    status, statistics = (found.status, found.statistics) if found else (None, None)
    views: dict[DatasetKind, list[ExpectedView]] = {}
    for one in compared(wanted, status, statistics):
        views.setdefault(one.dataset, []).append(ExpectedView(words=expected_words(one), is_off=one.is_off))
    return views


def expected_in(
    form: Mapping[str, object], chosen: Iterable[DatasetKind], lab: LabInfo
) -> dict[DatasetKind, ExpectedInfo]:
    """Return the expected numbers that a form gives for chosen datasets.

    Raises:
        UsageError: one is no number.
    """
    names = [entry.id_name for entry in lab.definition.identifiers_config]
    found = {}
    for kind in chosen:
        rows = _number(form.get(f"expected-{kind.value}"))
        given = (
            {name: _number(form.get(f"expected-id-{at}")) for at, name in enumerate(names)} if kind is MATCHING else {}
        )
        ids = {name: count for name, count in given.items() if count is not None}
        if rows is not None or ids:
            found[kind] = ExpectedInfo(rows=rows, ids=ids)
    return found


def _number(given: object) -> int | None:
    text = str(given or "").strip().replace(",", "")
    if text and not (text.isascii() and text.isdigit() and len(text) < 16):
        raise UsageError("Give an expected number as digits, such as 105000, or leave it empty.")
    return int(text) if text else None


def chosen_in(given: Mapping[str, object], lab: LabInfo) -> dict[DatasetKind, str]:
    """Return slot → manifest hash of the choices in the address or the form of a page."""
    return {kind: str(given[kind.value]) for kind in lab.definition.datasets if given.get(kind.value)}


def query_of(chosen: Mapping[DatasetKind, str]) -> str:
    """Return choices as the query of an address; empty without one."""
    return f"?{urlencode({kind.value: manifest_hash for kind, manifest_hash in chosen.items()})}" if chosen else ""


def choices(service: LabService, chosen: Mapping[DatasetKind, str]) -> dict[DatasetKind, Choice]:
    """Return the chosen datasets; what is not stored, or may not be provisioned, is no choice."""
    found = {kind: stored_dataset(service, manifest_hash) for kind, manifest_hash in chosen.items()}
    return {kind: _choice(kind, dataset) for kind, dataset in found.items() if dataset and is_usable(dataset)}


def stored_dataset(service: LabService, manifest_hash: str) -> DatasetInfo | None:
    """Return a dataset, or None if it is not stored."""
    try:
        return service.dataset(manifest_hash)
    except DatasetNotFound:
        return None


def with_known_users(service: LabService, lab: str, found: Mapping[DatasetKind, Choice]) -> dict[DatasetKind, Choice]:
    """Return choices with how many of their userIds the lab's Identifiers know."""
    if not found:
        return {}
    known = service.known_users(lab, {kind: one.manifest_hash for kind, one in found.items()})
    return {kind: one.model_copy(update={"known": known.get(kind)}) for kind, one in found.items()}


def is_usable(dataset: DatasetInfo) -> bool:
    """Return whether the visitor may provision a dataset."""
    return dataset.secret_id is not None and dataset.your_role is not None


class Offered(NamedTuple):
    """What can be chosen for the slots of a lab."""

    any: bool
    """Whether there is a dataset that the visitor may provision."""
    newest: dict[DatasetKind, str]
    """For each slot the newest dataset of its kind that no lab uses; it is newer than the slot's dataset."""


def offered(service: LabService, lab: LabInfo) -> Offered:
    """Return what the visitor can choose for the slots of a lab."""
    held = {slot.kind: slot.manifest_hash for slot in lab.slots}
    found, is_any = {}, False
    for kind in lab.definition.datasets:
        page = service.lists.datasets(DatasetQuery(kind=kind, use="unused", usable=True, count=1))
        is_any = is_any or page.total > 0
        newest = next(iter(page.datasets), None)
        before = stored_dataset(service, held[kind]) if newest and kind in held else None
        if newest and (before is None or newest.created_at > before.created_at):
            found[kind] = newest.manifest_hash
    return Offered(is_any, found)


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
