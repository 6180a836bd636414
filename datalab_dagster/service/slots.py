"""Changes of the slots of a lab on this machine: what the user may provision, and what is recorded."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from datalab.deployment import Deployment
from datalab.deployment.known_users import KnownUsers, known_users
from datalab.kinds import MATCHING, DatasetKind
from datalab.registry import LabChange, Registry, changes_by_lab
from datalab.registry.errors import DatasetNotFound
from datalab.registry.ownership import Verb


def change(
    registry: Registry,
    user: str,
    lab_id: str,
    changes: Mapping[DatasetKind, str | None],
    *,
    cause: str,
    check_kinds: bool,
) -> LabChange | None:
    """Change slots of a lab for a user who may change it; return what was changed, None if nothing was.

    Raises:
        KeyAccessDenied: the user may not provision a dataset that is new to its slot.
        ProvisioningRefused: nothing was changed; `.problems` names every broken rule.
    """
    held = registry.provisioning.datasets(lab_id)
    for kind, manifest_hash in changes.items():
        if manifest_hash is not None and held.get(DatasetKind(kind)) != manifest_hash:
            with contextlib.suppress(DatasetNotFound):  # the change says so, with every other broken rule
                registry.ownership.check(user, Verb.PROVISION, registry.datasets.get(manifest_hash))
    events = registry.provisioning.change(lab_id, changes, by=user, cause=cause, check_kinds=check_kinds)
    return next(iter(changes_by_lab(events)), None)


def known_users_of(
    deployment: Deployment, user: str, lab_id: str, chosen: Mapping[DatasetKind, str]
) -> dict[DatasetKind, KnownUsers]:
    """Return how many userIds of chosen datasets the Identifiers of a lab know, for a user who may change it.

    Raises:
        DatasetNotFound, KeyAccessDenied: a chosen dataset does not exist, or the user may not provision it.
    """
    registry = deployment.registry
    for manifest_hash in chosen.values():
        registry.ownership.check(user, Verb.PROVISION, registry.datasets.get(manifest_hash))
    held = registry.provisioning.datasets(lab_id)
    others = {**held, **chosen} if MATCHING in chosen else dict(chosen)
    identifiers = others.pop(MATCHING, None) or held.get(MATCHING)
    if identifiers is None:
        return {}
    return known_users(deployment.datasets, deployment.folders.place(lab_id), identifiers, others)
