"""Drop zones: files that appear under a configured URL pattern are uploaded and provisioned, each once.

A tick only lists files; a separate run takes them, however long that takes. `datalab.connectors` lists the files of a
zone and decides which are complete and belong together. What was taken is the `source` of its provisioning event, so
that nothing is taken twice after a restart.
"""

import contextlib
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from pydantic import Field

from datalab.connectors import (
    Choice,
    Connector,
    Entry,
    EntryChanged,
    EntryNotListed,
    FileGroup,
    choose,
    connector_for,
    groups_of,
    has_valid_name,
    open_group,
    shown,
)
from datalab.deployment import Deployment
from datalab.errors import UsageError
from datalab.formats import counted
from datalab.home.settings import DropZone
from datalab.kinds import DatasetKind
from datalab.registry import Dataset, KeyRole
from datalab.registry.errors import DatasetInUse, DatasetNotFound
from datalab.storage.objects import without_user
from datalab_dagster.graph.zone_cursor import ZoneCursor
from resources import without_values
from resources.attempts import NO_RETRY

DROP_ZONE_USER = "drop zone"


class TakenFile(dg.Config):
    """The file or the parts that a run takes, and their lab and dataset."""

    lab: str = Field(description="Id of the lab")
    dataset: str
    url: str = Field(description="The address of the file, or of the first part")
    fingerprint: str = Field(description="The fingerprint of the file, or of all parts, when they were complete")
    again: str = Field(default="", description="The time of the lab's schedule at which it is read again")

    @property
    def key(self) -> str:
        """What distinguishes the attempts to take it from all others."""
        return f"{self.fingerprint} {self.again}".rstrip()


@dg.op(description="Upload the file, or the parts as one zip archive, encrypted, and provision it.")
def take_file(config: TakenFile) -> None:
    with without_values(), Deployment.open() as deployment:
        zones = [zone for zone in deployment.settings.drop_zones if _matches(deployment, zone, config)]
        if not zones:
            raise UsageError("The drop zone of this file is no longer configured. The file was left where it is.")
        if deployment.registry.provisioning.has_taken(config.lab, config.fingerprint) and not _is_read_again(
            deployment, config
        ):
            return
        zone, group = _listed(zones, config)
        with open_group(connector_for(zone.pattern, zone.options), zone.pattern, group) as source:
            owners = dict.fromkeys(deployment.registry.labs.get(config.lab).owners, KeyRole.OWNER)
            dataset = deployment.datasets.upload(source, group.name, by=DROP_ZONE_USER, access=owners)
        _provision(deployment, config, group, dataset)


@dg.job(
    description="Upload what is in a drop zone and provision it.",
    executor_def=dg.in_process_executor,
    tags=NO_RETRY,  # the sensor repeats it, after a pause
)
def take_from_drop_zone() -> None:
    take_file()


def poll(
    deployment: Deployment, seen: str | None, given_up: Collection[str] = ()
) -> tuple[list[TakenFile], str, list[str]]:
    """Poll all drop zones once.

    Args:
        deployment: has the zones.
        seen: the second value of the previous poll, if any.
        given_up: the fingerprints whose runs failed too often.

    Returns:
        What is complete and was not taken yet, the newest of each zone; the value for the next poll; the messages that
        the previous poll did not return.
    """
    before = ZoneCursor.read(seen)
    now = ZoneCursor(taken=dict(before.taken))
    is_whole = True
    files: list[TakenFile] = []
    for zone in deployment.settings.drop_zones:
        try:
            lab = deployment.registry.labs.get(zone.lab).id
            connector = connector_for(zone.pattern, zone.options)
            listed = list(connector.list(zone.pattern))
        except UsageError as error:
            now.messages.append(f"{_title(zone)} is ignored. {error}")
            is_whole = False
            continue
        now.see(listed)
        choice = _choice(deployment, zone, connector, lab, listed, before, given_up)
        now.messages += [f"{_title(zone)}: {message}" for message in choice.messages]
        for group in (choice.newest_taken, choice.group):
            if group:
                now.remember(lab, group)
        files += _wanted(deployment, lab, zone, choice, given_up)
    if is_whole:
        now.forget_absent()
    return files, now.text(), [message for message in now.messages if message not in before.messages]


def _wanted(
    deployment: Deployment, lab: str, zone: DropZone, choice: Choice, given_up: Collection[str]
) -> Iterator[TakenFile]:
    """Yield what is new, or what was taken before and is due to be read again."""
    if choice.group:
        yield _file(lab, zone, choice.group)
    elif choice.newest_taken:
        again = deployment.registry.schedules.read_again(lab).get(choice.newest_taken.fingerprint)
        if again is not None and (file := _file(lab, zone, choice.newest_taken, again)).key not in given_up:
            yield file


def _file(lab: str, zone: DropZone, group: FileGroup, again: datetime | None = None) -> TakenFile:
    return TakenFile(
        lab=lab,
        dataset=zone.dataset.value,
        url=group.entries[0].url,
        fingerprint=group.fingerprint,
        again="" if again is None else again.astimezone(UTC).isoformat(timespec="seconds"),
    )


def _is_read_again(deployment: Deployment, config: TakenFile) -> bool:
    return bool(config.again) and config.fingerprint in deployment.registry.schedules.read_again(config.lab)


def _choice(
    deployment: Deployment,
    zone: DropZone,
    connector: Connector[Any],
    lab: str,
    listed: Sequence[Entry],
    before: ZoneCursor,
    given_up: Collection[str],
) -> Choice:
    def taken(fingerprints: Collection[str]) -> set[str]:
        return deployment.registry.provisioning.taken(lab, fingerprints)

    def refusal(entry: Entry) -> UsageError | None:
        try:
            connector.probe(zone.pattern, entry)
        except EntryChanged:
            raise
        except UsageError as error:
            return error
        return None

    earlier = before.earlier(lab, taken)
    return choose(listed, before.seen, taken=taken, earlier=earlier, refusal=refusal, given_up=given_up)


def _listed(zones: Sequence[DropZone], config: TakenFile) -> tuple[DropZone, FileGroup]:
    """Return the files as a zone lists them now: the configuration of a run may name any address."""
    for zone in zones:
        entries = filter(has_valid_name, connector_for(zone.pattern, zone.options).list(zone.pattern))
        for group in groups_of(entries):
            if any(entry.url == config.url for entry in group.entries):
                if group.fingerprint != config.fingerprint or group.missing or not group.with_content:
                    raise EntryChanged
                return zone, group
    raise EntryNotListed


def _provision(deployment: Deployment, config: TakenFile, group: FileGroup, dataset: Dataset) -> None:
    """Provision what was taken; of the same content, the dataset that is stored already, and delete the new copy."""
    kind, registry = DatasetKind(config.dataset), deployment.registry
    held = registry.provisioning.datasets(config.lab).get(kind)
    chosen, cause = dataset, _cause(group, again=bool(config.again))
    if same := _same_content(deployment, dataset):
        chosen = next((one for one in same if one.manifest_hash == held), same[0])
        before = chosen.manifest_hash == held
        cause += ", with the same content as before" if before else f", with the content of {chosen.name}"
    changes = {kind: chosen.manifest_hash}
    registry.provisioning.provision(config.lab, changes, by=DROP_ZONE_USER, cause=cause, source=group.fingerprint)
    if chosen is not dataset:
        with contextlib.suppress(DatasetInUse, DatasetNotFound):  # a person has just used it, or deleted it
            deployment.datasets.delete(dataset.manifest_hash, by=DROP_ZONE_USER)


def _same_content(deployment: Deployment, dataset: Dataset) -> list[Dataset]:
    """Return the stored datasets of the same content, the oldest first, that belong to exactly the same users.

    If they belonged to others too, these would see from the use of their dataset what the zone has taken.
    """
    registry = deployment.registry
    owner = registry.ownership.user(next(iter(dataset.access or {}), DROP_ZONE_USER))
    found = [registry.datasets.get(one) for one in registry.contents.same_as(dataset.manifest_hash, owner)]
    return [one for one in found if one.access == dataset.access]


def _cause(group: FileGroup, *, again: bool) -> str:
    first, last = shown(group.entries[0].name), shown(group.entries[-1].name)
    if len(group.entries) == 1:
        return f"file {first} {'was read again' if again else 'appeared'}"
    return f"{counted(len(group.entries), 'part')} {'were read again' if again else 'appeared'}, {first} to {last}"


def _title(zone: DropZone) -> str:
    return f"The drop zone for {zone.dataset.value} ({shown(without_user(zone.pattern))})"


def _matches(deployment: Deployment, zone: DropZone, config: TakenFile) -> bool:
    same_dataset = zone.dataset.value == config.dataset
    return same_dataset and deployment.registry.labs.get(zone.lab).id == config.lab
