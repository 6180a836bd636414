"""The flags of identifiers rows: counts by error code, however many codes a lab has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalab.id_types import IdType, ValueFormat
from datalab.lab import LabDefinition
from datalab.validation.flags import FlagCounts, IdentifierFlags
from tests.labs import Checked, make_lab

CODES = [f"INVALID_TYPE_{n:02}" for n in range(40)]


def id_type(number: int) -> IdType:
    """An identifier type that no release has: values are `t<number>-<digits>`, with an error code of its own."""
    member = str.__new__(IdType, f"TYPE_{number:02}")
    member._name_ = member._value_ = f"TYPE_{number:02}"
    member.label = member.detail = member.example = ""
    member.value_format = ValueFormat(CODES[number], "such a value", rf"t{number}-[0-9]+")
    return member


@pytest.fixture(scope="module")
def lab() -> LabDefinition:
    """A lab of 40 identifiers, the user id one of them, each of a type with an error code of its own."""
    types = [id_type(number) for number in range(40)]
    names = ["userId", *(f"id{number}" for number in range(1, 40))]
    return make_lab(
        *(
            {"idName": name, "idType": kind, "isMatchingId": name == "id1"}
            for name, kind in zip(names, types, strict=True)
        )
    )


BITS = [1, 2, 8, 16]
ROW = st.tuples(st.sets(st.sampled_from(BITS)), st.none() | st.sampled_from(CODES))


@given(st.lists(ROW, max_size=60), st.lists(ROW, max_size=10))
def test_counts_are_those_of_the_plainest_python(
    lab: LabDefinition, rows: list[tuple[set[int], str | None]], repeated: list[tuple[set[int], str | None]]
) -> None:
    flags = IdentifierFlags(lab)
    assert flags.codes == CODES
    assert flags.user_id_code == CODES[0]

    def marks(some: list[tuple[set[int], str | None]]) -> np.ndarray:
        return np.array([sum(bits) | int(flags.wrong_id(code) if code else 0) for bits, code in some], np.uint16)

    counts = FlagCounts(flags)
    counts.add(marks(rows))
    counts.add(marks(repeated))
    counts.take_back(marks(repeated))
    by_code = Counter(code for bits, of_id in rows for code in {of_id, CODES[0] if 2 in bits else None} - {None})
    assert {code: counts.of_code(code) for code in CODES if counts.of_code(code)} == by_code
    for bit in BITS:
        assert counts.of(bit) == sum(bit in bits for bits, _ in rows)
    assert counts.of(IdentifierFlags.ID_FORMAT) == sum(code is not None for _, code in rows)
    invalid = sum(bool(bits & {1, 2}) or code is not None for bits, code in rows)
    assert counts.of(IdentifierFlags.INVALID) == invalid


def test_forty_codes_in_one_lab_are_counted_one_by_one(check: Callable[..., Checked], lab: LabDefinition) -> None:
    records = [f"t0-{row},id{n},wrong {row}" for n in range(1, 40) for row in range(n)]
    records += [f"t0-1,id{n},t{n}-7" for n in range(1, 40)]
    records += [f"wrong {row},id1,t1-{row}" for row in range(3)]  # a wrong user id
    records += ["wrong,id2,wrong"]  # both, with two codes
    records += ["wrong,userId,wrong"]  # both, with the same code
    records += ["t0-5,userId,t0-5"]
    records += ["t0-0,id39,wrong 0", "wrong,id2,wrong", "t0-1,id1,t1-7"]  # duplicates, checked no further
    report = check("identifiers", "\n".join(records), lab=lab).report
    expected = {code: n for n, code in enumerate(CODES)}
    expected[CODES[0]] = 3 + 1 + 1
    expected[CODES[2]] += 1
    assert report["numInvalidRowsByErrorCode"] == {**expected, "DUPLICATE_VALUES": 3}
    assert report["invalidRows"]["invalidIdFormat"]["totalInvalidIdFormat"] == sum(range(40)) + 2
    assert report["invalidRows"]["invalidUserIdFormat"]["totalInvalidUserIdFormat"] == 5
    assert report["numValidRows"] == 39 + 1
    assert len(report["config"]) == 40
