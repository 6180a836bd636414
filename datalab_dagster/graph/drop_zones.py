"""Drop zones: files that appear under a configured URL pattern are uploaded and provisioned, each once.

A tick only looks; a run of its own takes the file, however long that takes. A file counts as complete when it looked
the same one tick before. What was taken is known by the cause of its provisioning event, so no restart takes it twice.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import dagster as dg
import fsspec
from pydantic import Field

from assets.guard import told_safely
from datalab.deployment import Deployment
from datalab.errors import UsageError
from datalab.home.settings import DropZone
from datalab.kinds import DatasetKind

_UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".filepart", "~")
DROP_ZONE_USER = "drop zone"


class TakenFile(dg.Config):
    """Which file a run takes for which dataset of which lab."""

    lab: str = Field(description="Id of the lab")
    dataset: str
    url: str
    fingerprint: str = Field(description="Of the file as it was when it counted as complete")


@dg.op(description="Upload the file, encrypted, and provision it.")
def take_file(config: TakenFile) -> None:
    with told_safely(), Deployment.open() as deployment:
        zone = next(
            (zone for zone in deployment.settings.drop_zones if _matches(deployment, zone, config)),
            None,
        )
        if zone is None:
            raise UsageError("The drop zone of this file is no longer configured. The file was left where it is.")
        if was_taken(deployment, config.lab, config.fingerprint):
            return
        file_system, path = fsspec.core.url_to_fs(config.url, **zone.options)
        if fingerprint(config.url, file_system.info(path)) != config.fingerprint:
            raise UsageError(
                "The file changed after it had counted as complete. It is taken when it is complete again."
            )
        name = path.rsplit("/", 1)[-1]
        with file_system.open(path, "rb") as source:
            dataset = deployment.datasets.upload(source, name, by=DROP_ZONE_USER)
        deployment.registry.provisioning.provision(
            config.lab,
            {DatasetKind(config.dataset): dataset.manifest_hash},
            by=DROP_ZONE_USER,
            cause=f"file {name} appeared ({config.fingerprint})",
        )


@dg.job(
    description="Upload a file of a drop zone and provision it.",
    executor_def=dg.in_process_executor,
)
def take_from_drop_zone() -> None:
    take_file()


def look(deployment: Deployment, seen: str | None) -> tuple[list[TakenFile], str, list[str]]:
    """Look into all drop zones once.

    Args:
        deployment: whose zones.
        seen: what the last look returned as second, if there was one.

    Returns:
        The complete files that were not taken yet, the newest of each zone; what to hand in next time; what went wrong.
    """
    before: dict[str, str] = json.loads(seen) if seen else {}
    now: dict[str, str] = {}
    taken: list[TakenFile] = []
    problems: list[str] = []
    for zone in deployment.settings.drop_zones:
        try:
            lab = deployment.registry.labs.get(zone.lab).id
            files = list(_files(zone))
        except UsageError as error:
            problems.append(str(error))
            continue
        except Exception as error:  # noqa: BLE001 - one zone that cannot be reached must not stop the others
            problems.append(f"The drop zone for {zone.dataset.value} cannot be read ({type(error).__name__}).")
            continue
        now.update({url: mark for _, url, mark in files})
        complete = [file for file in files if before.get(file[1]) == file[2]]
        if complete:
            _, url, mark = max(complete)
            if not was_taken(deployment, lab, mark):
                taken.append(TakenFile(lab=lab, dataset=zone.dataset.value, url=url, fingerprint=mark))
    return taken, json.dumps(now), problems


def was_taken(deployment: Deployment, lab: str, mark: str) -> bool:
    """Tell whether a file of this fingerprint was provisioned to the lab before."""
    return any(
        event.by == DROP_ZONE_USER and f"({mark})" in event.cause
        for event in deployment.registry.provisioning.events(lab)
    )


def fingerprint(url: str, info: dict[str, Any]) -> str:
    """Return what changes when a file changes: from its address, size and version or time."""
    version = next((info[key] for key in ("ETag", "etag", "mtime", "LastModified", "created") if info.get(key)), "")
    return hashlib.sha256(f"{url}\0{info.get('size')}\0{version}".encode()).hexdigest()[:16]


def _files(zone: DropZone) -> Iterator[tuple[str, str, str]]:
    """Yield (time, URL, fingerprint) of every file of a zone."""
    file_system, pattern = fsspec.core.url_to_fs(zone.pattern, **zone.options)
    file_system.invalidate_cache()
    for path, info in file_system.glob(pattern, detail=True).items():
        if info.get("type") == "file" and info.get("size") and not path.endswith(_UNFINISHED):
            url = file_system.unstrip_protocol(path)
            time = str(info.get("mtime") or info.get("LastModified") or info.get("created") or "")
            yield time, url, fingerprint(url, info)


def _matches(deployment: Deployment, zone: DropZone, config: TakenFile) -> bool:
    same_dataset = zone.dataset.value == config.dataset
    return same_dataset and deployment.registry.labs.get(zone.lab).id == config.lab
