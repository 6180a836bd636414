"""The asset graph of a Data Lab in another Dagster project, derived from our own: there is no second one.

`docs/dagster.md#embed` says how it is used. This module does not know where files are (`resources.project`).
"""

import os
import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
from upath import UPath

from datalab.deployment.addresses import REPORT, validated
from datalab.deployment.project_place import ProjectPlace
from datalab.errors import UsageError, none_such
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition, lab_from_dict, load_lab
from datalab.scratch import scratch_directory
from datalab.statistics.findings import limits_from_dict
from datalab.storage import Key
from datalab_dagster.graph.derived import ProjectGraph
from resources.project import ProjectLab

Source = dg.AssetIn | dg.AssetKey | Sequence[str] | str | Path | UPath
"""What a dataset is taken from."""
_DATASETS = [kind.value for kind in DatasetKind]
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")


def data_lab_assets(
    lab: LabDefinition | Mapping[str, Any] | str | os.PathLike[str],
    datasets: Mapping[str, Source],
    *,
    name: str,
    storage: str | os.PathLike[str],
    partitions_def: dg.PartitionsDefinition | None = None,
    key: Key | dg.EnvVar | None = None,
    tolerated_invalid_share: float = 0.0,
    thresholds: Mapping[str, float] | None = None,
) -> list[dg.AssetsDefinition]:
    """Return the assets of a Data Lab for a Dagster project of your own, with their checks and resources.

    They are `<name>/valid_<dataset>` and `<name>/<dataset>_validation_report` of each dataset, `<name>/users`, an asset
    per panel, `<name>/statistics_report`, `<name>/validation_status` and `<name>/dashboard`. The checks of a dataset
    block: while one fails, nothing downstream of the dataset is materialised.

    Args:
        lab: the definition of the lab, with wire keys, or the path of its JSON or YAML file.
        datasets: for each dataset of the lab, the asset that produces it: its key (a text is split at `/`), or a
            `dg.AssetIn`, whose metadata `columns` name the columns of a table. The project's IO manager loads it: a
            path, an fsspec URL, or a table of pandas, Polars, Arrow or DuckDB. Or a `Path` or `UPath`, if no asset
            produces it; `{partition}` in it is the partition.
        name: of the lab in the project: the prefix of the assets' keys, their group, and a folder of `storage`.
        storage: a directory or an fsspec URL for reports, valid rows and results.
        partitions_def: of the assets; that of the assets that produce the datasets.
        key: encrypts the files that hold values of rows; `dg.EnvVar` names the variable that has it, as base64url.
        tolerated_invalid_share: of the rows of a dataset, from 0 to 1; with more invalid rows, a check fails.
        thresholds: limits of findings that differ from the defaults, by name.

    Raises:
        ConfigurationError, InputError: the definition has errors, all of which are listed, or its file cannot be read.
        UsageError: an argument cannot be used.

    Example:
        >>> import dagster as dg
        >>> lab = {"requireSegments": True, "identifiersConfig": [
        ...     {"idName": "userId", "idType": "STRING"}, {"idName": "email", "idType": "EMAIL", "isMatchingId": True}]}
        >>> datasets = {"identifiers": "crm_ids", "segments": "crm_segments"}
        >>> found = data_lab_assets(lab, datasets, name="crm", storage="data_labs")
        >>> sorted(key.to_user_string() for assets in found for key in assets.keys)[:2]
        ['crm/basic_statistics', 'crm/dashboard']
    """
    definition = lab if isinstance(lab, LabDefinition) else _definition(lab)
    _require_name(name)
    sources = _sources(definition, datasets)
    if not 0 <= tolerated_invalid_share <= 1:
        raise UsageError(f"tolerated_invalid_share is {tolerated_invalid_share}; it is a share of rows, from 0 to 1.")
    project = ProjectLab(
        name=name,
        definition=definition,
        storage=os.fspath(storage),
        key=key,
        limits=limits_from_dict(thresholds or {}, "thresholds"),
        previous=partial(_previous, partitions_def),
    )
    return ProjectGraph(project, sources, partitions_def, tolerated_invalid_share).assets()


def data_lab_report(
    storage: str | os.PathLike[str], name: str, dataset: str, partition: str | None = None, key: Key | None = None
) -> bytes:
    """Return the private validation report of a dataset, as JSON; one that was stored with a key is decrypted.

    Args:
        storage: as `data_lab_assets` has it.
        name: of the lab in the project.
        dataset: such as `segments`.
        partition: of the lab; None: it has none.
        key: the one with which the report was stored.

    Raises:
        UsageError: there is no such dataset.
        InputMissing: the report does not exist.
        EncryptedFileDamaged: it was changed, or the key is another one.
    """
    if dataset not in _DATASETS:
        raise UsageError(none_such("dataset", dataset, _DATASETS))
    with scratch_directory() as scratch:
        place = ProjectPlace(os.fspath(storage), name, partition, scratch, key)
        return place.read(validated(DatasetKind(dataset), partition or "", REPORT))


def _definition(lab: Mapping[str, Any] | str | os.PathLike[str]) -> LabDefinition:
    return lab_from_dict(dict(lab)) if isinstance(lab, Mapping) else load_lab(Path(lab))


def _require_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"The name of a lab is the prefix of its assets' keys: lower-case letters, digits and _, at most 60, "
            f"beginning with a letter, such as 'crm_lab'; {name!r} is not."
        )


def _sources(lab: LabDefinition, datasets: Mapping[str, Source]) -> dict[DatasetKind, dg.AssetIn | UPath]:
    """Return the input, or the file, of each dataset; every error in one exception."""
    problems = [none_such("dataset", name, _DATASETS) for name in datasets if name not in _DATASETS]
    problems += [
        f"The lab has {kind.value}: name the asset that produces them."
        for kind in lab.datasets
        if kind.value not in datasets
    ]
    problems += [
        f"The lab has no {kind.value}: omit them, or turn them on in its definition."
        for kind in DatasetKind
        if kind.value in datasets and kind not in lab.datasets
    ]
    if problems:
        raise UsageError("\n".join(["The datasets do not match the lab.", *problems]))
    return {kind: _source(datasets[kind.value]) for kind in lab.datasets}


def _source(given: Source) -> dg.AssetIn | UPath:
    if isinstance(given, Path | UPath):
        return UPath(given)
    if isinstance(given, str):
        given = dg.AssetKey.from_user_string(given)
    return given if isinstance(given, dg.AssetIn) else dg.AssetIn(dg.AssetKey.from_coercible(given))


def _previous(partitions_def: dg.PartitionsDefinition | None, partition: str | None) -> str | None:
    """Return the time window before a partition; elsewhere a partition is compared with its own earlier result."""
    if not isinstance(partitions_def, dg.TimeWindowPartitionsDefinition) or partition is None:
        return partition
    keys = partitions_def.get_partition_keys()
    at = keys.index(partition) if partition in keys else 0
    return keys[at - 1] if at else partition
