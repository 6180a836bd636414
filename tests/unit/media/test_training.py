"""Trained models: who is held out, what they agree with, and that the order of rows does not matter."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from datalab.engines import open_engine
from datalab.media import features, models
from datalab.media.base import build_base
from datalab.media.refusals import Refusal
from datalab.media.room import room_from_dict
from datalab.media.seed import validate_seed
from datalab.media.training import Trainer
from datalab.validation.stream import validate
from tests.rooms import answers

pytestmark = pytest.mark.slow

USERS, MATCHABLE, SEED = 1_500, 1_200, 300
CONFIG = [
    {"idName": "userId", "idType": "STRING", "isActivationId": True},
    {"idName": "hem", "idType": "STRING", "isMatchingId": True},
]
LOOKALIKE = {"kind": "LOOKALIKE", "sourceRef": {"kind": "SEED", "audienceType": "All users"}, "reach": 10}


def held_out(user: str) -> bool:
    """The rule of the specification, once more."""
    return int.from_bytes(hashlib.sha256(b"room\0" + user.encode()).digest()[:8], "big") % 10 == 0


class World:
    """A lab whose seed users like other things than the rest, and have other embeddings."""

    def __init__(self, folder: Path, scopes: tuple[str, ...] = ()) -> None:
        draw = random.Random(5)
        self.users = [f"u{number:05}" for number in range(USERS)]
        self.matchable = self.users[:MATCHABLE]
        self.liked = set(draw.sample(self.matchable, SEED))
        weights = {user: [3 if user in self.liked and n < 5 else 1 for n in range(40)] for user in self.users}
        self.segments = {
            user: set(draw.choices([f"s{n:02}" for n in range(40)], weights[user], k=6)) for user in self.users
        }
        self.demographics = {user: (draw.choice(["18", "25", ""]), draw.choice("fm")) for user in self.users}
        self.vectors = {
            (user, scope): [draw.gauss(0.8 if user in self.liked and n < 2 else 0, 1) for n in range(4)] + [7.0]
            for scope in scopes
            for user in self.users
            if scope != "small" or user in self.users[:150]
        }
        self.folder, self.scopes = folder, scopes

    def room(self, **more: Any) -> Any:
        lab: dict[str, Any] = {"identifiersConfig": CONFIG, "requireSegments": True, "requireDemographics": True}
        if self.scopes:
            lab |= {"requireEmbeddings": True, "numEmbeddings": 5}
        return room_from_dict(
            {
                "dcr": {"matchingIdType": "STRING", "id": "room"},
                "lab": lab,
                "audiences": [
                    {"id": "like", "name": "like", "definition": LOOKALIKE},
                    {"id": "without", "name": "without", "definition": {**LOOKALIKE, "excludeSeedAudience": True}},
                ],
                "privacy": {"audience_rounding": 1},
                **more,
            }
        )

    def files(self, order: random.Random) -> dict[str, Path]:
        rows = {
            "identifiers": [(user, "hem", f"h{user}") for user in self.matchable]
            + [(user, "userId", user) for user in self.users],
            "segments": [(user, name) for user, names in self.segments.items() for name in sorted(names)],
            "demographics": [(user, *row) for user, row in self.demographics.items()],
            "embeddings": [(*key, *vector) for key, vector in self.vectors.items()],
            "seed": [(f"h{user}",) for user in sorted(self.liked)],
        }
        files = {}
        for name, found in rows.items():
            if found:
                files[name] = self.folder / f"{name}.csv"
                shuffled = order.sample(found, len(found))
                files[name].write_text("".join(",".join(map(str, row)) + "\n" for row in shuffled))
        return files

    def train(self, room: Any) -> dict[str, tuple[float, bool]] | Refusal:
        """Return the score of each user, and whether they were held out."""
        files = self.files(random.Random(1))
        rows = {kind: self.folder / f"{kind.value}.parquet" for kind in room.lab.datasets}
        for kind, path in rows.items():
            validate(files[kind.value], kind, room.lab, valid_rows=path)
        seed = validate_seed(files["seed"], room.dcr.matching_id_type, self.folder / "seed.parquet")
        with open_engine(temp_directory=self.folder, threads=2) as engine:
            base = build_base(engine, room, rows, seed)
            scored = Trainer(base, self.folder).score("SELECT key FROM matched_users WHERE t = 0", "model")
            if isinstance(scored, Refusal):
                return scored
            sql = "SELECT u.user_id, s.score, s.held_out FROM model s JOIN room_users u ON s.key = u.key"
            found = engine.query(sql, panel="test").to_pylist()
        return {row["user_id"]: (row["score"], row["held_out"]) for row in found}

    def trained_on(self) -> list[str]:
        """The users that a model learns from, by the specification."""
        rest = [user for user in self.matchable if not held_out(user)]
        positive = [user for user in rest if user in self.liked]
        by_hash = sorted(
            (user for user in rest if user not in self.liked),
            key=lambda user: hashlib.sha256(b"room\0" + user.encode()).digest()[:8],
        )
        return sorted(positive + by_hash[: 10 * len(positive)])


def reference(world: World, rows: dict[str, list[float]]) -> dict[str, float]:
    """The scores of scikit-learn on rows made here."""
    chosen = world.trained_on()
    model = LogisticRegression(C=1.0, max_iter=100, class_weight="balanced")
    model.fit(np.array([rows[user] for user in chosen]), [user in world.liked for user in chosen])
    scores = model.predict_proba(np.array(list(rows.values())))[:, 1]
    return dict(zip(rows, scores, strict=True))


def agree(world: World, found: dict[str, tuple[float, bool]], expected: dict[str, float]) -> None:
    tested = [user for user in world.matchable if held_out(user)]
    assert {user for user, (_, held) in found.items() if held} == set(tested)
    is_positive = [user in world.liked for user in tested]
    ours = roc_auc_score(is_positive, [found[user][0] for user in tested])
    assert ours == pytest.approx(roc_auc_score(is_positive, [expected[user] for user in tested]), abs=0.005)
    assert ours > 0.6
    first = [
        set(sorted(scores, key=lambda user: (-scores[user], user))[: USERS // 10])
        for scores in ({user: score for user, (score, _) in found.items()}, expected)
    ]
    assert len(first[0] & first[1]) >= 0.99 * len(first[1])


def test_properties_are_those_of_the_specification(tmp_path: Path) -> None:
    world = World(tmp_path)
    columns = [f"s{n:02}" for n in range(40)] + ["18", "25", "f", "m"]
    held = {user: world.segments[user] | set(world.demographics[user]) for user in world.users}
    chosen = world.trained_on()
    kept = [name for name in columns if sum(name in held[user] for user in chosen) >= 10]
    rows = {user: [float(name in held[user]) for name in kept] for user in world.users}
    found = world.train(world.room())
    assert not isinstance(found, Refusal)
    agree(world, found, reference(world, rows))


def test_embeddings_are_standardised_with_the_training_rows(tmp_path: Path) -> None:
    world = World(tmp_path, ("one",))
    chosen = world.trained_on()
    training = np.array([world.vectors[user, "one"] for user in chosen])
    mean, deviation = training.mean(axis=0), training.std(axis=0)
    deviation[-1] = 1.0  # a constant column becomes 0
    rows = {user: list((np.array(world.vectors[user, "one"]) - mean) / deviation) for user in world.users}
    found = world.train(world.room())
    assert not isinstance(found, Refusal)
    agree(world, found, reference(world, rows))


def test_the_highest_score_over_scopes_counts_and_a_small_scope_is_left_out(tmp_path: Path) -> None:
    each = {}
    for scopes in (("one",), ("one", "small"), ("small",)):
        world = World(tmp_path, scopes)
        each[scopes] = world.train(world.room())
    assert each["one",] == each["one", "small"]
    assert each["small",] is Refusal.NOT_ENOUGH_SEED_USERS


def test_an_unknown_value_counts_as_the_mean() -> None:
    rows = np.array([[1.0, 5.0], [3.0, np.nan], [np.nan, np.inf]])
    embeddings = features.Embeddings(Path("unused"))
    assert embeddings.fit(rows)
    assert embeddings.prepared(rows).tolist() == [[-1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]


def test_blocks_hold_every_user_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    whole = world.train(world.room())
    monkeypatch.setattr(features, "BLOCK_USERS", 7)
    assert world.train(world.room()) == whole


def test_without_a_frequent_property_all_scores_are_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_FEWEST_USERS", USERS + 1)
    found = World(tmp_path).train(World(tmp_path).room())
    assert not isinstance(found, Refusal)
    assert {score for score, _ in found.values()} == {0.5} and len(found) == USERS


@pytest.mark.parametrize("algorithm", ["logistic_regression", "gradient_boosting"])
def test_shuffled_rows_give_the_same_bytes(algorithm: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    room = world.room(model={"algorithm": algorithm})
    found = []
    for seed in (1, 1, 2):
        answers(room, world.files(random.Random(seed)), tmp_path)
        found.append((tmp_path / "results.json").read_bytes())
    assert found[0] == found[1] == found[2]
    document = json.loads(found[0])
    assert len(document["user_lists"]["like"]) == len(document["user_lists"]["without"]) == USERS // 10
    seed_users = {f"h{user}" for user in world.liked}
    assert not {f"h{user}" for user in document["user_lists"]["without"]} & seed_users
    assert document["lookalike_statistics"]["like"]["quality"]["roc_curve"]["auc"] > 0.6


def test_a_room_without_the_extra_answers_everything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str) -> Any:
        raise ImportError(module)

    monkeypatch.setattr(models.importlib, "import_module", missing)
    world = World(tmp_path)
    document = answers(world.room(), world.files(random.Random(1)), tmp_path)
    refused = {"error": "MODEL_NOT_INSTALLED"}
    assert document["estimates"] == {"like": refused, "without": refused}
    assert document["lookalike_statistics"] == {"like": refused, "without": refused}
    assert document["seed_estimates"]["All users"]["userId"] == SEED
    with pytest.raises(models.ModelNotInstalled, match=r"pip install 'datalab\[lookalike\]'"):
        models.LogisticRegression()
