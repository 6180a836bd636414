"""Hints name an error, the number of rows and what to do; they are never in the report, and clean files have none."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

import pytest

from datalab.results.validation import Hint
from tests.labs import EMAIL, HASH, MATCHED_USER_ID, USER_ID, Checked, make_lab

Check = Callable[..., Checked]
SHA = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08"
THREE = make_lab(USER_ID, EMAIL, HASH, numEmbeddings=2)
ONE = make_lab(MATCHED_USER_ID, numIdentifiersColumns=1)
TWO = make_lab(USER_ID, EMAIL, numIdentifiersColumns=2)


def the_hint(checked: Checked, code: str) -> Hint:
    assert list(checked.hints) == [code]
    hint = checked.hints[code]
    assert code not in json.dumps(checked.document)
    return hint


@pytest.mark.parametrize(
    ("dataset", "text"),
    [
        ("identifiers", "u,email,a@b\nu,hem," + SHA.lower() + "\nv,email,\nw\nx,email,not an address\n"),
        ("segments", "u,s;t\nv,Segment\nUserId,x\n,z\n"),
        ("demographics", "u,20-29,f\nv,,\nw\n"),
        ("embeddings", "u,s,1,2\nv,s,x,NaN\n"),
        ("segments", ""),
        ("segments", "é,ü\n"),
    ],
)
def test_an_ordinary_file_has_no_hint(dataset: str, text: str, check: Check) -> None:
    assert check(dataset, text, lab=THREE).facts.hints == []


@pytest.mark.parametrize(
    ("dataset", "header"),
    [
        ("segments", "USER_ID,Segment"),
        ("segments", '"user_id","segment"'),
        ("segments", "\ufeffuser_id,segment"),
        ("demographics", "userid,age,gender"),
        ("embeddings", "user_id,scope,e0,e1"),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_header_row(dataset: str, header: str, line_end: str, check: Check) -> None:
    hint = the_hint(check(dataset, header + line_end, lab=THREE), "POSSIBLE_HEADER_ROW")
    assert hint.rows == 1
    assert "1 row" in hint.message and "without" in hint.message


def test_a_header_row_of_identifiers(check: Check) -> None:
    assert "POSSIBLE_HEADER_ROW" in check("identifiers", "user_id,id_name,id\nu,email,a@b\n", lab=THREE).hints
    assert "POSSIBLE_HEADER_ROW" in check("identifiers", "userId,idName,id\nu,email,a@b\n", lab=THREE).hints
    assert "POSSIBLE_HEADER_ROW" in check("identifiers", "userId\nu\n", lab=ONE).hints
    assert "POSSIBLE_HEADER_ROW" in check("identifiers", "user_id,email\nu,a@b\n", lab=TWO).hints
    assert "POSSIBLE_HEADER_ROW" in check("identifiers", "user_id,id\nu,a@b\n", lab=TWO).hints


def test_a_header_row_of_a_compressed_file(check: Check) -> None:
    assert "POSSIBLE_HEADER_ROW" in check("segments", gzip.compress(b"user_id,segment\nu,s\n")).hints


@pytest.mark.parametrize("text", ["u,s\nuser_id,segment\n", "user-1,segment\n", "segment,user_id\n"])
def test_what_is_no_header_row(text: str, check: Check) -> None:
    assert "POSSIBLE_HEADER_ROW" not in check("segments", text).hints


@pytest.mark.parametrize("separator", [";", "\t", "|"])
@pytest.mark.parametrize("dataset", ["segments", "demographics", "embeddings", "identifiers"])
def test_a_wrong_separator(dataset: str, separator: str, check: Check) -> None:
    text = "".join(f"u{row}{separator}s{separator}1\n" for row in range(5)) + "nothing\n"
    hint = the_hint(check(dataset, text, lab=THREE), "POSSIBLE_WRONG_SEPARATOR")
    assert hint.rows == 5
    assert "5 rows" in hint.message and "comma" in hint.message


def test_no_wrong_separator_when_half_the_rows_hold_none_or_one_row_holds_a_comma(check: Check) -> None:
    assert list(check("segments", "u;s\nu\n").hints) == ["WRONG_WIDTH"]
    assert check("segments", "u;s\nu;s\nu,s\n").facts.hints == []


@pytest.mark.parametrize("blocks", [8, 64])
def test_a_wrong_separator_is_seen_across_blocks(blocks: int, check: Check, tiny_chunks: Callable[[int], None]) -> None:
    tiny_chunks(blocks)
    assert the_hint(check("segments", '"u";s\n' * 90), "POSSIBLE_WRONG_SEPARATOR").rows == 90


def test_a_guessed_encoding(check: Check) -> None:
    hint = the_hint(check("segments", "Zürich,Käse\nGenève,Crème brûlée\n".encode("latin-1")), "GUESSED_ENCODING")
    assert hint.rows == 2
    assert "2 rows" in hint.message and "windows-1252" in hint.message and "UTF-8" in hint.message


def test_broken_characters_behind_the_sample(check: Check) -> None:
    text = b"u,s\n" * 270_000 + b"u\xff,s\nv\xff\xfe,s\n"
    hint = the_hint(check("segments", text), "REPLACED_CHARACTERS")
    assert hint.rows == 3
    assert "3 broken characters" in hint.message and "UTF-8" in hint.message


def test_upper_case_hashes_and_addresses(check: Check) -> None:
    text = f"u,hem,{SHA}\nu,email,Anna@b\nu,email,anna@b\nu,hem,{SHA[1:]}\nu,email,Anna\n"
    hint = the_hint(check("identifiers", text, lab=THREE), "UPPER_CASE_IDS")
    assert hint.rows == 2
    assert "2 rows" in hint.message and "lower case" in hint.message


def test_a_row_is_mendable_only_when_all_that_is_wrong_is_its_case(check: Check) -> None:
    lab = make_lab({**USER_ID, "idType": "HASHED_EMAIL"}, EMAIL)
    lower = SHA.lower()
    text = f"{SHA},email,A@b\n{SHA},email,a@b\n{lower},email,A@b\n{SHA},email,nothing\nx,email,A@b\n"
    assert the_hint(check("identifiers", text, lab=lab), "UPPER_CASE_IDS").rows == 3


def test_upper_case_in_files_of_one_and_two_columns(check: Check) -> None:
    one = make_lab({**MATCHED_USER_ID, "idType": "EMAIL"}, numIdentifiersColumns=1)
    assert the_hint(check("identifiers", "A@b\na@b\nx\n", lab=one), "UPPER_CASE_IDS").rows == 1
    assert the_hint(check("identifiers", "u,A@b\nu,a@b\nu,x\n", lab=TWO), "UPPER_CASE_IDS").rows == 1


def test_duplicates_are_no_upper_case_rows(check: Check) -> None:
    assert the_hint(check("identifiers", "u,email,A@b\n" * 5), "UPPER_CASE_IDS").rows == 1


def test_unknown_id_names(check: Check) -> None:
    checked = check("identifiers", "u,Email,x\nu,email ,y\nu,email,a@b\nu,other,z\n")
    assert set(checked.hints) == {"BLANKS_AROUND", "UNKNOWN_ID_NAMES"}
    hint = checked.hints["UNKNOWN_ID_NAMES"]
    assert hint.rows == 3
    assert "3 rows" in hint.message and "identifiersConfig" in hint.message


def test_several_hints_at_once_and_none_holds_a_value(check: Check) -> None:
    text = "user_id,id_name,id\nplanted-user,planted-name,x\nplanted-user,email,Planted@Example.com\n"
    checked = check("identifiers", text)
    assert set(checked.hints) == {"POSSIBLE_HEADER_ROW", "UPPER_CASE_IDS", "UNKNOWN_ID_NAMES"}
    assert "planted" not in checked.facts.model_dump_json().lower()
