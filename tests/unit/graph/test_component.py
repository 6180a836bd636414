"""What a `defs.yaml` says of a dataset: an asset, some of its columns, or a file."""

from __future__ import annotations

import dagster as dg
import pytest
from upath import UPath

from datalab.errors import UsageError
from datalab_dagster.graph.component import DatasetSource


def test_a_dataset_comes_from_an_asset_or_from_a_file() -> None:
    taken = DatasetSource(asset="crm/segments", columns=["user_id", "segment"]).source("segments")
    assert taken == dg.AssetIn(dg.AssetKey(["crm", "segments"]), metadata={"columns": ["user_id", "segment"]})
    path = "s3://publisher/{partition}.csv"
    assert DatasetSource(path=path).source("segments") == UPath(path)


@pytest.mark.parametrize("given", [{}, {"asset": "a", "path": "p"}, {"path": "p", "columns": ["user_id"]}], ids=str)
def test_neither_or_both_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="The dataset segments comes either from an asset"):
        DatasetSource.model_validate(given).source("segments")
