"""A lab as the vendor's first labs described themselves: what `Client.get_data_lab` returns."""

from __future__ import annotations

import json

from datalab.kinds import DatasetKind
from datalab.results.files import STATISTICS
from datalab_dagster.archv2.leaves import LEAVES
from datalab_dagster.service.errors import ResultNotFound
from datalab_dagster.service.models import LabInfo, ResultInfo
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
    return {
        "id": lab.id,
        "name": lab.name,
        "datasets": [{"name": LEAVES[kind], "dataset": held.get(kind)} for kind in definition.datasets],
        "usersDataset": held.get(DatasetKind.IDENTIFIERS),
        "segmentsDataset": held.get(DatasetKind.SEGMENTS),
        "demographicsDataset": held.get(DatasetKind.DEMOGRAPHICS),
        "embeddingsDataset": held.get(DatasetKind.EMBEDDINGS),
        "statistics": _statistics(service, current),
        "requireSegmentsDataset": definition.require_segments,
        "requireDemographicsDataset": definition.require_demographics,
        "requireEmbeddingsDataset": definition.require_embeddings,
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


def _statistics(service: LabService, current: ResultInfo | None) -> str | None:
    if current is None:
        return None
    try:
        return service.result_file(current.lab_id, STATISTICS.name, run_id=current.run_id).decode()
    except ResultNotFound:
        return None
