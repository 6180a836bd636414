"""A lab as the vendor's second generation describes it: the JSON text that the vendor signs."""

from __future__ import annotations

import json

from datalab_dagster.archv2.leaves import LEAVES, policies
from datalab_dagster.archv2.models import DataLabV2, SignedContent
from datalab_dagster.service.models import LabInfo, SharedLab


def data_lab_v2(lab: LabInfo) -> DataLabV2:
    """Return a lab with its definition and what is provisioned to it."""
    definition = lab.definition
    content = definition.model_dump(by_alias=True, mode="json", exclude_none=True)
    tied = policies(lab)
    content |= {
        "publisherEmail": definition.publisher_email or lab.created_by,
        "features": ["COMPUTE_STATISTICS", *(f"VALIDATE_{LEAVES[kind].upper()}" for kind in definition.datasets)],
        "policies": [
            {
                "leafId": LEAVES[slot.kind],
                "policyId": tied[slot.kind],
                "publishedAt": slot.provisioned_at.isoformat(),
                "publishedByEmail": slot.provisioned_by,
            }
            for slot in lab.slots
        ],
    }
    signed: SignedContent = {
        "id": lab.id,
        "content": json.dumps(content),
        "signatureHex": "",
        "version": 0,
        "casIndex": max((slot.sequence for slot in lab.slots), default=0),
    }
    owner = lab.created_by if lab.created_by in lab.owners else lab.owners[0]
    return {"id": lab.id, "ownerId": owner, "signedContent": signed}


def shared_data_lab_v2(lab: SharedLab) -> DataLabV2:
    """Return a lab for the vendor's admins: of its definition only the name, and that it shares its statistics."""
    content = {"kind": "dataLab", "version": "v0", "name": lab.name, "shareStatistics": True}
    signed: SignedContent = {
        "id": lab.id,
        "content": json.dumps(content),
        "signatureHex": "",
        "version": 0,
        "casIndex": 0,
    }
    return {"id": lab.id, "ownerId": "", "signedContent": signed}
