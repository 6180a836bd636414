"""`DataLabComponent`: a Data Lab in a Dagster project by a `defs.yaml`; what it defines is in `embedding`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import dagster as dg
from dagster.components.resolved.core_models import (
    DailyPartitionsDefinitionModel,
    HourlyPartitionsDefinitionModel,
    StaticPartitionsDefinitionModel,
    TimeWindowPartitionsDefinitionModel,
    WeeklyPartitionsDefinitionModel,
    resolve_partitions_def,
)
from upath import UPath

from datalab.errors import UsageError
from datalab.lab import USER_ID, lab_from_dict
from datalab_dagster.graph.own_packages import require_own_packages

_Partitions = (
    HourlyPartitionsDefinitionModel
    | DailyPartitionsDefinitionModel
    | WeeklyPartitionsDefinitionModel
    | TimeWindowPartitionsDefinitionModel
    | StaticPartitionsDefinitionModel
)
"""The forms of partitions that Dagster reads in its own components."""
_EXAMPLE = {
    "requireSegments": True,
    "identifiersConfig": [
        {"idName": USER_ID, "idType": "STRING", "isActivationId": True},
        {"idName": "hashed_email", "idType": "HASHED_EMAIL", "isMatchingId": True},
    ],
}
"""The lab of a new `defs.yaml`."""


class DatasetSource(dg.Model, dg.Resolvable):
    """The asset that produces a dataset, or its file."""

    asset: str | None = None
    """The key of the asset, as `prefix/name`."""
    columns: list[str] | None = None
    """The columns of its table that are those of the dataset, in this order; without it: all."""
    path: str | None = None
    """The path or fsspec URL of a file that no asset produces; `{partition}` in it is the partition."""

    def source(self, dataset: str) -> dg.AssetIn | UPath:
        """Return what `data_lab_assets` takes.

        Raises:
            UsageError: it is neither an asset nor a file, or both.
        """
        if self.asset and not self.path:
            metadata = {"columns": self.columns} if self.columns else None  # Dagster's name of it
            return dg.AssetIn(dg.AssetKey.from_user_string(self.asset), metadata=metadata)
        if self.path and not self.asset and not self.columns:
            return UPath(self.path)
        raise UsageError(
            f"The dataset {dataset} comes either from an asset (`asset`, with `columns` if needed) or from a file "
            "(`path`): give one of them."
        )


class DataLabScaffolder(dg.Scaffolder):
    """Writes a `defs.yaml` that loads, for a lab with identifiers and segments."""

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        dg.scaffold_component(
            request,
            {
                "name": request.target_path.name,
                "lab": _EXAMPLE,
                "datasets": {
                    kind.value: {"path": f"{{{{ project_root }}}}/exports/{kind.value}.csv"}
                    for kind in lab_from_dict(_EXAMPLE).datasets
                },
                "storage": "{{ project_root }}/data_labs",
            },
        )


@dg.scaffold_with(DataLabScaffolder)
@dataclass
class DataLabComponent(dg.Component, dg.Resolvable):
    """A Data Lab: its datasets, which assets of this project produce, are validated, and their statistics computed.

    The same as `datalab_dagster.data_lab_assets`.
    """

    name: str
    """Of the lab in the project: the prefix of its assets' keys."""
    lab: dict[str, Any] | str
    """The definition of the lab, or the path of its JSON or YAML file from this folder."""
    datasets: dict[str, DatasetSource]
    """For each dataset of the lab, the asset that produces it, or its file."""
    storage: str
    """A directory or an fsspec URL for reports, valid rows and results."""
    partitions_def: Annotated[
        dg.PartitionsDefinition | None, dg.Resolver(resolve_partitions_def, model_field_type=_Partitions)
    ] = None
    """The partitions of the assets that produce the datasets."""
    key_variable: str | None = None
    """The environment variable with the key that encrypts the files that hold values of rows."""
    tolerated_invalid_share: float = 0.0
    """The share of rows of a dataset that may be invalid."""
    thresholds: dict[str, float] = field(default_factory=dict)
    """Limits of findings that differ from the defaults."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Return the assets of the lab.

        Raises:
            PackagesCollide: the project has top-level packages that hide our packages.
            ConfigurationError, UsageError, InputError: as `data_lab_assets` raises them.
        """
        require_own_packages()
        from datalab_dagster.graph.embedding import data_lab_assets

        return dg.Definitions(
            assets=data_lab_assets(
                str(Path(context.path) / self.lab) if isinstance(self.lab, str) else self.lab,
                {name: given.source(name) for name, given in self.datasets.items()},
                name=self.name,
                storage=self.storage,
                partitions_def=self.partitions_def,
                key=dg.EnvVar(self.key_variable) if self.key_variable else None,
                tolerated_invalid_share=self.tolerated_invalid_share,
                thresholds=self.thresholds,
            )
        )
