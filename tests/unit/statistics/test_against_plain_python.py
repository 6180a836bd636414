"""The SQL against docs/spec/statistics.md, written as plain Python over sets, on random small labs, V2 and V1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datalab.engines import Engine
from datalab.lab import LabDefinition
from datalab.statistics import compute_statistics

USERS = ["u0", "u1", "u2", "u3", "u4", "u5"]
NAMES = ["userId", "first", 'it\'s "2nd"', "🦆", "not configured"]
TYPES = ["STRING", "EMAIL", "MAID", "ID5"]
KINDS = ["identifiers", "segments", "demographics", "embeddings"]


def some(*parts: st.SearchStrategy[Any], key: int | None = None, most: int = 20) -> st.SearchStrategy[Any]:
    unique = {"unique": True} if key is None else {"unique_by": lambda row: row[:key]}
    return st.lists(st.tuples(*parts), max_size=most, **unique)


users = st.sampled_from(USERS)
numbers = st.sampled_from([None, 0.5, float("inf")])
datasets = st.fixed_dictionaries(
    {
        "identifiers": some(users, st.sampled_from(NAMES), st.sampled_from(["x", "y", "z", "u0", "u1"])),
        "segments": some(users, st.sampled_from([f"s{i}" for i in range(12)]), most=30),
        "demographics": some(users, st.sampled_from([None, "n/a", "1", "2"]), st.sampled_from([None, "f", "m"]), key=1),
        "embeddings": some(users, st.sampled_from(["a", "b"]), numbers, numbers, key=2),
    }
)
roles = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=4, max_size=4).filter(lambda r: any(m for m, _ in r))


@st.composite
def labs(draw: st.DrawFn) -> dict[str, Any]:
    chosen = draw(roles)
    entries = [
        {"idName": name, "idType": kind, "isMatchingId": matching, "isActivationId": activation}
        for name, kind, (matching, activation) in zip(NAMES, TYPES, chosen, strict=False)
    ]
    types = ["OVERLAP", "INSIGHTS"]
    if any(activation for _, activation in chosen):
        types += ["REMARKETING", "LOOKALIKE", "RULE_BASED"]
    return {
        "identifiersConfig": draw(st.permutations(entries)),
        "collaborationTypes": draw(st.lists(st.sampled_from(types), unique=True)),
        "requireSegments": draw(st.booleans()),
        "requireDemographics": draw(st.booleans()),
        "requireEmbeddings": draw(st.booleans()),
        "numEmbeddings": draw(st.sampled_from([2, 2, 12])),
    }


def over(absolute: int, denominator: int) -> dict[str, float]:
    return {"absolute": absolute, "relative": absolute / denominator if denominator else 0.0}


class Plain:
    """A lab as sets; every property is one sentence of the specification."""

    def __init__(self, lab: LabDefinition, data: dict[str, list[tuple[Any, ...]]]) -> None:
        has = [kind.value for kind in lab.datasets]
        self.lab = lab
        self.data = {kind: data[kind] if kind in has else [] for kind in KINDS}
        configured = [entry.id_name for entry in lab.identifiers_config]
        rows = self.data["identifiers"]
        self.users = {kind: {row[0] for row in self.data[kind]} for kind in KINDS}
        self.ids = {(u, "userId", u) for u in self.users["identifiers"]}
        self.ids |= {row for row in rows if row[1] in configured and row[1] != "userId"}
        self.unknown = sum(row[1] not in configured for row in rows)
        self.mismatch = sum(row[1] == "userId" and row[2] != row[0] for row in rows)
        self.matching = [entry.id_name for entry in lab.matching_ids]
        self.activation = [entry.id_name for entry in lab.activation_ids]
        self.types = {kind.value for kind in lab.collaboration_types}

    def having(self, name: str) -> set[str]:
        return {user for user, id_name, _ in self.ids if id_name == name}

    def reach(self, people: set[str]) -> dict[str, dict[str, int]]:
        return {
            name: {"reachable_activation_ids": len({i for u, n, i in self.ids if n == name and u in people})}
            for name in self.activation
        }

    def overview(self) -> dict[str, Any]:
        result = {}
        for entry in self.lab.identifiers_config:
            holders = Counter(i for _, name, i in self.ids if name == entry.id_name)
            result[entry.id_name] = {
                "id_type": entry.id_type.value,
                "is_matching_id": entry.is_matching_id,
                "is_activation_id": entry.is_activation_id,
                "distinct_ids": len(holders),
                "avg_userids_per_id": sum(holders.values()) / len(holders) if holders else 0.0,
                "max_userids_per_id": max(holders.values(), default=0),
            }
        return result

    def segments_per_user(self, people: set[str]) -> dict[str, Any]:
        count = Counter(row[0] for row in self.data["segments"])
        buckets = Counter(str(count[user]) for user in people)
        return {bucket: over(n, len(people)) for bucket, n in buckets.items()}

    def demographics(self, people: set[str]) -> dict[str, Any]:
        keys = Counter(f"{a or 'n/a'}||{g or 'n/a'}" for u, a, g in self.data["demographics"] if u in people)
        return {key: over(n, len(people & self.users["demographics"])) for key, n in keys.items()}

    def statistics(self) -> dict[str, Any]:
        lab, users = self.lab, self.users
        audiences = bool({"LOOKALIKE", "RULE_BASED"} & self.types)
        result: dict[str, Any] = {"identifiers_overview": self.overview()}
        result["remarketing_activation_potential"] = (
            {m: self.reach(self.having(m)) for m in self.matching} if "REMARKETING" in self.types else None
        )
        for kind in ("segments", "embeddings"):
            unlocked = audiences and kind in [k.value for k in lab.datasets]
            result[f"{kind}_activation_potential"] = self.reach(users[kind]) if unlocked else None
        result["segment_statistics"] = self.segment_statistics(audiences) if lab.require_segments else None
        result["demographic_statistics"] = result["embeddings_statistics"] = None
        if audiences and lab.require_demographics:
            result["demographic_statistics"] = {
                "distinct_users_with_demographics": len(users["demographics"]),
                "all_users": self.demographics(users["demographics"]),
                **{m: {"matchable": self.demographics(self.having(m))} for m in self.matching},
            }
        if audiences and lab.require_embeddings:
            result["embeddings_statistics"] = {
                m: {
                    "matchable_users": len(self.having(m)),
                    "users_with_embeddings": len(users["embeddings"]),
                    "matchable_users_with_embeddings": len(users["embeddings"] & self.having(m)),
                }
                for m in self.matching
            }
        return result

    def segment_statistics(self, audiences: bool) -> dict[str, Any]:
        everyone = self.users["segments"]
        counts = {}
        for m in self.matching:
            matchable = everyone & self.having(m)
            counts[m] = {}
            for segment in {row[1] for row in self.data["segments"]}:
                inside = {u for u, s in self.data["segments"] if s == segment}
                counts[m][segment] = {
                    "all_users": over(len(inside), len(everyone)),
                    "matchable_users": over(len(inside & matchable), len(matchable)),
                }
        return {
            "distinct_users_with_segments": len(everyone),
            "segment_user_counts": counts if "INSIGHTS" in self.types else None,
            "segments_per_user_distribution": {
                m: {
                    "all_users": self.segments_per_user(everyone | self.users["identifiers"]),
                    "matchable": self.segments_per_user(self.having(m)),
                }
                for m in self.matching
            }
            if audiences
            else None,
        }

    def legacy(self) -> dict[str, Any]:
        lab, users = self.lab, {**self.users, "matching": self.having(self.matching[0])}
        part = "embeddings" if lab.require_embeddings else "segments" if lab.require_segments else "matching"
        considered, matching = users[part], users["matching"]
        has = ["matching", *[kind.value for kind in lab.datasets[1:]]]
        errors = self.legacy_errors(part, considered, matching)
        result: dict[str, Any] = {
            "errors": [f"ERROR: {error}" for error in errors],
            "original_number_of_unique_users": {
                **{name: len(users[name]) for name in has},
                "all": len(set().union(*(users[name] for name in has))),
            },
            "filtered_number_of_unique_users": {
                **{name: len(users[name] & considered) for name in has},
                "all": len(considered),
            },
            "segments_per_user_distributions": None,
            "share_of_users_per_segment_distribution": None,
            "demographics_distributions": None,
        }
        if not errors and lab.require_segments:
            rows = [row for row in self.data["segments"] if row[0] in considered]
            per_user, seen = Counter(row[0] for row in rows), considered & matching
            columns = []
            for people in (considered, seen):
                counts = Counter(per_user[user] for user in people if per_user[user])
                rest = len(people) - sum(counts.values())
                shares = {
                    n: counts[n] / len(people) if people else 0.0
                    for n in range(1, max(per_user.values(), default=0) + 1)
                }
                columns.append({0: rest / len(people) if people else 1.0, **shares})
            result["segments_per_user_distributions"] = {
                str(n): [round(column[n], 4) for column in columns] for n in columns[0]
            }
            share = {s: round(n / len(considered), 4) for s, n in Counter(row[1] for row in rows).items()}
            result["share_of_users_per_segment_distribution"] = share or None
        if not errors and lab.require_demographics:
            pairs = {u: f"{a or 'n/a'}||{g or 'n/a'}" for u, a, g in self.data["demographics"] if u in considered}
            every, some = Counter(pairs.values()), Counter(key for u, key in pairs.items() if u in matching)
            del some["n/a||n/a"]
            result["demographics_distributions"] = {
                key: [round(n / len(considered), 4), round(some[key] / len(matching), 4)] for key, n in every.items()
            } | {
                "n/a||n/a": [
                    round((len(considered) - len(pairs)) / len(considered), 4),
                    round((len(matching) - sum(some.values())) / len(matching), 4),
                ]
            }
        return result

    def legacy_errors(self, part: str, considered: set[str], matching: set[str]) -> list[str]:
        lab, errors = self.lab, []
        if not matching:
            errors.append("There were no users in the dataset Matching.")
        if part != "matching" and not considered:
            errors.append(f"There were no users in the dataset {part.capitalize()}.")
        segments = len({row[1] for row in self.data["segments"]})
        if lab.require_segments and segments < 10:
            errors.append(f"At least 10 distinct segments are required, found {segments}.")
        if lab.require_embeddings and lab.num_embeddings < 10:
            errors.append(f"At least 10 distinct embeddings are required, found {lab.num_embeddings}.")
        return errors


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(wire=labs(), data=datasets)
def test_sql_equals_plain_python(
    engine: Engine,
    make_lab: Callable[..., LabDefinition],
    make_rows: Callable[..., Any],
    summarise: Callable[..., Any],
    legacy: Callable[..., Any],
    wire: dict[str, Any],
    data: dict[str, Any],
) -> None:
    lab = make_lab(**wire)
    padding = (None,) * (lab.num_embeddings - 2)
    filled = {**data, "embeddings": [row + padding for row in data["embeddings"]]}
    rows = make_rows(**filled, num_embeddings=lab.num_embeddings)
    plain = Plain(lab, filled)

    report = compute_statistics(lab, rows, summarise(rows), engine).model_dump(mode="json")
    expected = plain.statistics()
    assert {key: report[key] for key in expected} == expected
    basic = report["basic_statistics"]
    assert {kind: basic[kind]["distinct_user_ids"] for kind in KINDS if basic[kind]} == {
        kind.value: len(plain.users[kind.value]) for kind in lab.datasets
    }
    warned = {finding["code"] for finding in report["quality_warnings"]}
    assert ("UNKNOWN_ID_NAME" in warned) == bool(plain.unknown)
    assert ("USER_ID_MISMATCH" in warned) == bool(plain.mismatch)
    assert legacy(engine, lab, rows).model_dump(mode="json") == plain.legacy()


ten_segments = st.lists(users, min_size=10, max_size=10).map(lambda us: [(u, f"t{n}") for n, u in enumerate(us)])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(data=datasets, enough=ten_segments, embeddings=st.booleans())
def test_legacy_shares_equal_plain_python(
    engine: Engine,
    make_lab: Callable[..., LabDefinition],
    make_rows: Callable[..., Any],
    legacy: Callable[..., Any],
    data: dict[str, Any],
    enough: list[tuple[str, str]],
    embeddings: bool,
) -> None:
    """Enough segments and users that V1 has distributions, with considered users of segments or of embeddings."""
    lab = make_lab(requireEmbeddings=embeddings, numEmbeddings=10)
    filled = {
        "identifiers": [*data["identifiers"], ("u0", "hashed_email", "h")],
        "segments": [*data["segments"], *enough],
        "demographics": data["demographics"],
        "embeddings": [*[(*row, *[None] * 8) for row in data["embeddings"]], ("u1", "z", *[None] * 10)],
    }
    result = legacy(engine, lab, make_rows(**filled, num_embeddings=10)).model_dump(mode="json")
    assert result["segments_per_user_distributions"] is not None
    assert result["demographics_distributions"] is not None
    assert result == Plain(lab, filled).legacy()
