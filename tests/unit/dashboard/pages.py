"""A lab, its statistics and its page, for the tests of the dashboard."""

from __future__ import annotations

import base64
import gzip
import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

from datalab.dashboard import bundle, render_dashboard
from datalab.lab import LabDefinition
from datalab.results.statistics import (
    StatisticsResultV2,
)
from datalab.statistics.readiness import readiness

HOSTILE = [
    '</script><script>alert("x")</script>',
    '<img src=x onerror="alert(1)">',
    'O\'Neil & "Söhne" 🎯',
    "{{ 7*7 }}",
]
MINIMUM = 10


def a_lab(**changes: Any) -> LabDefinition:
    wire = {
        "name": "Test publisher",
        "identifiersConfig": [
            {"idName": "userId", "idType": "STRING", "isActivationId": True},
            {"idName": "hem", "idType": "HASHED_EMAIL", "isMatchingId": True},
            {"idName": "maid", "idType": "MAID", "isMatchingId": True, "isActivationId": True},
        ],
        "requireSegments": True,
        "requireDemographics": True,
        "requireEmbeddings": True,
        "numEmbeddings": 16,
    }
    return LabDefinition.model_validate(wire | changes)


def basic(users: int, **extra: int) -> dict[str, Any]:
    rows = {"total_rows": users + 40, "valid_rows": users, "invalid_rows": 40, "distinct_user_ids": users}
    return {**rows, "invalid_rows_by_reason": {"EMPTY_CELL": 28, "DUPLICATE_VALUES": 12}, **extra}


def value(absolute: int, whole: int = 1000) -> dict[str, Any]:
    return {"absolute": absolute, "relative": absolute / whole}


def statistics(segments: dict[str, tuple[int, int]] | None = None, **changes: Any) -> StatisticsResultV2:
    """A report with every panel; `segments` gives (all, matchable) users."""
    counts = {"Sports": (600, 400), "Travel": (300, 200)} if segments is None else segments
    cells = {n: {"all_users": value(a), "matchable_users": value(m, 700)} for n, (a, m) in counts.items()}
    per_user = {
        "all_users": {"0": value(100), "1": value(700), "2": value(200)},
        "matchable": {"0": value(50, 700), "1": value(500, 700), "2": value(150, 700)},
    }
    pairs = {"18-24||f": value(300), "18-24||m": value(250), "25-34||f": value(250), "n/a||n/a": value(200)}
    reach = {"userId": {"reachable_activation_ids": 900}, "maid": {"reachable_activation_ids": 640}}
    info = {"is_matching_id": True, "is_activation_id": True, "avg_userids_per_id": 1.25, "max_userids_per_id": 14}
    embedded = {"matchable_users": 700, "users_with_embeddings": 400, "matchable_users_with_embeddings": 280}
    report = {
        "identifiers_overview": {
            "userId": {**info, "id_type": "STRING", "distinct_ids": 1000},
            "hem": {**info, "id_type": "HASHED_EMAIL", "distinct_ids": 1720},
            "maid": {**info, "id_type": "MAID", "distinct_ids": 660},
        },
        "basic_statistics": {
            "identifiers": basic(1000, distinct_id_names=3, distinct_ids=3380),
            "segments": basic(900, distinct_segments=len(counts)),
            "demographics": basic(1000, distinct_ages=2, distinct_genders=2),
            "embeddings": basic(400, distinct_scopes=1),
        },
        "remarketing_activation_potential": {"hem": reach, "maid": reach},
        "segments_activation_potential": reach,
        "embeddings_activation_potential": reach,
        "segment_statistics": {
            "distinct_users_with_segments": 900,
            "segment_user_counts": {"hem": cells, "maid": cells},
            "segments_per_user_distribution": {"hem": per_user, "maid": per_user},
        },
        "demographic_statistics": {
            "distinct_users_with_demographics": 1000,
            "all_users": pairs,
            "hem": {"matchable": {key: value(cell["absolute"] // 2, 500) for key, cell in pairs.items()}},
            "maid": {"matchable": {key: value(cell["absolute"] // 2, 500) for key, cell in pairs.items()}},
        },
        "embeddings_statistics": {"hem": embedded, "maid": embedded},
        "status": "SUCCESS",
    }
    return StatisticsResultV2.model_validate(report | changes)


def render(lab: LabDefinition | None = None, report: StatisticsResultV2 | None = None, **options: Any) -> str:
    lab, report = lab or a_lab(), report or statistics()
    given = {
        "status": None,
        "computed_at": datetime(2026, 11, 22, 9, 5, tzinfo=UTC),
        "readiness": readiness(lab, report),
    }
    return render_dashboard(lab, report, **{**given, **options})


class Page(HTMLParser):
    """Tags with attributes, the text people read, and what stands in the report's script element."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.report_text = ""
        self._inside = ""
        self.feed(html)
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag in ("script", "style"):
            self._inside = given.get("id") or tag

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "statistics":
            self.report_text += data
        elif not self._inside:
            self.words.append(data)

    def values(self, attribute: str) -> list[str]:
        return [given[attribute] or "" for _, given in self.tags if attribute in given]

    @property
    def report(self) -> Any:
        if self.values("data-encoding") == ["gzip"]:
            return json.loads(gzip.decompress(base64.b64decode(self.report_text)))
        return json.loads(self.report_text)


def own_parts(html: str) -> str:
    """The page without the charting library, whose code is the same in every page."""
    return html.replace(bundle.static_text("vega-bundle.js"), "")
