"""Which names are withheld, what stands in their place, and that nothing else changes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from datalab.engines import Engine, open_engine
from datalab.kinds import DatasetKind
from datalab.lab import LabDefinition
from datalab.results.statistics import StatisticsResultV2
from datalab.results.validation import DatasetFacts
from datalab.statistics import (
    ValidatedDataset,
    compute_statistics,
    create_users,
    legacy_statistics,
    names,
    register_valid_rows,
)
from datalab.validation.stream import validate

IDS = [(f"u{n}", "hashed_email", f"h{n}") for n in range(40)]
SEGMENTS = [(f"u{n}", f"s{n % 12}") for n in range(40)]
SWALLOWED = "s1\nu7,s2\nu8,s3"
RIGHT = "Sports, outdoor\nHiking, climbing"
SEGMENTS_KIND, DEMOGRAPHICS_KIND = DatasetKind.SEGMENTS, DatasetKind.DEMOGRAPHICS
Computed = Callable[..., StatisticsResultV2]


@pytest.fixture
def computed(engine: Engine, make_lab: Callable[..., LabDefinition], make_rows: Callable[..., Any]) -> Computed:
    """The statistics of a lab of 40 users; `broken`: what validation found of quotes, by dataset."""

    def run(broken: dict[DatasetKind, bool | None] | None = None, **rows: Any) -> StatisticsResultV2:
        table = make_rows(**{"identifiers": IDS, "segments": SEGMENTS, "demographics": [], **rows})
        lab = make_lab(numEmbeddings=2, requireDemographics="demographics" in rows, requireEmbeddings=False)
        facts = {kind: DatasetFacts(broken_quote=(broken or {}).get(kind, False)) for kind in table}
        summaries = {
            kind: ValidatedDataset(total_rows=len(found), valid_rows=len(found), facts=facts[kind])
            for kind, found in table.items()
        }
        return compute_statistics(lab, table, summaries, engine)

    return run


def segments_of(report: StatisticsResultV2) -> dict[str, int]:
    assert report.segment_statistics is not None and report.segment_statistics.segment_user_counts is not None
    [found] = report.segment_statistics.segment_user_counts.values()
    return {name: counts.all_users.absolute for name, counts in found.items()}


def withheld(report: StatisticsResultV2) -> list[str]:
    return [error.message for error in report.data_errors if error.code == "NAMES_WITHHELD"]


def test_a_name_whose_lines_begin_with_user_ids_is_withheld_and_its_counts_stay(computed: Computed) -> None:
    report = computed(segments=[*SEGMENTS, ("u1", SWALLOWED), ("u2", SWALLOWED), ("u3", RIGHT)])
    found = segments_of(report)
    assert found["withheld-1"] == 2 and found[RIGHT] == 1 and SWALLOWED not in found
    assert len(found) == 14 and report.basic_statistics.segments.distinct_segments == 14  # type: ignore[union-attr]
    assert withheld(report) == ["segments: 1 names hold ids of users, or are ids (limit 0)"]
    assert report.status == "FAILED"
    assert "u7" not in report.model_dump_json()


@pytest.mark.parametrize(
    "name",
    [
        "u7,s2\nall",
        "s1\nu7",
        "s1\nu7 ,s2",
        "s1\nu77,s2",
        "s1\n u7,s2",
        "s1\n,u7,",
        "s1, u7,",
        "s1\tu7,x",
        "s1\u2028u7,x",
    ],
)
def test_a_right_name_is_shown(computed: Computed, name: str) -> None:
    report = computed(segments=[*SEGMENTS, ("u1", name)])
    assert segments_of(report)[name] == 1 and withheld(report) == [] and report.status == "SUCCESS"


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"])
def test_every_line_end_begins_a_line(computed: Computed, line_end: str) -> None:
    report = computed(segments=[*SEGMENTS, ("u1", f"s1{line_end}u7,s2")])
    assert segments_of(report)["withheld-1"] == 1 and len(withheld(report)) == 1


@pytest.mark.parametrize("user", ["only in segments", "a,b", ",", "x,"])
def test_user_ids_of_any_dataset_and_of_any_form_count(computed: Computed, user: str) -> None:
    report = computed(segments=[*SEGMENTS, (user, "s1"), ("u1", f"s1\n{user},s2")])
    assert segments_of(report)["withheld-1"] == 1
    demographics = [*((f"u{n}", "18-24", "f") for n in range(40)), (user, "25-34", "m")]
    report = computed(segments=[*SEGMENTS, ("u1", f"s1\n{user},s2")], demographics=demographics)
    assert segments_of(report)["withheld-1"] == 1


def test_every_name_with_a_line_break_of_a_file_with_a_broken_quote_is_withheld(computed: Computed) -> None:
    rows = [*SEGMENTS, ("u1", RIGHT), ("u2", "b\nnobody,x"), ("u3", "withheld-1")]
    report = computed({SEGMENTS_KIND: True}, segments=rows)
    assert set(segments_of(report)) == {*(f"s{n}" for n in range(12)), "withheld-1", "withheld-2", "withheld-3"}
    assert segments_of(report)["withheld-1"] == 1, "the right name keeps its own count"
    assert withheld(report) == ["segments: 2 names hold ids of users, or are ids (limit 0)"]
    other = computed({DEMOGRAPHICS_KIND: True}, segments=rows)
    assert segments_of(other)[RIGHT] == 1 and withheld(other) == []


def test_what_an_earlier_version_validated_counts_as_broken(computed: Computed) -> None:
    assert DatasetFacts.model_validate({"rows": 3}).broken_quote is None
    report = computed({SEGMENTS_KIND: None}, segments=[*SEGMENTS, ("u1", RIGHT)])
    assert len(withheld(report)) == 1 and RIGHT not in segments_of(report)
    assert withheld(computed({SEGMENTS_KIND: None})) == []


def test_swapped_columns_put_ids_in_place_of_names(computed: Computed) -> None:
    swapped = [(segment, user) for user, segment in SEGMENTS]
    report = computed(segments=[*swapped, ("s1", "h3"), ("s2", "a right name")])
    assert {error.code for error in report.data_errors} == {"NO_USER_ID_OVERLAP", "NAMES_WITHHELD"}
    assert withheld(report) == ["segments: 41 names hold ids of users, or are ids (limit 0)"]
    assert set(segments_of(report)) == {"a right name", *(f"withheld-{n}" for n in range(1, 42))}
    in_common = computed(segments=[*swapped, ("u1", "s1")])
    assert withheld(in_common) == [] and segments_of(in_common)["u1"] == 1


def test_ages_and_genders_are_names(computed: Computed) -> None:
    people = [*((f"u{n}", "18-24", "f") for n in range(30)), ("u31", "18-24\nu7,x", "m"), ("u32", None, "f\nu8,y")]
    report = computed(demographics=people)
    assert report.demographic_statistics is not None
    assert set(report.demographic_statistics.all_users) == {"18-24||f", "withheld-1||m", "n/a||withheld-2"}
    assert withheld(report) == ["demographics: 2 names hold ids of users, or are ids (limit 0)"]
    swapped = computed(demographics=[(f"{n}", f"u{n}", "f") for n in range(15)])
    assert withheld(swapped) == ["demographics: 15 names hold ids of users, or are ids (limit 0)"]
    assert "withheld-15||f" in swapped.demographic_statistics.all_users  # type: ignore[union-attr]


def test_a_value_that_is_an_age_and_a_gender_is_one_name(computed: Computed) -> None:
    people = [*((f"u{n}", "18-24", "f") for n in range(30)), ("u31", "x\nu1,", None), ("u32", "18-24", "x\nu1,")]
    report = computed(demographics=people)
    assert withheld(report) == ["demographics: 1 names hold ids of users, or are ids (limit 0)"]
    assert {"withheld-1||n/a", "18-24||withheld-1"} <= set(report.demographic_statistics.all_users)  # type: ignore[union-attr]


@pytest.mark.parametrize("broken", [False, True])
def test_the_old_format_withholds_the_same(
    engine: Engine, make_lab: Callable[..., LabDefinition], make_rows: Callable[..., Any], *, broken: bool
) -> None:
    rows = make_rows(
        identifiers=IDS,
        segments=[*SEGMENTS, ("u1", SWALLOWED), ("u3", RIGHT)],
        demographics=[("u1", "30\nu9,x", "f"), ("u2", "30", "f")],
    )
    facts = DatasetFacts(broken_quote=broken)
    summaries = {
        kind: ValidatedDataset(total_rows=len(table), valid_rows=len(table), facts=facts)
        for kind, table in rows.items()
    }
    lab = make_lab(requireEmbeddings=False)
    register_valid_rows(engine, lab, rows)
    create_users(engine, lab)
    result = legacy_statistics(engine, lab, summaries)
    segments, people = result.share_of_users_per_segment_distribution, result.demographics_distributions
    assert segments is not None and people is not None
    hidden = {"withheld-1", "withheld-2"} if broken else {"withheld-1", RIGHT}
    assert set(segments) == {*(f"s{n}" for n in range(12)), *hidden}
    assert set(people) == {"withheld-1||f", "30||f", "n/a||n/a"}


def test_names_that_cannot_be_compared_with_all_user_ids_are_withheld(
    computed: Computed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "MOST_CHARACTERS", 3)
    report = computed(segments=[*SEGMENTS, ("u1", "a\n" + "x," * 5), ("u2", "b\nx,")])
    assert set(segments_of(report)) - {f"s{n}" for n in range(12)} == {"withheld-1", "withheld-2"}
    assert withheld(report) == ["segments: 2 names hold ids of users, or are ids (limit 0)"]


def test_more_names_than_can_be_listed_are_counted(
    engine: Engine,
    make_lab: Callable[..., LabDefinition],
    make_rows: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("datalab.engines.protocol.MOST_VALUES", 100)
    segments = [("u1", f"{n}\nx") for n in range(120)] + [("x", "u1")]
    rows = make_rows(identifiers=IDS, segments=segments)
    summaries = {
        kind: ValidatedDataset(total_rows=1, valid_rows=1, facts=DatasetFacts(broken_quote=False)) for kind in rows
    }
    lab = make_lab(collaborationTypes=["OVERLAP"], requireDemographics=False, requireEmbeddings=False)
    report = compute_statistics(lab, rows, summaries, engine)
    assert withheld(report) == ["segments: 120 names hold ids of users, or are ids (limit 0)"]


def test_generated_right_files_keep_all_names_and_generated_swallowed_rows_are_withheld(
    tmp_path: Path, make_lab: Callable[..., LabDefinition]
) -> None:
    """Files through validation: of those with an open quote hardly any name with a user id is shown, see the rule."""
    chance, lab = random.Random(15), make_lab(requireDemographics=False, requireEmbeddings=False)
    identifiers = tmp_path / "identifiers.csv"
    identifiers.write_text("".join(f"usr{n:04}x,userId,usr{n:04}x\n" for n in range(60)))
    leaked = broken = 0
    for trial in range(120):
        lines = [f"usr{chance.randrange(60):04}x,{chance.choice(RIGHT_FIELDS)}\n" for _ in range(80)]
        is_right = trial % 2 == 0
        if not is_right:
            place = chance.randrange(70)
            lines[place] = lines[place].split(",")[0] + ',"sports\n'
        path = tmp_path / "segments.csv"
        path.write_text("".join(lines))
        with open_engine(threads=1) as engine:
            summaries, tables = {}, {}
            for kind, file in ((DatasetKind.IDENTIFIERS, identifiers), (SEGMENTS_KIND, path)):
                tables[kind] = tmp_path / f"{kind.value}.valid"
                outcome = validate(file, kind, lab, valid_rows=tables[kind])
                summaries[kind] = ValidatedDataset.from_report(outcome.report, outcome.facts)
            report = compute_statistics(lab, tables, summaries, engine)
        found = segments_of(report)
        if is_right:
            assert withheld(report) == [] and not any(name.startswith("withheld") for name in found)
        else:
            broken += 1
            leaked += any("usr" in name for name in found)
    assert broken == 60 and leaked <= 3


RIGHT_FIELDS = [
    "food",
    "music",
    "games",
    '"Sports, outdoor\nHiking, climbing"',
    '"News ""daily"""',
    '"a,b"',
    "a b",
    '5" tv',
]


def test_texts_of_findings_hold_no_name(computed: Computed) -> None:
    report = computed({SEGMENTS_KIND: True}, segments=[*SEGMENTS, ("u1", "planted\nplanted,")])
    assert "planted" not in json.dumps(report.model_dump(mode="json"))
