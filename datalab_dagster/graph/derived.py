"""The assets of a lab in another project, derived from ours: other keys, partitions and resources, one body.

Which assets a lab needs follows from its definition. What a person gives as arguments is checked in `embedding`.
"""

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, cast

import dagster as dg
from upath import UPath

from assets import panels, results
from assets.columns import column_schema
from assets.partitions import check_in
from assets.validation import INVALID_SHARE, UPLOADED, validation_assets
from datalab.formats import share
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.statistics import PANELS
from datalab.validation.schemas import dataset_schema
from datalab_dagster.graph.private import body_of
from resources import REPORTS, VALID_ROWS
from resources.guard import noting_failures
from resources.io_managers import MANAGERS
from resources.project import OpenLab, ProjectLab, ProjectRun, project_resources

COLUMNS = "columns"
"""The metadata of an input that name the columns of a table, as Dagster's IO managers for databases read them."""
TOLERATED = "invalid_rows_tolerated"
_PARTITION = "{partition}"
_Result = dg.MaterializeResult[Any] | dg.AssetCheckResult


def _ours(lab: LabDefinition) -> Iterator[dg.AssetsDefinition]:
    """Yield our own assets that a lab needs."""
    for kind in lab.datasets:
        yield validation_assets(kind)
    yield panels.users
    for panel, assets in zip(PANELS, panels.ASSETS[1:], strict=True):
        if panel.is_unlocked(lab):
            yield assets
    yield from results.ASSETS


class ProjectGraph:
    """Where a lab is in a project: its keys, resources, partitions, and the assets that produce its datasets."""

    def __init__(
        self,
        lab: ProjectLab,
        sources: Mapping[DatasetKind, dg.AssetIn | UPath],
        partitions_def: dg.PartitionsDefinition | None,
        tolerated: float,
    ) -> None:
        self._lab = lab
        self._sources = sources
        self._partitions_def = partitions_def
        self._tolerated = tolerated
        self._resources = project_resources(lab)
        self._resource = next(iter(self._resources))
        self._graph = list(_ours(lab.definition))
        self._columns = {VALID_ROWS[kind]: column_schema(dataset_schema(kind, lab.definition)) for kind in sources}
        self._reports = {REPORTS[kind] for kind in sources}

    def assets(self) -> list[dg.AssetsDefinition]:
        """Return the assets of the lab under keys of the project."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Parameter `resource_defs`", dg.BetaWarning)
            return [self._derived(ours) for ours in self._graph]

    def _derived(self, ours: dg.AssetsDefinition) -> dg.AssetsDefinition:
        """Return assets with the body of our assets."""
        body, taken = body_of(ours), dict(ours.keys_by_input_name)
        uploaded = taken.pop(UPLOADED, None)
        kind = DatasetKind(uploaded.path[-1]) if uploaded else None
        computed = {key for assets in self._graph for key in assets.keys}
        absent = dict.fromkeys(name for name, key in taken.items() if key not in computed)
        ins = {
            name: dg.AssetIn(self._key(key), dagster_type=ours.op.ins[name].dagster_type)
            for name, key in taken.items()
            if name not in absent
        }

        @dg.multi_asset(
            name=f"{self._lab.name}__{ours.op.name}",
            ins={**ins, **self._uploaded(kind)},
            outs={key.path[-1]: self._out(ours, name) for name, key in ours.keys_by_output_name.items()},
            check_specs=[check for spec in ours.check_specs for check in self._checks(spec)],
            partitions_def=self._partitions_def,
            required_resource_keys={self._resource},
            resource_defs=self._resources,
        )
        def derived(context: dg.AssetExecutionContext, **inputs: Any) -> Iterator[_Result]:
            lab: OpenLab = getattr(context.resources, self._resource)
            run = lab.run(context.partition_key if context.has_partition_key else None)
            tools = {name: tool for name, tool in lab.tools(run).items() if name in ours.op.required_resource_keys}
            with contextlib.ExitStack() as stack:
                if kind:
                    with noting_failures(run, ours.op.name):
                        stack.enter_context(self._given(run, kind, inputs.get(UPLOADED)))
                    inputs[UPLOADED] = run.dataset(kind)
                for result in _results(body(context, **tools, **absent, **inputs)):
                    yield self._renamed(result, ours)

        return derived

    def _uploaded(self, kind: DatasetKind | None) -> dict[str, dg.AssetIn]:
        """Return the input that is the dataset of `kind`; none: a file is, or the assets are of no dataset."""
        source = self._sources.get(kind) if kind else None
        return {UPLOADED: source} if isinstance(source, dg.AssetIn) else {}

    def _given(self, run: ProjectRun, kind: DatasetKind, value: object) -> AbstractContextManager[None]:
        """Return the block in which a run reads the dataset of `kind` from its file, or from an asset's `value`."""
        source = self._sources[kind]
        if not isinstance(source, dg.AssetIn):
            path = str(source).replace(_PARTITION, run.run_id)
            return run.given(kind, UPath(path, **source.storage_options), path)
        what = f"The value of asset {source.key.to_user_string()}" if source.key else "The value"
        return run.given(kind, value, what, (source.metadata or {}).get(COLUMNS))

    def _key(self, ours: dg.AssetKey) -> dg.AssetKey:
        return dg.AssetKey([self._lab.name, *ours.path])

    def _out(self, ours: dg.AssetsDefinition, name: str) -> dg.AssetOut:
        key = ours.keys_by_output_name[name]
        columns = self._columns.get(key.path[-1])
        spec = ours.get_asset_spec(key).replace_attributes(
            key=self._key(key),
            deps=[],
            group_name=self._lab.name,
            owners=[],
            partitions_def=None,
            metadata={"dagster/column_schema": columns} if columns else {},
        )
        out = ours.op.outs[name]
        manager = f"{self._resource}_{out.io_manager_key}" if out.io_manager_key in MANAGERS else None
        return dg.AssetOut.from_spec(spec, dagster_type=out.dagster_type, io_manager_key=manager)

    def _blocks(self, ours: dg.AssetKey) -> bool:
        """Return whether the checks of one of our assets block: those of a dataset do."""
        return ours.path[-1] in self._columns or ours.path[-1] in self._reports

    def _checks(self, ours: dg.AssetCheckSpec) -> Iterator[dg.AssetCheckSpec]:
        """Yield one of our checks for the project; a report has one more."""
        key, blocking = self._key(ours.asset_key), ours.blocking or self._blocks(ours.asset_key)
        yield check_in(self._partitions_def, ours.name, key, ours.description, blocking=blocking)
        if ours.asset_key.path[-1] in self._reports:
            tolerated = f"At most {share(self._tolerated)} of the rows are invalid."
            yield check_in(self._partitions_def, TOLERATED, key, tolerated, blocking=True)

    def _renamed(self, result: _Result, ours: dg.AssetsDefinition) -> _Result:
        """Return a result of our body for the project; a check of a dataset fails as an error, which blocks."""
        if isinstance(result, dg.AssetCheckResult):
            return result._replace(asset_key=self._key(cast("dg.AssetKey", result.asset_key)))
        asset = result.asset_key or ours.key
        key, severity = self._key(asset), dg.AssetCheckSeverity.ERROR
        checks = [
            check._replace(asset_key=key, severity=severity if self._blocks(asset) else check.severity)
            for check in result.check_results
        ]
        if asset.path[-1] in self._reports:
            invalid = cast("float", (result.metadata or {})[INVALID_SHARE])
            checks.append(
                dg.AssetCheckResult(
                    passed=invalid <= self._tolerated,
                    asset_key=key,
                    check_name=TOLERATED,
                    metadata={INVALID_SHARE: invalid},
                )
            )
        return result._replace(asset_key=key, check_results=checks)


def _results(returned: Any) -> Iterator[_Result]:
    """Yield the results of a body, which returns one or yields several."""
    if isinstance(returned, dg.MaterializeResult):
        yield returned
    else:
        yield from returned
