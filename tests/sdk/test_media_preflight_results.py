"""The models of the SDK read the results of rooms, and the definitions of their audiences, without losing anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from datalab_dagster.media import api
from tests.sdk.media_client import custom

ROOMS = sorted((Path(__file__).parents[1] / "conformance" / "media").glob("*/expected.json"))


def read(model: type[BaseModel], found: dict[str, Any]) -> None:
    """Read a result, which is written as it was; in place of one may stand an error."""
    if "error" not in found:
        assert model.model_validate(found).model_dump(mode="json", exclude_unset=True) == found


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: str(path.parent.name))
def test_results_of_a_room(path: Path) -> None:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    read(api.OverlapStatisticsResult, found["overlap"])
    read(api.DataAttributesResult, found["attributes"])
    for audience in found["insights"].get("audiences", []):
        for cells in audience["aggregations"]:
            cells.setdefault("id", "left out in comparisons")
    read(api.ComputeInsightsResult, found["insights"])
    for statistics in found["lookalike_statistics"].values():
        read(api.LookalikeAudienceStatisticsResult, statistics)
    for seed in found["seed_audiences"]:
        read(api.SeedAudience, {"createdAt": "2026-11-28T10:00:00Z"} | seed)
    for warnings in found["staleness"].values():
        read(api.StalenessWarnings, warnings or {})


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: str(path.parent.name))
def test_definitions_of_a_room(path: Path) -> None:
    case = json.loads((path.parent / "case.json").read_text("utf-8"))
    for audience in case["audiences"]:
        made = custom(audience["name"], definition=audience["definition"])
        assert made.definition.model_dump(mode="json", exclude_unset=True) == audience["definition"]


def test_there_are_rooms() -> None:
    assert len(ROOMS) >= 6
