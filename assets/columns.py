"""The columns of a dataset in the asset catalogue, taken from its pandera schema."""

from __future__ import annotations

import dagster as dg
import pyarrow as pa

from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.validation.schemas import DatasetSchema, dataset_schema

_SHOWN_EMBEDDINGS = 2
GENERIC_LAB = LabDefinition.model_validate(
    {
        "identifiersConfig": [
            {"idName": "userId", "idType": "STRING", "isMatchingId": True},
        ],
        "numEmbeddings": _SHOWN_EMBEDDINGS,
    }
)
"""Stands for any lab where the catalogue describes a dataset before a lab exists."""


def column_schema(schema: DatasetSchema) -> dg.TableSchema:
    """Return the valid rows' columns with their meaning, type and the error codes that their checks give."""
    names = {pa.string(): "string", pa.float64(): "double"}
    columns = [
        dg.TableColumn(
            spec.name,
            names[spec.type],
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
    """Return the columns of `kind` in any lab (embeddings: the first few)."""
    return column_schema(dataset_schema(kind, GENERIC_LAB))
