"""Drop zones: files that appear under a configured URL pattern are uploaded and provisioned, each once.

A tick only lists files; a separate run takes a file, however long that takes. `datalab.connectors` lists the files of a
zone and detects which are complete. A taken file is the `source` of its provisioning event, so that no file is taken
twice after a restart.
"""

import json
from collections.abc import Sequence

import dagster as dg
from pydantic import Field

from assets.guard import without_values
from datalab.connectors import Entry, EntryChanged, EntryNotListed, connector_for, newest_complete
from datalab.deployment import Deployment
from datalab.errors import UsageError
from datalab.home.settings import DropZone
from datalab.kinds import DatasetKind
from datalab.registry import KeyRole

DROP_ZONE_USER = "drop zone"


class TakenFile(dg.Config):
    """The file that a run takes, and its lab and dataset."""

    lab: str = Field(description="Id of the lab")
    dataset: str
    url: str
    fingerprint: str = Field(description="The fingerprint of the file when it was complete")


@dg.op(description="Upload the file, encrypted, and provision it.")
def take_file(config: TakenFile) -> None:
    with without_values(), Deployment.open() as deployment:
        zones = [zone for zone in deployment.settings.drop_zones if _matches(deployment, zone, config)]
        if not zones:
            raise UsageError("The drop zone of this file is no longer configured. The file was left where it is.")
        if deployment.registry.provisioning.has_taken(config.lab, config.fingerprint):
            return
        zone, entry = _listed(zones, config)
        with connector_for(zone.pattern, zone.options).open_listed(zone.pattern, entry) as source:
            owners = dict.fromkeys(deployment.registry.labs.get(config.lab).owners, KeyRole.OWNER)
            dataset = deployment.datasets.upload(source, entry.name, by=DROP_ZONE_USER, access=owners)
        deployment.registry.provisioning.provision(
            config.lab,
            {DatasetKind(config.dataset): dataset.manifest_hash},
            by=DROP_ZONE_USER,
            cause=f"file {entry.name} appeared",
            source=entry.fingerprint,
        )


@dg.job(
    description="Upload a file of a drop zone and provision it.",
    executor_def=dg.in_process_executor,
)
def take_from_drop_zone() -> None:
    take_file()


def poll(deployment: Deployment, seen: str | None) -> tuple[list[TakenFile], str, list[str]]:
    """Poll all drop zones once.

    Args:
        deployment: has the zones.
        seen: the second value of the previous poll, if any.

    Returns:
        The complete files that were not taken yet, the newest of each zone; the value for the next poll; the problems.
    """
    before = _seen_before(seen)
    now: dict[str, str] = {}
    taken: list[TakenFile] = []
    problems: list[str] = []
    for zone in deployment.settings.drop_zones:
        try:
            lab = deployment.registry.labs.get(zone.lab).id
            listed = list(connector_for(zone.pattern, zone.options).list(zone.pattern))
        except UsageError as error:
            problems.append(f"The drop zone for {zone.dataset.value} is ignored. {error}")
            continue
        now.update({entry.url: entry.fingerprint for entry in listed})
        entry = newest_complete(listed, before)
        if entry and not deployment.registry.provisioning.has_taken(lab, entry.fingerprint):
            taken.append(TakenFile(lab=lab, dataset=zone.dataset.value, url=entry.url, fingerprint=entry.fingerprint))
    return taken, json.dumps(now), problems


def _listed(zones: Sequence[DropZone], config: TakenFile) -> tuple[DropZone, Entry]:
    """Return the file as a zone lists it now: the configuration of a run may name any address."""
    for zone in zones:
        for entry in connector_for(zone.pattern, zone.options).list(zone.pattern):
            if entry.url == config.url:
                if entry.fingerprint != config.fingerprint:
                    raise EntryChanged
                return zone, entry
    raise EntryNotListed


def _seen_before(cursor: str | None) -> dict[str, str]:
    """Return the fingerprint of each URL at the previous poll; empty if the cursor is not one that `poll` returned."""
    try:
        found = json.loads(cursor or "{}")
    except ValueError:
        return {}
    return {str(url): str(fingerprint) for url, fingerprint in found.items()} if isinstance(found, dict) else {}


def _matches(deployment: Deployment, zone: DropZone, config: TakenFile) -> bool:
    same_dataset = zone.dataset.value == config.dataset
    return same_dataset and deployment.registry.labs.get(zone.lab).id == config.lab
