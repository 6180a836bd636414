"""Proposes the definition of a lab for one file: for checks without a lab. Its names are values of rows, so it is
only shown to the person who has the file."""

from __future__ import annotations

from datalab.id_types import IdType
from datalab.ingest.recognise.columns import id_type_of
from datalab.ingest.recognise.facts import Form
from datalab.ingest.recognise.table import Recognised
from datalab.kinds import KINDS, MATCHING, DatasetKind
from datalab.lab import USER_ID, LabDefinition, lab_from_dict


def proposed_lab(kind: DatasetKind, recognised: Recognised) -> LabDefinition | None:
    """Return a definition that the file fits as `kind`; None if it does not look like it, row for row."""
    facts, entry = recognised.facts, KINDS[kind]
    if facts.kind is not kind or facts.form is not Form.ROWS:
        return None
    found = {USER_ID: IdType.STRING}
    definition: dict[str, object] = {}
    if kind is MATCHING:
        if facts.columns not in entry.file_forms:
            return None
        if facts.columns == min(entry.file_forms) + 1:
            other = id_type_of(recognised.columns[1].to_pylist())
            found[other.value.lower()] = other
        found |= {name: id_type for name, id_type in recognised.id_types().items() if name != USER_ID}
        definition["numIdentifiersColumns"] = facts.columns
    if entry.flag_key:
        definition[entry.flag_key] = True
    if entry.numbered:
        definition[entry.numbered.count_key] = facts.columns - len(entry.columns)
    return lab_from_dict({**definition, "identifiersConfig": [_identifier(*one) for one in found.items()]})


def _identifier(name: str, id_type: IdType) -> dict[str, object]:
    return {"idName": name, "idType": id_type.value, "isMatchingId": name == USER_ID}
