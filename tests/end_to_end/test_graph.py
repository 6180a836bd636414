"""The asset graph as Dagster sees it, and what materialising it tells."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import dagster as dg
import pytest
import yaml

from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.results.statistics import StatisticsResult, StatisticsResultV2, parse_statistics_result
from datalab_dagster.graph.home import CODE_LOCATION
from resources import PreflightRun, ResultOptions
from tests.commands import environment
from tests.labs import MATCHED_USER_ID, wire_lab

ROOT = Path(__file__).parents[2]
DATASETS = ["identifiers", "segments", "demographics", "embeddings"]
REPORTS, ROWS = [f"{kind}_validation_report" for kind in DATASETS], [f"valid_{kind}" for kind in DATASETS]
CHECKS = {(key, "outcome_passed") for key in REPORTS} | {(key, "has_valid_rows") for key in ROWS}
CHECKS |= {("validation_status", "ready"), ("validation_status", "fresh")} | {
    (key, "rows_intact") for key in (*ROWS, "users")
}
UPLOADS = "uploaded_datasets"
GRAPH = {
    **{kind: ("datasets", {"csv"}, {UPLOADS}) for kind in DATASETS},
    **{f"{kind}_validation_report": ("validation", {"pandera", "json"}, {kind}) for kind in DATASETS},
    **{f"valid_{kind}": ("validation", {"pandera", "parquet"}, {kind}) for kind in DATASETS},
    "users": ("statistics", {"duckdb", "parquet"}, set(ROWS)),
    "id_profiles": ("statistics", {"duckdb", "sql"}, {"users", "valid_identifiers"}),
    "identifiers_overview": ("statistics", {"json"}, {"id_profiles"}),
    "basic_statistics": ("statistics", {"duckdb", "sql"}, {"users", "id_profiles", *ROWS}),
    "remarketing_activation_potential": ("statistics", {"json"}, {"id_profiles"}),
    "segments_activation_potential": ("statistics", {"json"}, {"id_profiles"}),
    "segment_user_counts": ("statistics", {"duckdb", "sql"}, {"users", "valid_segments"}),
    "segments_per_user": ("statistics", {"duckdb", "sql"}, {"users"}),
    "demographic_user_counts": ("statistics", {"duckdb", "sql"}, {"users", "valid_demographics"}),
    "embeddings_activation_potential": ("statistics", {"json"}, {"id_profiles"}),
    "matchable_embeddings_users": ("statistics", {"duckdb", "sql"}, {"users"}),
}
COMPUTED = {name for name in GRAPH if GRAPH[name][0] == "statistics"}
GRAPH |= {
    "statistics_report": ("results", {"json"}, {*COMPUTED, *ROWS}),
    "validation_status": ("results", {"json"}, {"statistics_report", *REPORTS}),
    "dashboard": (
        "results",
        {"html"},
        {"statistics_report", "validation_status", "basic_statistics", *REPORTS},
    ),
}
"""Asset → group, kinds, upstream assets."""


@pytest.fixture(scope="module")
def graph() -> dg.AssetGraph:
    return definitions().resolve_asset_graph()


def definitions(**resources: object) -> dg.Definitions:
    from datalab_dagster.definitions import build_definitions

    return build_definitions(resources)


class TestDefinitions:
    def test_load_without_a_warning(self) -> None:
        code = "from datalab_dagster.definitions import defs; defs().resolve_asset_graph(); print('loaded')"
        ended = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env=environment(),
            check=False,
        )
        assert (ended.stdout, ended.stderr) == ("loaded\n", "")

    def test_are_what_the_workspace_file_and_the_project_file_load(self) -> None:
        workspace = yaml.safe_load((ROOT / "workspace.yaml").read_text())
        assert workspace["load_from"] == [{"python_module": CODE_LOCATION}]
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        assert project["tool"]["dagster"]["module_name"] == CODE_LOCATION

    def test_groups_kinds_and_dependencies(self, graph: Any) -> None:
        def described(key: dg.AssetKey) -> tuple[str, set[str], set[str]]:
            node = graph.get(key)
            return node.group_name, set(node.kinds), {parent.to_user_string() for parent in node.parent_keys}

        found = {key.to_user_string(): described(key) for key in graph.get_all_asset_keys()}
        assert found == GRAPH | {UPLOADS: ("datasets", {"csv"}, set())}

    def test_the_status_comes_from_all_reports(self, graph: Any) -> None:
        ancestors = {dg.AssetKey("validation_status")}
        for _ in GRAPH:
            ancestors |= {parent for key in ancestors for parent in graph.get(key).parent_keys}
        assert {dg.AssetKey(report) for report in REPORTS} <= ancestors

    def test_every_asset_is_one_partition_per_lab_or_upload_owned_and_described(self, graph: Any) -> None:
        for key in graph.get_all_asset_keys():
            node = graph.get(key)
            name = UPLOADS if key == dg.AssetKey(UPLOADS) else "data_labs"
            assert node.partitions_def == dg.DynamicPartitionsDefinition(name=name)
            assert node.owners == ["team:publisher"]
            assert len(node.description) > 30 and node.description.endswith((".", "?"))

    def test_checks(self, graph: Any) -> None:
        found = {(key.asset_key.to_user_string(), key.name) for key in graph.asset_check_keys}
        assert {check for check in found if check[0] in GRAPH} == CHECKS

    def test_the_job_runs_everything(self, graph: Any) -> None:
        job = definitions().resolve_job_def("validate_data_lab")
        assert set(job.asset_layer.selected_asset_keys) == set(graph.materializable_asset_keys)
        assert set(graph.external_asset_keys) == {dg.AssetKey(UPLOADS)}

    def test_columns_are_in_the_catalogue(self, graph: Any) -> None:
        columns = {key: column_names(graph.get(dg.AssetKey(key)).metadata) for key in [*DATASETS, *ROWS]}
        for kind in DATASETS:
            assert columns[kind] == columns[f"valid_{kind}"]
        assert columns["identifiers"] == ["user_id", "id_name", "id"]
        assert columns["segments"] == ["user_id", "segment"]
        assert columns["demographics"] == ["user_id", "age", "gender"]
        assert columns["embeddings"][:3] == ["user_id", "scope", "e0"]


def column_names(metadata: Any) -> list[str]:
    value = metadata["dagster/column_schema"]
    return [column.name for column in getattr(value, "value", value).columns]


Run = Callable[..., tuple[dg.ExecuteInProcessResult, Path]]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Puts files into a workspace and runs the whole graph for them."""
    with dg.DagsterInstance.ephemeral() as instance:

        def materialize(
            files: dict[str, str],
            lab: dict[str, Any],
            resources: Mapping[str, object] = MappingProxyType({}),
            **options: Any,
        ) -> Any:
            for kind, text in files.items():
                (tmp_path / f"{kind}.csv").write_text(text)
            given = {DatasetKind(path.stem): path for path in tmp_path.glob("*.csv")}
            resource = PreflightRun(tmp_path, LabDefinition.model_validate(lab), given, previous=tmp_path / "results")
            instance.add_dynamic_partitions("data_labs", ["mine"])
            job = definitions(run=resource, **resources).resolve_job_def("validate_data_lab")
            return job.execute_in_process(partition_key="mine", instance=instance, **options), tmp_path

        yield materialize


def metadata(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """Asset → its metadata as plain values."""
    return {
        event.asset_key.to_user_string(): {
            key: value.value for key, value in event.step_materialization_data.materialization.metadata.items()
        }
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }


def checks(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], bool]:
    found = result.get_asset_check_evaluations()
    verdicts = {(one.asset_key.to_user_string(), one.check_name): one.passed for one in found}
    return {check: passed for check, passed in verdicts.items() if check[0] in GRAPH}


ALL = wire_lab(
    MATCHED_USER_ID,
    numIdentifiersColumns=1,
    requireSegments=True,
    requireDemographics=True,
    requireEmbeddings=True,
    numEmbeddings=3,
)
FILES = {
    "identifiers": "u1\nu2\nu1\n",
    "segments": "u1,s\n,s\nu2,s\nu3\n",
    "demographics": "u1,,\n",
    "embeddings": "u1,s,1,2,3\nu2,s,x,2,3\n",
}


class TestMaterialisation:
    def test_numbers_are_numeric_metadata(self, run: Run) -> None:
        result, folder = run(FILES, ALL)
        found = metadata(result)
        assert set(found) >= set(GRAPH)
        segments = found["segments_validation_report"]
        assert {key: segments[f"datalab/{key}"] for key in ("rows", "valid_rows", "invalid_rows", "invalid_share")} == {
            "rows": 4,
            "valid_rows": 2,
            "invalid_rows": 2,
            "invalid_share": 0.5,
        }
        assert segments["datalab/bytes"] == found["segments"]["datalab/bytes"] == len(FILES["segments"])
        assert segments["datalab/rows_per_second"] > 0
        numeric = ["rows", "valid_rows", "invalid_rows", "invalid_share", "bytes", "seconds", "rows_per_second"]
        for report in REPORTS:
            assert all(type(found[report][f"datalab/{key}"]) in (int, float) for key in numeric)
        assert [found[rows]["dagster/row_count"] for rows in ROWS] == [2, 2, 1, 1]
        written = [json.loads((folder / "results" / k / "validation-report.json").read_bytes()) for k in DATASETS]
        assert [document["report"]["numRowsTotal"] for document in written] == [3, 4, 1, 2]

    def test_valid_rows_have_the_columns_of_their_lab(self, run: Run) -> None:
        result, _ = run(FILES, ALL)
        assert column_names(metadata(result)["valid_embeddings"] | {}) == ["user_id", "scope", "e0", "e1", "e2"]

    def test_only_canonical_metadata_keys(self, run: Run) -> None:
        result, _ = run(FILES, ALL)
        for asset, values in metadata(result).items():
            own = set(values) - {"path"}  # the IO manager says where it stored a value
            assert all(key.startswith(("datalab/", "dagster/")) for key in own), asset

    def test_checks_of_valid_datasets_pass_and_only_the_verdict_fails_for_the_statistics(self, run: Run) -> None:
        result, folder = run(FILES, ALL)
        assert checks(result) == {**dict.fromkeys(CHECKS, True), ("validation_status", "ready"): False}
        assert metadata(result)["validation_status"]["datalab/failed_datasets"] == 0
        status = json.loads((folder / "results" / "validation-status.json").read_bytes())
        assert {kind: dataset["status"] for kind, dataset in status["datasets"].items()} == dict.fromkeys(
            DATASETS, "SUCCESS"
        )

    def test_options_of_results_are_settings(self, run: Run) -> None:
        written = []
        for resources in ({}, {"workspace": ResultOptions(statistics_version=1)}):
            result, folder = run(FILES, ALL, resources)
            assert result.success
            written.append(parse_statistics_result((folder / "results" / "statistics.json").read_bytes()))
        assert [type(one) for one in written] == [StatisticsResultV2, StatisticsResult]

    def test_checks_fail_on_what_fails_and_the_run_goes_on(self, run: Run) -> None:
        result, folder = run(
            {**FILES, "segments": "u,s\n\n,\n", "demographics": "\n"}, {**ALL, "dropInvalidRows": False}
        )
        assert result.success
        failed = {key for key, passed in checks(result).items() if not passed}
        assert failed == {
            ("segments_validation_report", "outcome_passed"),
            ("valid_segments", "has_valid_rows"),
            ("valid_demographics", "has_valid_rows"),
            ("embeddings_validation_report", "outcome_passed"),
            ("valid_embeddings", "has_valid_rows"),
            ("validation_status", "ready"),
        }
        status = json.loads((folder / "results" / "validation-status.json").read_bytes())
        assert {kind: dataset["status"] for kind, dataset in status["datasets"].items()} == {
            "identifiers": "SUCCESS",
            "segments": "FAILED",
            "demographics": "SUCCESS",
            "embeddings": "FAILED",
        }

    def test_datasets_that_the_lab_does_not_have_say_so_and_do_not_fail(self, run: Run) -> None:
        result, folder = run({"identifiers": "u1\n"}, wire_lab(MATCHED_USER_ID, numIdentifiersColumns=1))
        assert result.success
        assert {key for key, passed in checks(result).items() if not passed} == set()
        found = metadata(result)
        assert set(found) >= set(GRAPH)
        for kind in DATASETS:
            for asset in (kind, f"{kind}_validation_report", f"valid_{kind}"):
                assert found[asset]["datalab/in_lab"] is (kind == "identifiers"), asset
                assert ("does not have this dataset" in found[asset].get("datalab/note", "")) is (kind != "identifiers")
        status = json.loads((folder / "results" / "validation-status.json").read_bytes())
        assert list(status["datasets"]) == ["identifiers"]
        assert [path.name for path in (folder / "results").iterdir() if path.is_dir()] == ["identifiers"]

    def test_a_dataset_without_its_file_fails_with_a_sentence(self, run: Run) -> None:
        result, _ = run({"identifiers": "u1\n"}, ALL, raise_on_error=False)
        assert not result.success
        messages = [event.step_failure_data.error for event in result.get_step_failure_events()]
        texts = [str(error.cause or error) for error in messages if error]
        assert any("no file is provisioned" in text for text in texts)

    def test_a_second_run_replaces_the_results_of_the_first(self, run: Run) -> None:
        run(FILES, ALL)
        result, folder = run({"segments": "u9,s\n"}, ALL)
        assert metadata(result)["segments_validation_report"]["datalab/rows"] == 1
        report = json.loads((folder / "results" / "segments" / "validation-report.json").read_bytes())
        assert report["report"]["numRowsTotal"] == 1
