"""Random small rooms give what the model in `room_model` gives; the order of rows does not matter."""

from __future__ import annotations

import csv
import io
import json
import random
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalab.media.room import room_from_dict
from tests.conformance.compare_media import differences
from tests.conformance.room_model import TYPES, RoomModel
from tests.rooms import answers

USERS = [f"u{number}" for number in range(12)] + ["Ü", "😀"]
IDS = [f"h{number}" for number in range(8)]
SEGMENTS = ["news", "News", "a,b", 'say "hi"', " ", "N/A", "Größe"]
AGES, GENDERS = ["", " ", "18-24", "25-34", "N/A"], ["", "f", "m"]
AUDIENCE_TYPES = ["", "0", "shoes", "bags"]
AUDIENCE_IDS = ["a", "b", "c", "d", "e", "f"]
OPERATORS = ["CONTAINS_ANY_OF", "CONTAINS_NONE_OF", "CONTAINS_ALL_OF", "EMPTY", "NOT_EMPTY"]
CONFIGS = [
    [
        {"idName": "userId", "idType": "STRING", "isActivationId": True},
        {"idName": "hem", "idType": "ID5", "isMatchingId": True},
        {"idName": "maid", "idType": "STRING", "isActivationId": True},
    ],
    [
        {"idName": "userId", "idType": "ID5", "isMatchingId": True, "isActivationId": True},
        {"idName": "hem", "idType": "STRING", "isMatchingId": True, "isActivationId": True},
        {"idName": "maid", "idType": "STRING"},
    ],
]


def subsets(values: Any, most: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, max_size=most, unique=True)


references = st.one_of(
    st.just({"kind": "BASE"}),
    st.sampled_from([*AUDIENCE_TYPES, "gone"]).map(lambda name: {"kind": "SEED", "audienceType": name}),
    st.sampled_from([*AUDIENCE_IDS, "gone"]).map(lambda name: {"kind": "CUSTOM", "id": name}),
)
attribute_values = st.sampled_from([*SEGMENTS, *AGES[2:], *GENDERS[1:], "unused"])
one_filter = st.fixed_dictionaries(
    {
        "attribute": st.sampled_from(["segments", "segments", "age", "gender", "income"]),
        "operator": st.sampled_from(OPERATORS),
        "values": st.none() | st.lists(attribute_values, min_size=1, max_size=3),
    }
)
filters = st.none() | st.fixed_dictionaries(
    {"booleanOp": st.sampled_from(["AND", "OR"]), "filters": st.lists(one_filter, max_size=3)}
)
combinators = st.sampled_from(["UNION", "INTERSECT", "DIFF", None]).flatmap(
    lambda same: st.lists(
        st.fixed_dictionaries(
            {
                "operator": st.just(same) if same else st.sampled_from(["UNION", "DIFF"]),
                "sourceRef": references,
                "filters": filters,
            }
        ),
        max_size=1 if same == "DIFF" else 3,
    )
)
seed_references = st.sampled_from([*AUDIENCE_TYPES, "gone"]).map(lambda name: {"audienceType": name})
definitions = st.one_of(
    st.fixed_dictionaries({"kind": st.just("REMARKETING"), "seedAudienceRef": seed_references}),
    st.fixed_dictionaries({"kind": st.just("EXCLUSION_TARGETING"), "seedAudienceRef": seed_references}),
    st.fixed_dictionaries(
        {
            "kind": st.just("RULE_BASED"),
            "sourceRef": references,
            "filters": filters,
            "combine": st.none() | combinators,
        }
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("LOOKALIKE"),
            "sourceRef": references,
            "reach": st.integers(0, 100),
            "excludeSeedAudience": st.none() | st.booleans(),
        }
    ),
)
privacies = st.fixed_dictionaries(
    {
        "audience_rounding": st.integers(0, 5),
        "segment_rounding": st.integers(0, 3),
        "min_overlap": st.integers(0, 3),
        "min_export": st.integers(0, 3),
        "min_training": st.integers(0, 2),
    }
)


@st.composite
def rooms(draw: st.DrawFn) -> dict[str, Any]:
    users = st.sampled_from(USERS)
    audiences = draw(subsets(st.sampled_from(AUDIENCE_IDS), len(AUDIENCE_IDS)))
    found = {one: draw(definitions) for one in audiences}
    has_segments = draw(st.booleans())
    dcr: dict[str, Any] = {
        "matchingIdType": "ID5",
        "hideAbsoluteValuesFromInsights": draw(st.booleans()),
        "showMatchRate": draw(st.booleans()),
        "activationIdName": draw(st.sampled_from(["userId", "maid", None, "hem"])),
    }
    if draw(st.booleans()):
        dcr["collaborationTypes"] = draw(subsets(st.sampled_from(TYPES), len(TYPES)))
    scores = {
        one: (draw(st.dictionaries(users, st.sampled_from([0.1, 0.25, 0.5, 0.75]))), draw(st.sets(users)))
        for one, definition in found.items()
        if definition["kind"] == "LOOKALIKE"
    }
    names = st.sampled_from(["hem", "hem", "maid", "userId", "other"])
    return {
        "room": {
            "dcr": dcr,
            "lab": {"identifiersConfig": draw(st.sampled_from(CONFIGS)), "requireSegments": has_segments},
            "audiences": [{"id": one, "name": one, "definition": definition} for one, definition in found.items()],
            "privacy": draw(privacies),
        },
        "identifiers": draw(subsets(st.tuples(users, names, st.sampled_from(IDS)), 40)),
        "segments": draw(subsets(st.tuples(users, st.sampled_from(SEGMENTS)), 40)) if has_segments else None,
        "demographics": draw(
            st.none()
            | st.lists(
                st.tuples(users, st.sampled_from(AGES), st.sampled_from(GENDERS)), max_size=14, unique_by=lambda r: r[0]
            )
        ),
        "embeddings": draw(st.none() | subsets(st.tuples(users, st.sampled_from(["news", "sport"]), st.just(0.5)), 20)),
        "seed": draw(
            subsets(st.tuples(st.sampled_from([*IDS, *USERS[:6], "unknown"]), st.sampled_from(AUDIENCE_TYPES)), 20)
        ),
        "scores": {one: (given, held & given.keys()) for one, (given, held) in scores.items()},
    }


def written(rows: list[tuple[Any, ...]], path: Path, order: random.Random) -> Path:
    rows = order.sample(rows, len(rows))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


def found_answers(case: dict[str, Any], order: random.Random) -> dict[str, Any]:
    has_embeddings = case["embeddings"] is not None
    lab = {**case["room"]["lab"], "requireDemographics": case["demographics"] is not None}
    lab |= {"requireEmbeddings": True, "numEmbeddings": 1} if has_embeddings else {}
    room = room_from_dict({**case["room"], "lab": lab})
    with tempfile.TemporaryDirectory(prefix="datalab-test-") as name:
        folder = Path(name)
        datasets = {key: case[key] for key in ("identifiers", "segments", "demographics", "embeddings", "seed")}
        files = {key: written(rows, folder / f"{key}.csv", order) for key, rows in datasets.items() if rows is not None}
        scores = folder / "scores"
        scores.mkdir()
        for one, (given, held) in case["scores"].items():
            written(list(given.items()), scores / f"scores_{one}.csv", order)
            written([(user,) for user in held], scores / f"holdout_{one}.csv", order)
        return answers(room, files, folder, scores)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40)
@given(rooms(), st.randoms(use_true_random=False))
def test_a_random_room_answers_as_the_model(case: dict[str, Any], order: random.Random) -> None:
    names = ("room", "identifiers", "segments", "demographics", "embeddings", "seed", "scores")
    expected = RoomModel(*(case[name] for name in names)).results()
    found = found_answers(case, order)
    assert found.pop("seed_report")["valid_rows"] == len(case["seed"])
    assert list(differences(json.loads(json.dumps(expected)), found)) == []
