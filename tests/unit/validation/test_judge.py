"""pandera judges rows of every file, a few times, and what it says is compared with the checks of blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pa_schema
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from datalab.kinds import EMPTY_CELL, DatasetKind
from datalab.validation import check as check_module
from datalab.validation.judge import VerdictDiffersError
from datalab.validation.schemas import CELL, Failure, dataset_schema, failures, number_columns, text_cells
from tests.labs import EMAIL, HASH, USER_ID, Checked, make_lab
from tests.strategies import BAD_FLOATS, GOOD_FLOATS, NEAR_IDS, VALID_IDS

Check = Callable[..., Checked]
PLANTED = "planted-7f3a91c6"
CLEAN = {
    "identifiers": "u1,email,a@b.c\nu2,email,b@b.c\n",
    "segments": "u1,s\nu2,s\n",
    "demographics": "u1,20,f\nu2,,\n",
    "embeddings": "u1,s,1,2\nu2,s,,0.5\n",
}
DIRTY = {
    "identifiers": f"u1,email,{PLANTED}\nu2,,b@b.c\n,\n",
    "segments": f"u1,s\n,{PLANTED}\nu2\n",
    "demographics": f",20,{PLANTED}\nu2,,\n",
    "embeddings": f"u1,s,{PLANTED},2\n,s,,0.5\n",
}
FILES = [(kind, text) for files in (CLEAN, DIRTY) for kind, text in files.items()]


@pytest.fixture
def verdicts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows pandera was called with, call by call."""
    rows: list[int] = []
    validate = pa_schema.DataFrameSchema.validate

    def spy(self: pa_schema.DataFrameSchema, frame: Any, *args: Any, **options: Any) -> Any:
        rows.append(len(frame))
        return validate(self, frame, *args, **options)

    monkeypatch.setattr(pa_schema.DataFrameSchema, "validate", spy)
    return rows


@pytest.mark.parametrize(("kind", "text"), FILES)
def test_a_file_that_pandera_does_not_judge_fails(
    kind: str, text: str, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pa_schema.DataFrameSchema, "validate", lambda self, frame, *args, **options: frame)
    with pytest.raises(VerdictDiffersError, match=f"{kind} .*this is a bug in the program") as failed:
        check(kind, text)
    assert PLANTED not in str(failed.value)


@pytest.mark.parametrize(("kind", "text"), list(DIRTY.items()))
@pytest.mark.parametrize("wrong", ["too few", "too many"])
def test_a_difference_is_a_bug(kind: str, text: str, wrong: str, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block's checks do not see empty cells, or let rows fail that pass."""

    def other(*args: Any) -> list[Failure]:
        found = failures(*args)
        empty = [one for one in found if one.check.code == EMPTY_CELL]
        more = [Failure(one.check, one.column, np.ones_like(one.rows)) for one in empty if wrong == "too many"]
        return more + [one for one in found if one.check.code != EMPTY_CELL]

    monkeypatch.setattr(check_module, "failures", other)
    with pytest.raises(VerdictDiffersError) as failed:
        check(kind, text)
    assert PLANTED not in str(failed.value)


@pytest.mark.parametrize("kind", list(DatasetKind))
def test_an_empty_file_is_judged(kind: str, check: Check, verdicts: list[int]) -> None:
    check(kind, "")
    assert verdicts == ([0, 0] if kind == DatasetKind.EMBEDDINGS else [0])


@pytest.mark.parametrize("kind", list(DatasetKind))
def test_many_blocks_are_judged_together(
    kind: str, check: Check, tiny_chunks: Callable[[int], None], verdicts: list[int]
) -> None:
    tiny_chunks(64)
    assert check(kind, DIRTY[kind] + CLEAN[kind] * 100).facts.rows > 200
    assert len(verdicts) == (2 if kind == DatasetKind.EMBEDDINGS else 1)
    assert all(rows > 20 for rows in verdicts[:1])


def test_samples_do_not_gather_without_limit(
    check: Check, tiny_chunks: Callable[[int], None], verdicts: list[int]
) -> None:
    tiny_chunks(1 << 16)
    check("segments", f"u,{'s' * 300_000}\n" * 40)
    assert 2 <= len(verdicts) <= 5 and sum(verdicts) == 40


LAB = make_lab(
    {**USER_ID, "idType": "IPV4_ADDRESS"}, EMAIL, HASH, {"idName": "maid", "idType": "MAID"}, numEmbeddings=2
)
VALID = [text for texts in VALID_IDS.values() for text in texts]
TEXTS = st.sampled_from([None, "u", *NEAR_IDS, *VALID])
NUMBERS = st.sampled_from([None, *GOOD_FLOATS, *BAD_FLOATS])


@st.composite
def batches(draw: st.DrawFn) -> tuple[DatasetKind, pa.RecordBatch]:
    kind = draw(st.sampled_from(list(DatasetKind)))
    schema = dataset_schema(kind, LAB)
    count = draw(st.sampled_from([0, 1, 5, 40]))
    columns = []
    for column in schema.rows:
        values = NUMBERS if column.name.startswith("e") else TEXTS
        if column.name == "id_name":
            values = st.sampled_from(["email", "hem", "maid", "email", "userId", "other", None])
        columns.append(pa.array(draw(st.lists(values, min_size=count, max_size=count)), pa.string()))
    return kind, pa.RecordBatch.from_arrays(columns, names=[column.name for column in schema.rows])


def test_masks_are_the_outputs_of_pandera() -> None:
    """As reports were made before: pandera's outputs, check by check, over whole blocks; of every code."""
    seen: set[str] = set()

    @settings(max_examples=60)
    @given(batches())
    def they_are(case: tuple[DatasetKind, pa.RecordBatch]) -> None:
        kind, rows = case
        schema = dataset_schema(kind, LAB)
        found = failures(schema, rows) if rows.num_rows else []
        numbers = number_columns(schema, rows)
        frames = [(schema.frame, schema.row_checks, pa.table(dict(text_cells(schema, rows))))]
        frames += [(schema.cells, schema.cell_checks, pa.table({CELL: pa.chunked_array(numbers)}))] if numbers else []
        for judge, checks, table in frames:
            outputs = outputs_of(judge, table)
            for check, declared in zip(checks, judge.checks, strict=True):
                by_column = {one.column: one.rows for one in found if one.check is check}
                masks = [by_column.get(column, np.zeros(rows.num_rows, bool)) for column in check.columns]
                ours = np.concatenate(masks) if judge is schema.cells else np.logical_or.reduce(masks)
                assert np.array_equal(outputs.get(id(declared), np.zeros(len(table), bool)), ours), check.name
        seen.update(one.check.code for one in found)

    they_are()
    assert seen == {check.code for kind in DatasetKind for check in dataset_schema(kind, LAB).checks}


def outputs_of(judge: pa_schema.DataFrameSchema, table: pa.Table) -> dict[int, Any]:
    """Return which rows fail each check of pandera."""
    try:
        judge.validate(table.to_pandas(types_mapper=pd.ArrowDtype), lazy=True)
    except SchemaErrors as errors:
        return {id(error.check): ~error.check_output.to_numpy(bool) for error in errors.schema_errors}
    return {}
