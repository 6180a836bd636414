"""Routes of labs: create, list, get, delete, and provisioning with its history."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import Field

from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab_dagster.portal.access import Changer, Reader, Record, Service
from datalab_dagster.portal.api.values import Cause, Email, LabName
from datalab_dagster.service import EventInfo, LabInfo, OtherLabInfo
from datalab_dagster.service.models import ExpectedInfo, KnownUsersInfo, ServiceModel

router = APIRouter(tags=["labs"])

Changes = Annotated[
    dict[DatasetKind, Annotated[str, Body(max_length=200)] | None],
    Body(description="Slot → manifest hash to provision, or null to deprovision"),
]


class NewOwners(ServiceModel):
    """Who owns a lab from now on."""

    owners: list[Email] = Field(max_length=100)


@router.get("/labs")
def list_labs(visitor: Reader, service: Service) -> list[LabInfo]:
    """Return your labs with their state, the oldest first; all of them to a viewer."""
    return service.labs()


@router.get("/other-labs")
def list_other_labs(visitor: Reader, service: Service) -> list[OtherLabInfo]:
    """Return the labs of other publishers: name, state and owners."""
    return service.other_labs()


@router.post("/labs", status_code=201)
def create_lab(definition: LabDefinition, visitor: Changer, service: Service, record: Record) -> LabInfo:
    """Create a lab; its definition cannot be changed later."""
    lab = service.create_lab(definition)
    record("lab.create", lab.id, name=lab.name, shareStatistics=lab.definition.share_statistics)
    return lab


@router.get("/lab-by-name")
def lab_by_name(
    visitor: Reader, service: Service, name: Annotated[str, Query(max_length=500, description="Name or id")]
) -> LabInfo:
    """Return a lab by its name, which may contain characters that a path cannot contain."""
    return service.lab(name)


@router.get("/labs/{lab}")
def get_lab(lab: LabName, visitor: Reader, service: Service) -> LabInfo:
    """Return a lab, its state and its datasets."""
    return service.lab(lab)


@router.put("/labs/{lab}/owners")
def set_owners(lab: LabName, owners: NewOwners, visitor: Changer, service: Service, record: Record) -> LabInfo:
    """Replace the owners of a lab, who change it and read its results; only an owner may."""
    now = service.set_lab_owners(lab, owners.owners)
    record("lab.owners", now.id, owners=now.owners)
    return now


@router.delete("/labs/{lab}", status_code=204)
def delete_lab(lab: LabName, visitor: Changer, service: Service, record: Record) -> Response:
    """Deprovision everything and delete the lab; its datasets are kept."""
    lab_id = service.lab(lab).id
    service.delete_lab(lab_id)
    record("lab.delete", lab_id)
    return Response(status_code=204)


@router.patch("/labs/{lab}/slots")
def change_slots(
    lab: LabName,
    changes: Changes,
    visitor: Changer,
    service: Service,
    record: Record,
    cause: Cause = "",
    confirm_kind: Annotated[
        bool, Query(alias="confirmKind", description="Accept a dataset that certainly has another kind than its slot")
    ] = False,
) -> LabInfo:
    """Provision and deprovision slots, all in one transaction or none; KIND_MISMATCH unless kinds are confirmed."""
    now = service.change(lab, changes, cause=cause, check_kinds=not confirm_kind)
    record("lab.provision", now.id, changes={kind.value: given for kind, given in changes.items()}, cause=cause)
    return now


@router.put("/labs/{lab}/expected")
def expect(
    lab: LabName, expected: dict[DatasetKind, ExpectedInfo], visitor: Changer, service: Service, record: Record
) -> LabInfo:
    """Keep how many rows and ids the datasets in slots should have, until they are replaced."""
    now = service.expect(lab, expected)
    record("lab.expect", now.id, slots=[kind.value for kind in expected])
    return now


@router.get("/labs/{lab}/known-users")
def known_users(
    lab: LabName, request: Request, visitor: Changer, service: Service
) -> dict[DatasetKind, KnownUsersInfo]:
    """Return how many userIds of chosen datasets (`?<slot>=<manifest hash>`), from a sample, are in Identifiers."""
    info = service.lab(lab)
    chosen = {kind: request.query_params.get(kind.value, "") for kind in DatasetKind}
    return service.known_users(
        info.id, {kind: manifest_hash for kind, manifest_hash in chosen.items() if manifest_hash}
    )


@router.get("/labs/{lab}/events")
def list_events(lab: LabName, visitor: Reader, service: Service) -> list[EventInfo]:
    """Return every provisioning event of a lab, the oldest first."""
    return service.events(lab)
