"""What a value of each of the 14 identifier types and a float must look like, by hand-written values."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalab.id_types import IdType, ValueFormat
from datalab.ingest.formats import has_format, is_float
from tests.labs import USER_ID, Checked, make_lab
from tests.reference import FLOAT, ID_TYPES
from tests.strategies import BAD_FLOATS, GOOD_FLOATS, NEAR_IDS, VALID_IDS

SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
LOWER, UPPER = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"
NEARLY_SHA = [SHA.upper(), SHA[1:], SHA + "0", SHA[:-1] + "g", " " + SHA, "0x" + SHA[2:], SHA[:-1] + "ａ"]

VALUES: dict[str, tuple[str, list[str], list[str]]] = {
    "EMAIL": (
        "INVALID_EMAIL_FORMAT",
        ["a@b", "anna.b+c@mail.example.com", ".a..b.@x", "a@1", "!#$%&'*+/=?^_`{|}~-@x", "a@" + "b" * 63 + ".de"],
        [
            *["A@b", "a@B", "a@", "@b", "a", "a@b.", "a@.b", "a@-b", "a@b-", "a@b_c", "a@@b", "ä@b", "a@bü", "a,b@c"],
            *["a b@c", "a@b ", "a@b\ta", "a@" + "b" * 64],
        ],
    ),
    "HASHED_EMAIL": ("INVALID_SHA256_HEX_FORMAT", [SHA, "0" * 64], NEARLY_SHA),
    "HASHED_PHONE_NUMBER": ("INVALID_SHA256_HEX_FORMAT", [SHA, "f" * 64], NEARLY_SHA),
    "HASHED_MAID": ("INVALID_SHA256_HEX_FORMAT", [SHA, "a" * 64], NEARLY_SHA),
    "PHONE_NUMBER": (
        "INVALID_PHONE_E164_NUMBER",
        ["+41791234567", "41791234567", "12", "+12", "1" + "0" * 14],
        ["1", "+1", "0041791234567", "+0", "+41 79", "+41-79", "(1)23", "1" * 16, "++12", "1２", "+١٢", "12a", ""],
    ),
    "MAID": (
        "INVALID_MAID_FORMAT",
        [LOWER, UPPER, "01234567-8901-2345-6789-012345678901"],
        [
            *[LOWER[:-1] + "A", UPPER[:-1] + "a", LOWER[1:], LOWER + "0", "{" + LOWER + "}"],
            *[LOWER.replace("-", ""), LOWER.replace("a0", "g0"), LOWER.replace("-", "_")],
        ],
    ),
    "UTIQ_MARTECH": (
        "INVALID_UTIQ_MARTECH_FORMAT",
        ["mt1-aZ9", "mt2-0"],
        ["mt3-a", "mt1-", "MT1-a", "mt1_a", "mt1-a-b", "mt1-é", " mt1-a", "xmt1-a"],
    ),
    "UTIQ_ADTECH": (
        "INVALID_UTIQ_ADTECH_FORMAT",
        ["aZ9+/--a0", "a==--z", "a--0"],
        ["--a", "a-a", "a--A", "a--", "=--a", "a=b--c", "a---b", "é--a"],
    ),
    "FIRST_ID": ("INVALID_FIRST_ID_FORMAT", ["aZ0" * 10 + "xy"], ["a" * 31, "a" * 33, "a" * 31 + "-", "é" + "a" * 31]),
    "ID5": ("INVALID_ID5_FORMAT", ["ID5*x", " ", "é", "\t", "\v", "\f", "\x1c"], ["a\nb", "\n", "a\rb", "a\x85b"]),
    "NET_ID": ("INVALID_NETID_FORMAT", ["n", "ü–", "a\u200bb"], ["\r", "a\u2028b", "a\u2029b", "\nb"]),
    "ONE_ID": ("INVALID_ONEID_FORMAT", [LOWER], [UPPER, LOWER[:-1] + "A", LOWER[1:], LOWER.replace("-", "")]),
    "IPV4_ADDRESS": (
        "INVALID_IPV4_FORMAT",
        ["0.0.0.0", "255.255.255.255", "001.02.3.099", "192.168.0.1"],
        ["256.0.0.1", "1.2.3", "1.2.3.4.5", "1.2.3.", "1.2.3.0004", "1..2.3", "1.2.3.-4", "1,2,3,4", "１.2.3.4", "::1"],
    ),
}
TERMINATORS = ["\n", "\r", "\r\n", "\x85", "\u2028", "\u2029"]


def format_of(id_type: str) -> ValueFormat:
    found = IdType(id_type).value_format
    assert found
    return found


def fits(id_type: str, value: str) -> bool:
    passed: list[bool] = has_format(pa.array([value]), format_of(id_type).pattern).to_pylist()
    return passed[0]


def test_every_type_but_string_has_a_format() -> None:
    assert (
        {str(kind) for kind in IdType if kind.value_format}
        == set(VALUES)
        == {str(kind) for kind in IdType} - {"STRING"}
    )


@pytest.mark.parametrize("id_type", VALUES)
def test_the_code_of_a_type(id_type: str) -> None:
    assert format_of(id_type).code == VALUES[id_type][0]


@pytest.mark.parametrize("id_type", VALUES)
def test_right_values_pass(id_type: str) -> None:
    assert [value for value in VALUES[id_type][1] if not fits(id_type, value)] == []


@pytest.mark.parametrize("id_type", VALUES)
def test_nearly_right_values_fail(id_type: str) -> None:
    assert [value for value in VALUES[id_type][2] if fits(id_type, value)] == []


@pytest.mark.parametrize("id_type", VALUES)
def test_a_line_break_behind_or_before_a_right_value_makes_it_wrong(id_type: str) -> None:
    value = VALUES[id_type][1][0]
    assert [end for end in TERMINATORS if fits(id_type, value + end)] == []
    assert [end for end in TERMINATORS if fits(id_type, end + value)] == []
    assert not fits(id_type, f"{value}\n{value}")


@pytest.mark.parametrize("id_type", sorted(VALUES))
def test_a_report_counts_wrong_ids_of_every_type(id_type: str, check: Callable[..., Checked]) -> None:
    code, right, wrong = VALUES[id_type]
    lab = make_lab(USER_ID, {"idName": "x", "idType": id_type, "isMatchingId": True})
    values = [right[0], wrong[0], right[0] + "\n"]
    text = "".join(f'u{row},x,"{value}"\n' for row, value in enumerate(values))
    checked = check("identifiers", text, lab=lab)
    assert checked.report["numInvalidRowsByErrorCode"] == {code: 2}
    assert checked.rows[1:] == [["u0", "x", right[0]]]


def test_a_string_is_never_wrong(check: Callable[..., Checked]) -> None:
    lab = make_lab({**USER_ID, "isMatchingId": True}, numIdentifiersColumns=1)
    checked = check("identifiers", '" "\nNULL\n"a\nb"\n\u200b\n', lab=lab)
    assert checked.report["numValidRows"] == checked.report["numRowsTotal"] == 4


@given(
    st.sampled_from(sorted(VALUES)),
    st.one_of(st.sampled_from(sorted({*NEAR_IDS, *itertools.chain(*VALID_IDS.values())})), st.text()),
)
def test_formats_agree_with_python_regular_expressions(id_type: str, value: str) -> None:
    assert fits(id_type, value) == bool(re.fullmatch(ID_TYPES[id_type][1], value))


RIGHT_FLOATS = ["0", "-1", "+2", "1.", ".5", "007", "1e5", "1E-5", "-.5e+3", "nan", "-NaN", "inf", "+Infinity", "1e400"]
WRONG_FLOATS = [
    " 1",
    "1 ",
    "1,5",
    "1_000",
    "0x10",
    "1e",
    "e5",
    ".",
    "+",
    "1f",
    "nan(1)",
    "١",
    "−1",
    "1\n",
    "--1",
    "infi",
]


def test_right_floats_pass_and_wrong_ones_fail() -> None:
    assert is_float(pa.array(RIGHT_FLOATS)).to_pylist() == [True] * len(RIGHT_FLOATS)
    for wrong in WRONG_FLOATS:
        assert is_float(pa.array([wrong])).to_pylist() == [False], wrong
        assert is_float(pa.array(["1", wrong, None])).to_pylist() == [True, False, None], wrong


@given(st.lists(st.one_of(st.sampled_from(GOOD_FLOATS + BAD_FLOATS), st.text(max_size=4), st.none()), max_size=4))
def test_floats_agree_with_the_grammar(values: list[str | None]) -> None:
    expected = [None if value is None else bool(FLOAT.fullmatch(value)) for value in values]
    assert is_float(pa.array(values, pa.string())).to_pylist() == expected
