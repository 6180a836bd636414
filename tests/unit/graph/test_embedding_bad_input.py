"""What cannot be a lab in another project, or a dataset of it, is refused with the remedy and without a value."""

import json
import re
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
from upath import UPath

from datalab.errors import ConfigurationError, InputMissing, UsageError
from datalab_dagster import data_lab_report
from tests.embedded import (
    DATASETS,
    LAB,
    PLANTED,
    Project,
    failure_of,
)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (f"{PLANTED},sport\n", "The value of asset crm/segments is a text that is neither the path nor"),
        ({"de": PLANTED}, "is a builtins.dict.*give the lab the partitions"),
        ([PLANTED], "is a builtins.list, which is no dataset"),
        (pd.DataFrame({"user_id": [[PLANTED]], "segment": ["x"]}), "Column 0 .* of the table has values of the type"),
        (Path("/nowhere/segments.csv"), "Input file does not exist: /nowhere/segments.csv"),
        (UPath("memory://nowhere/segments.csv"), "Input file does not exist: memory://nowhere/segments.csv"),
    ],
    ids=["text", "dict", "list", "nested", "path", "address"],
)
def test_a_value_that_is_no_dataset_fails_its_step_without_showing_it(
    value: Any, message: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = failure_of(Project(tmp_path, segments=value).run())
    assert re.search(message, found)
    assert PLANTED not in found and PLANTED not in caplog.text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"datasets": {"identifiers": "ids"}}, "The lab has segments: name the asset that produces them"),
        ({"datasets": {**DATASETS, "segmnts": "x"}}, "no dataset 'segmnts'; did you mean 'segments'"),
        ({"datasets": {**DATASETS, "demographics": "x"}}, "The lab has no demographics: omit them"),
        ({"name": "CRM lab"}, "lower-case letters, digits and _.*'CRM lab' is not"),
        ({"tolerated_invalid_share": 5}, "tolerated_invalid_share is 5; it is a share of rows, from 0 to 1"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        Project(tmp_path).lab(**arguments)


def test_every_error_of_a_definition_is_listed(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Project(tmp_path).lab(lab={"identifiersConfg": [], "requireSegments": "yes"})
    assert "did you mean 'identifiersConfig'" in str(refused.value) and "requireSegments" in str(refused.value)
    with pytest.raises(ConfigurationError, match=r"thresholds has 1 error(?s:.*)unknown limit"):
        Project(tmp_path).lab(thresholds={"few_segments": 1})
    with pytest.raises(InputMissing, match="nowhere"):
        Project(tmp_path).lab(lab=tmp_path / "nowhere.json")


def test_a_report_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no dataset 'segmnts'; did you mean 'segments'\?"):
        data_lab_report(tmp_path, "crm", "segmnts")
    with pytest.raises(InputMissing, match=r"crm/2026-11-01/segments/validation-report\.json does not exist"):
        data_lab_report(tmp_path, "crm", "segments", "2026-11-01")


def test_a_definition_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "LAB.json").write_text(json.dumps(LAB))
    assert Project(tmp_path / "labs", arguments={"lab": tmp_path / "LAB.json"}).run().success


def test_an_asset_whose_upstream_is_not_materialised_says_so(tmp_path: Path) -> None:
    result = Project(tmp_path).run(selection=dg.AssetSelection.assets("crm/users"))
    assert re.search(r"crm/identifiers/rows.parquet does not exist. Materialise what is upstream", failure_of(result))
