"""A lab as the vendor's first labs described themselves: what `Client.get_data_lab` returns."""

from __future__ import annotations

import json
from typing import cast

from datalab.kinds import KINDS, DatasetKind
from datalab.results.files import STATISTICS
from datalab_dagster.archv2.leaves import LEAVES, VENDOR
from datalab_dagster.archv2.signed_content import shared_data_lab_v2
from datalab_dagster.service.errors import ResultNotFound
from datalab_dagster.service.models import LabInfo, ResultInfo, SharedLab
from datalab_dagster.service.protocol import LabService
from datalab_dagster.types import DataLabDefinition, Dataset, IdType, MatchingIdFormat

_FORMATS = {
    IdType.STRING: MatchingIdFormat.STRING,
    IdType.EMAIL: MatchingIdFormat.EMAIL,
    IdType.HASHED_EMAIL: MatchingIdFormat.HASH_SHA256_HEX,
    IdType.PHONE_NUMBER: MatchingIdFormat.PHONE_NUMBER_E164,
    IdType.HASHED_PHONE_NUMBER: MatchingIdFormat.HASH_SHA256_HEX,
}


def legacy_definition(service: LabService, lab: LabInfo) -> DataLabDefinition:
    """Return a lab in the shape of the vendor's first labs; validated: for the datasets provisioned now."""
    definition = lab.definition
    current = service.current_result(lab.id)
    held: dict[DatasetKind, Dataset] = {
        slot.kind: {"id": slot.manifest_hash, "manifestHash": slot.manifest_hash, "name": slot.dataset_name}
        for slot in lab.slots
    }
    matching = definition.matching_ids[0].id_type.value if definition.matching_ids else None
    changed = [lab.created_at, *(slot.provisioned_at for slot in lab.slots)]
    described = {
        "id": lab.id,
        "name": lab.name,
        "datasets": [{"name": LEAVES[kind], "dataset": held.get(kind)} for kind in definition.datasets],
        **{names.slot: held.get(kind) for kind, names in VENDOR.items()},
        "statistics": _statistics(service, current),
        **{f"{flag}Dataset": KINDS[kind].is_in(definition) for kind in VENDOR if (flag := KINDS[kind].flag_key)},
        "isValidated": current is not None,
        "numEmbeddings": definition.num_embeddings,
        "matchingIdFormat": _FORMATS.get(IdType(matching)) if matching else None,
        "validationComputeJobId": current.run_id if current else None,
        "statisticsComputeJobId": current.run_id if current else None,
        "highLevelRepresentationAsString": json.dumps(definition.model_dump(by_alias=True, mode="json")),
        "createdAt": lab.created_at.isoformat(),
        "updatedAt": max(changed).isoformat(),
        "dropInvalidRows": definition.drop_invalid_rows,
        "forceSparkValidation": False,
    }
    return cast(DataLabDefinition, described)


def shared_definition(lab: SharedLab, statistics: str | None) -> DataLabDefinition:
    """Return a lab for the vendor's admins: name, verdict and `statistics`; all else is empty, as they may not see it.

    `isValidated` is whether there is a current result.
    """
    described: dict[str, object] = {
        "id": lab.id,
        "name": lab.name,
        "datasets": [],
        **{names.slot: None for names in VENDOR.values()},
        "statistics": statistics,
        **{f"{flag}Dataset": False for kind in VENDOR if (flag := KINDS[kind].flag_key)},
        "isValidated": lab.computed_at is not None,
        "numEmbeddings": 0,
        "matchingIdFormat": None,
        "validationComputeJobId": lab.id if lab.computed_at else None,
        "statisticsComputeJobId": lab.id if lab.computed_at else None,
        "highLevelRepresentationAsString": shared_data_lab_v2(lab)["signedContent"]["content"],
        "createdAt": "",
        "updatedAt": lab.computed_at.isoformat() if lab.computed_at else "",
        "dropInvalidRows": True,
        "forceSparkValidation": False,
    }
    return cast(DataLabDefinition, described)


def _statistics(service: LabService, current: ResultInfo | None) -> str | None:
    if current is None:
        return None
    try:
        return service.result_file(current.lab_id, STATISTICS.name, run_id=current.run_id).decode()
    except ResultNotFound:
        return None
