"""The columns of a dataset in the asset catalogue, taken from its pandera schema."""

from __future__ import annotations

import dagster as dg

from datalab.kinds import KINDS, DatasetKind
from datalab.lab import LabDefinition
from datalab.validation.schemas import DatasetSchema, dataset_schema

_SHOWN_NUMBERED = 2
"""Number of columns shown of those whose number depends on the lab."""
GENERIC_LAB = LabDefinition.model_validate(
    {
        "identifiersConfig": [
            {"idName": "userId", "idType": "STRING", "isMatchingId": True},
        ],
        **{kind.numbered.count_key: _SHOWN_NUMBERED for kind in KINDS.values() if kind.numbered},
    }
)
"""An example lab: the catalogue describes datasets before any lab exists."""


def column_schema(schema: DatasetSchema) -> dg.TableSchema:
    """Return the valid rows' columns with their meaning, type and the error codes of their checks."""
    columns = [
        dg.TableColumn(
            spec.name,
            spec.type.value,
            description=f"{spec.meaning}; for example {spec.example}",
            constraints=dg.TableColumnConstraints(
                nullable=spec.nullable,
                other=sorted({check.code for check in schema.checks if index in check.columns}),
            ),
        )
        for index, spec in enumerate(schema.rows)
    ]
    key = ", ".join(schema.rows[index].name for index in schema.key)
    return dg.TableSchema(columns=columns, constraints=dg.TableConstraints(other=[f"unique by ({key})"]))


def generic_columns(kind: DatasetKind) -> dg.TableSchema:
    """Return the columns of `kind` in any lab, with only the first few of numbered columns."""
    return column_schema(dataset_schema(kind, GENERIC_LAB))
