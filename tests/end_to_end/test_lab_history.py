"""What Dagster remembers of each lab: the evaluations of its checks, and which assets another version makes stale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets import ALL_ASSETS
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.statistics import PANELS
from resources import PreflightRun
from tests.labs import MATCHED_USER_ID, wire_lab
from tests.staleness import stale

READY, FAILED = "ready~1a2b", "failed~3c4d"
LAB = wire_lab(MATCHED_USER_ID, numIdentifiersColumns=1, requireSegments=True, dropInvalidRows=False)
SEGMENTS = "".join(f"u{row % 3},s{row}\n" for row in range(12))
FILES = {
    READY: {"identifiers": "u0\nu1\nu2\n", "segments": SEGMENTS},
    FAILED: {"identifiers": "u0\nu1\nu2\n", "segments": f"{SEGMENTS}u1\n"},
}
CHECKS = {
    **{(f"{kind.value}_validation_report", "outcome_passed"): True for kind in DatasetKind},
    **{(f"valid_{kind.value}", "has_valid_rows"): True for kind in DatasetKind},
    ("validation_status", "ready"): True,
    ("validation_status", "fresh"): True,
}
FAILING = [
    ("segments_validation_report", "outcome_passed"),
    ("valid_segments", "has_valid_rows"),
    ("validation_status", "ready"),
]
VALIDATED = [key for kind in DatasetKind for key in (f"{kind.value}_validation_report", f"valid_{kind.value}")]
KEYS = [kind.value for kind in DatasetKind] + VALIDATED + ["users"] + [panel.name for panel in PANELS]
KEYS += ["statistics_report", "validation_status", "dashboard"]
ONE_PER_VERSION = [
    "segments",
    "valid_segments",
    "users",
    "segments_per_user",
    "statistics_report",
    "validation_status",
    "dashboard",
]

Assets = Sequence[dg.AssetsDefinition]


class History:
    """Two labs that were validated on one instance of Dagster."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self._resources: dict[str, Mapping[str, Any]] = {}
        instance.add_dynamic_partitions("data_labs", [*FILES])
        for lab, files in FILES.items():
            self._resources[lab] = resources_of(folder / lab, files)
            self.materialize(lab, ALL_ASSETS)

    def materialize(self, lab: str, assets: Assets, keys: set[str] | None = None) -> None:
        done = dg.materialize(
            assets,
            selection=sorted(keys) if keys else None,
            partition_key=lab,
            instance=self.instance,
            resources=self._resources[lab],
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        assert done.success

    def evaluations(self, asset: str, check: str) -> list[tuple[str | None, bool, dg.AssetCheckSeverity]]:
        """The evaluations of a check: lab, whether it passed, severity."""
        key = dg.AssetCheckKey(dg.AssetKey(asset), check)
        records = self.instance.event_log_storage.get_asset_check_execution_history(key, limit=100)
        found = []
        for record in records:
            assert record.event is not None and record.event.dagster_event is not None
            evaluation = record.event.dagster_event.asset_check_evaluation_data
            found.append((record.partition, evaluation.passed, evaluation.severity))
        return found

    def stale(self, lab: str, assets: Assets) -> set[str]:
        """The assets that Dagster shows as stale for a lab, if `assets` are its code."""
        return stale(self.instance, dg.Definitions(assets=assets, resources=self._resources[lab]), KEYS, lab)


def resources_of(folder: Path, files: Mapping[str, str]) -> Mapping[str, Any]:
    from datalab_dagster.definitions import build_definitions

    folder.mkdir()
    for kind, text in files.items():
        (folder / f"{kind}.csv").write_text(text)
    given = {DatasetKind(kind): folder / f"{kind}.csv" for kind in files}
    run = PreflightRun(folder, LabDefinition.model_validate(LAB), given, previous=folder / "results")
    return build_definitions({"run": run}).resources or {}


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield History(tmp_path, instance)


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """A history to which no test adds anything."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield History(tmp_path_factory.mktemp("labs"), instance)


def raised(*keys: str) -> Assets:
    """The catalogue after the output of some assets has changed."""

    def with_version(spec: dg.AssetSpec) -> dg.AssetSpec:
        changed = spec.key.to_user_string() in keys
        return spec.replace_attributes(code_version=f"{spec.code_version}+") if changed else spec

    return dg.map_asset_specs(with_version, ALL_ASSETS)


class TestChecks:
    def test_every_lab_has_its_own_evaluations_only(self, validated: History) -> None:
        warning = dg.AssetCheckSeverity.WARN
        for check in CHECKS:
            found = validated.evaluations(*check)
            assert sorted(found, key=str) == sorted(
                [(READY, True, warning), (FAILED, check not in FAILING, warning)], key=str
            ), check

    def test_no_check_of_data_blocks(self) -> None:
        specs = [
            spec for asset in ALL_ASSETS for spec in asset.check_specs if spec.name in {name for _, name in CHECKS}
        ]
        assert {(spec.asset_key.to_user_string(), spec.name) for spec in specs} == set(CHECKS)
        assert not any(spec.blocking for spec in specs)

    @pytest.mark.slow
    def test_another_validation_adds_to_the_history_of_its_lab(self, history: History) -> None:
        history.materialize(FAILED, ALL_ASSETS)
        labs = [lab for lab, *_ in history.evaluations("validation_status", "ready")]
        assert sorted(map(str, labs)) == [FAILED, FAILED, READY]


class TestVersions:
    def test_every_asset_has_one(self) -> None:
        versions = {spec.key.to_user_string(): spec.code_version for asset in ALL_ASSETS for spec in asset.specs}
        assert set(versions) == set(KEYS)
        assert all(versions.values())

    def test_nothing_is_stale_after_a_validation(self, validated: History) -> None:
        assert [validated.stale(lab, ALL_ASSETS) for lab in FILES] == [set(), set()]

    @pytest.mark.parametrize("key", ONE_PER_VERSION)
    def test_a_raised_one_makes_its_asset_stale_for_all_labs(self, validated: History, key: str) -> None:
        assert [validated.stale(lab, raised(key)) for lab in FILES] == [{key}, {key}]

    @pytest.mark.slow
    @pytest.mark.parametrize("keys", [VALIDATED[2:4], ["segments_per_user"]], ids=["validation", "panel"])
    def test_what_is_below_follows_and_nothing_else(self, history: History, keys: list[str]) -> None:
        changed = raised(*keys)
        computed: set[str] = set()
        while stale := history.stale(READY, changed):  # level by level, as Dagster shows it
            history.materialize(READY, changed, stale)
            computed |= stale
        below = dg.AssetSelection.assets(*keys).downstream().resolve(changed)
        assert computed == {key.to_user_string() for key in below}
        assert history.stale(FAILED, changed) == set(keys)
