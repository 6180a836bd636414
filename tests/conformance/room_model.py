"""What a room answers, from valid rows in plain dictionaries: written from docs/spec/media.md alone, and slow.

It shares no code with `datalab.media`. Noise and trained models are left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

Json = dict[str, Any]
TYPES = ("OVERLAP", "INSIGHTS", "REMARKETING", "EXCLUSION_TARGETING", "RULE_BASED", "LOOKALIKE")
BLANK = " \t\u00a0"


def rounded(x: int, k: int) -> int:
    return x if k <= 1 else round(Fraction(x, k)) * k  # Python rounds halves of fractions to even


class Refused(Exception):
    pass


class RoomModel:
    """One room; `lab` and `dcr` as in ROOM.json, rows as tuples, `scores` per audience: (user → score, held out)."""

    def __init__(
        self,
        room: Json,
        identifiers: Iterable[tuple[str, str, str]],
        segments: Iterable[tuple[str, str]] | None,
        demographics: Iterable[tuple[str, str, str]] | None,
        embeddings: Iterable[tuple[str, str, float]] | None,
        seed: Iterable[tuple[str, str]],
        scores: dict[str, tuple[dict[str, float], set[str]]],
    ) -> None:
        self.dcr, self.privacy = room["dcr"], room["privacy"]
        self.audiences = {one["id"]: one["definition"] for one in room["audiences"]}
        self.types = {*self.dcr.get("collaborationTypes", TYPES), "OVERLAP"}
        self.scores = scores
        config = room["lab"]["identifiersConfig"]
        self.activation = [one["idName"] for one in config if one.get("isActivationId")]
        (self.matching,) = [
            one["idName"] for one in config if one.get("isMatchingId") and one["idType"] == self.dcr["matchingIdType"]
        ]
        self.has_segments = segments is not None
        self.with_ids = {user for user, _, _ in identifiers}
        self.ids = {one["idName"]: [] for one in config}
        for user, name, value in identifiers:
            if name != "userId" and name in self.ids:
                self.ids[name].append((user, value))
        self.ids["userId"] = [(user, user) for user in self.with_ids]
        self.segments: dict[str, set[str]] = {}
        for user, segment in segments or []:
            self.segments.setdefault(user, set()).add(segment)
        self.demographics = {user: (age, gender) for user, age, gender in demographics or []}
        self.base = set(self.segments) if self.has_segments else set(self.with_ids)
        if embeddings is not None:
            self.base = {user for user, _, _ in embeddings}
        self.matchable = {user for user, _ in self.ids[self.matching]}
        self.seed: dict[str, set[str]] = {}
        for value, audience in seed:
            self.seed.setdefault(audience, set()).add(value)
        self.ka = self.privacy["audience_rounding"]

    # who

    def matched(self, audience: str) -> set[str]:
        return {user for user, value in self.ids[self.matching] if value in self.seed.get(audience, set())}

    def held(self, name: str, users: set[str]) -> set[str]:
        return {value for user, value in self.ids[name] if user in users}

    def values(self, user: str, attribute: str) -> set[str]:
        if attribute == "segments":
            found = self.segments.get(user, set())
        else:
            found = {self.demographics.get(user, ("", ""))[attribute == "gender"]}
        return {value for value in found if value.strip(BLANK)}

    def passes(self, user: str, filters: Json | None) -> bool:
        if filters is None:
            return True
        found = []
        for one in filters["filters"]:
            has, wanted = self.values(user, one["attribute"]), set(one.get("values") or [])
            found.append(
                {
                    "CONTAINS_ANY_OF": bool(has & wanted),
                    "CONTAINS_NONE_OF": not has & wanted,
                    "CONTAINS_ALL_OF": wanted <= has,
                    "EMPTY": not has,
                    "NOT_EMPTY": bool(has),
                }[one["operator"]]
            )
        return all(found) if filters["booleanOp"] == "AND" else any(found)

    def check(self, filters: Json | None) -> None:
        if filters is not None and not filters["filters"]:
            raise Refused("EMPTY_FILTER")
        for one in filters["filters"] if filters else []:
            if one["attribute"] not in ("segments", "age", "gender"):
                raise Refused("UNKNOWN_ATTRIBUTE")
            values = set(one.get("values") or [])
            if one["operator"] == "CONTAINS_ALL_OF" and one["attribute"] != "segments" and len(values) > 1:
                raise Refused("ALL_OF_ON_SINGLE_VALUE")
            if one["operator"].startswith("CONTAINS") and not values:
                raise Refused("EMPTY_FILTER")

    def users(self, reference: Json, path: tuple[str, ...] = ()) -> set[str]:
        if reference["kind"] == "BASE":
            return self.base
        if reference["kind"] == "SEED":
            return self.matched(reference["audienceType"])
        one = reference["id"]
        if one in path:
            raise Refused("CYCLE")
        if one not in self.audiences:
            raise Refused("UNKNOWN_AUDIENCE")
        definition = self.audiences[one]
        if definition["kind"] not in self.types:
            raise Refused("COLLABORATION_TYPE_DISABLED")
        path = (*path, one)
        if definition["kind"] == "REMARKETING":
            return self.matched(definition["seedAudienceRef"]["audienceType"])
        if definition["kind"] == "EXCLUSION_TARGETING":
            return self.base - self.matched(definition["seedAudienceRef"]["audienceType"])
        if definition["kind"] == "LOOKALIKE":
            return self.lookalike(one, definition, path)
        return self.rule(definition, path)

    def rule(self, definition: Json, path: tuple[str, ...]) -> set[str]:
        users = self.users(definition["sourceRef"], path)
        filters, combine = definition.get("filters"), definition.get("combine") or []
        self.check(filters)
        operators = [one["operator"] for one in combine]
        if len(set(operators)) > 1 or operators.count("DIFF") > 1:
            raise Refused("AMBIGUOUS_COMBINATION")
        users = {user for user in users if self.passes(user, filters)}
        for one in combine:
            other = self.users(one["sourceRef"], path)
            self.check(one.get("filters"))
            other = {user for user in other if self.passes(user, one.get("filters"))}
            if one["operator"] == "UNION":
                users = users | other
            elif one["operator"] == "INTERSECT":
                users = users & other
            else:
                users = users - other
        return users

    def ranking(self, one: str) -> list[str]:
        scores = self.scores[one][0]
        return sorted((user for user in scores if user in self.base), key=lambda user: (-scores[user], user))

    def first(self, reach: int) -> int:
        return reach * len(self.base) // 100

    def lookalike(self, one: str, definition: Json, path: tuple[str, ...]) -> set[str]:
        source = self.users(definition["sourceRef"], path)
        trainable = self.base & self.matchable
        if min(len(trainable & source), len(trainable - source)) < self.privacy["min_training"]:
            raise Refused("NOT_ENOUGH_SEED_USERS")
        ranking = self.ranking(one)
        if definition.get("excludeSeedAudience"):
            ranking = [user for user in ranking if user not in source]
        return set(ranking[: self.first(definition["reach"])])

    # what is said of them

    def hidden(self, value: Any, instead: Any = None) -> Any:
        return instead if self.dcr.get("hideAbsoluteValuesFromInsights") else value

    def size(self, users: set[str]) -> Json:
        sizes = {"userId": self.hidden(rounded(len(users), self.ka))}
        for name in self.activation:
            if name != "userId":
                sizes[name] = self.hidden(rounded(len(self.held(name, users)), self.ka))
        return sizes

    def user_list(self, one: str) -> list[str]:
        users = self.users({"kind": "CUSTOM", "id": one})
        wanted = self.dcr.get("activationIdName")
        if wanted is None and len(self.activation) == 1:
            wanted = self.activation[0]
        if wanted not in self.activation:
            raise Refused("ACTIVATION_ID_NOT_SET")
        if len(users) < self.privacy["min_export"]:
            raise Refused("AUDIENCE_TOO_SMALL")
        return sorted(self.held(wanted, users))

    def overlap(self) -> list[Json]:
        entries = []
        in_base = {value for _, value in self.ids[self.matching]}
        for name in sorted(self.seed):
            size = rounded(len(self.seed[name]), self.ka)
            found = rounded(len(self.seed[name] & in_base), self.ka)
            matched = self.matched(name)
            ids = {a: rounded(len(self.held(a, matched)), self.ka) for a in self.activation}
            rate = None
            if self.dcr.get("showMatchRate"):
                rate = min(1.0, round(found / size, 3)) if size else 0.0
            entries.append(
                {
                    "audience_type": name,
                    "advertiser_size": self.hidden(size),
                    "advertiser_is_empty": size == 0,
                    "overlap_size": self.hidden(found),
                    "match_rate": rate,
                    "num_activation_ids_in_overlap": self.hidden(ids),
                }
            )
        return entries

    def attributes(self) -> Json:
        simple = ["CONTAINS_ANY_OF", "CONTAINS_NONE_OF", "EMPTY", "NOT_EMPTY"]
        found: Json = {}
        if self.demographics:
            for place, name in enumerate(("age", "gender")):
                values = {row[place] for row in self.demographics.values() if row[place].strip(BLANK)}
                kind = "CATEGORICAL" if place else "NUMERIC_RANGE"
                found[name] = {"values": sorted(values), "value_type": kind, "filters": simple}
        if self.has_segments:
            values = {segment for held in self.segments.values() for segment in held if segment.strip(BLANK)}
            filters = ["CONTAINS_ALL_OF", *simple]
            found["segments"] = {"values": sorted(values), "value_type": "CATEGORICAL", "filters": filters}
        return found

    def parts(self, user: str, column: str) -> list[str]:
        if column == "interest":
            return sorted(self.segments.get(user, set())) or ["N/A"]
        return sorted(self.values(user, column)) or ["N/A"]

    def cells(self, users: set[str], columns: list[str]) -> dict[tuple[str, ...], int]:
        found: dict[tuple[str, ...], int] = {}
        for user in users:
            cells: set[tuple[str, ...]] = {()}
            for column in columns:
                cells = {(*cell, part) for cell in cells for part in self.parts(user, column)}
            for cell in cells:
                found[cell] = found.get(cell, 0) + 1
        return found

    def insights(self) -> Json:
        if "INSIGHTS" not in self.types:
            return {"error": "COLLABORATION_TYPE_DISABLED"}
        sets = [["interest"]]
        if self.demographics:
            sets += [["age"], ["gender"], ["interest", "age"], ["interest", "gender"], ["age", "gender"]]
        sets = [columns for columns in sets if self.has_segments or "interest" not in columns]
        return {
            "total_publisher": self.hidden(rounded(len(self.base), self.ka)),
            "audiences": [
                {"audience_type": name, "aggregations": [self.aggregation(name, columns) for columns in sets]}
                for name in sorted(self.seed)
            ],
        }

    def aggregation(self, name: str, columns: list[str]) -> Json:
        overlap, matchable = self.matched(name) & self.base, self.base & self.matchable
        everyone, match, inside = (self.cells(users, columns) for users in (self.base, matchable, overlap))
        rows = []
        for cell in sorted(inside) if len(overlap) >= self.privacy["min_overlap"] else []:
            all_users = rounded(everyone[cell], self.ka)
            is_nothing = columns[0] == "interest" and cell[0] == "N/A"
            if not rounded(inside[cell], self.privacy["segment_rounding"]) or not all_users or is_nothing:
                continue
            share, matched = inside[cell] / len(overlap), match[cell] / len(matchable)
            size = self.hidden([all_users], [])
            rows.append([*cell, round(share / matched, 3), round(share, 3), round(matched, 3), *size])
        possible = []
        for column in columns:
            values = {part for user in self.base for part in self.parts(user, column)}
            possible.append(
                {"column": column, "possible_values": sorted(values - {"N/A"} if column == "interest" else values)}
            )
        numbers = ["affinity_ratio", "share_in_overlap", "share_in_matchable_audience"]
        return {
            "audience_type": name,
            "aggregation": possible,
            "columns": [*columns, *numbers, *self.hidden(["addressable_audience_size"], [])],
            "rows": rows,
        }

    def statistics(self, one: str) -> Json:
        self.users({"kind": "CUSTOM", "id": one})
        source = self.users(self.audiences[one]["sourceRef"])
        scores, held_out = self.scores[one]
        points = [(0.0, 0.0, 0.0)]
        positives = held_out & source
        flat = not positives or positives == held_out
        for score in sorted({scores[user] for user in held_out}, reverse=True):
            taken = {user for user in held_out if scores[user] >= score}
            if not flat:
                others = len(held_out) - len(positives)
                tpr, fpr = len(taken & positives) / len(positives), len(taken - positives) / others
                points.append((fpr, tpr, len(taken) / len(held_out)))
        if flat:
            points.append((1.0, 1.0, 1.0))
        area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(points))
        ranking = self.ranking(one)

        def at(reach: float) -> Json:
            for a, b in itertools.pairwise(points):
                if a[2] <= reach <= b[2]:
                    share = (reach - a[2]) / (b[2] - a[2])
                    return {
                        "fpr": round(a[0] + share * (b[0] - a[0]), 3),
                        "tpr": round(a[1] + share * (b[1] - a[1]), 3),
                    }
            raise AssertionError(reach)

        def count(values: set[str]) -> int:
            return int(self.hidden(rounded(len(values), self.ka), 0))

        return {
            "seed_audience_size": count(source & self.base),
            "activation_ids": {
                name: {
                    "addressable_audience_size": count(self.held(name, self.base)),
                    "filtered_audiences": [
                        {
                            "reach": reach,
                            "size": count(self.held(name, set(ranking[: self.first(reach)]))),
                            "quality": {"roc_curve": at(reach / 100)},
                        }
                        for reach in range(1, 31)
                    ],
                }
                for name in self.activation
            },
            "quality": {
                "roc_curve": {
                    "auc": round(area, 3),
                    "fpr": [round(point[0], 3) for point in points],
                    "tpr": [round(point[1], 3) for point in points],
                    "reach": [round(point[2], 3) for point in points],
                    "test_set_size": count(held_out),
                    "test_set_positive_examples_size": count(positives),
                }
            },
        }

    def stale(self, one: str) -> Json | None:
        missing: dict[str, set[str]] = {
            name: set() for name in ("CustomAudiences", "FilterAttributes", "FilterValues", "SeedAudiences")
        }
        attributes, seen, waiting = self.attributes(), set(), [one]
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            if name not in self.audiences:
                missing["CustomAudiences"].add(name)
                continue
            definition = self.audiences[name]
            parts = [definition, *(definition.get("combine") or [])]
            references = [part[key] for part in parts for key in ("sourceRef", "seedAudienceRef") if key in part]
            for reference in references:
                if "id" in reference:
                    waiting.append(reference["id"])
                elif "audienceType" in reference and reference["audienceType"] not in self.seed:
                    missing["SeedAudiences"].add(reference["audienceType"])
            for wanted in (f for part in parts for f in (part.get("filters") or {"filters": []})["filters"]):
                if wanted["attribute"] not in attributes:
                    missing["FilterAttributes"].add(wanted["attribute"])
                elif wanted["operator"].startswith("CONTAINS"):
                    known = set(attributes[wanted["attribute"]]["values"])
                    missing["FilterValues"] |= set(wanted.get("values") or []) - known
        found = {f"missing{name}": sorted(values) for name, values in missing.items()}
        return found if any(found.values()) else None

    def results(self) -> Json:
        def answer(question: Any, *given: Any) -> Any:
            try:
                return question(*given)
            except Refused as refused:
                return {"error": str(refused)}

        overlap = self.overlap()
        seeds = {name: {"kind": "SEED", "audienceType": name} for name in sorted(self.seed)}
        lookalikes = [one for one, definition in self.audiences.items() if definition["kind"] == "LOOKALIKE"]
        return {
            "seed_audiences": [
                {
                    "kind": "SEED",
                    "audienceType": entry["audience_type"],
                    "audienceSize": entry["advertiser_size"],
                    "isEmpty": entry["advertiser_is_empty"],
                }
                for entry in overlap
            ],
            "attributes": {"attributes": self.attributes()},
            "overlap": {"overlap_statistics": overlap},
            "insights": self.insights(),
            "estimates": {
                one: answer(lambda one: self.size(self.users({"kind": "CUSTOM", "id": one})), one)
                for one in self.audiences
            },
            "seed_estimates": {name: self.size(self.users(reference)) for name, reference in seeds.items()},
            "user_lists": {one: answer(self.user_list, one) for one in self.audiences},
            "lookalike_statistics": {
                one: answer(self.statistics, one)
                if "LOOKALIKE" in self.types
                else {"error": "COLLABORATION_TYPE_DISABLED"}
                for one in lookalikes
            },
            "staleness": {one: self.stale(one) for one in self.audiences},
        }
