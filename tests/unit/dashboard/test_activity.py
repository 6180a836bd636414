"""How a run is called on pages and terminal: after what it materialised."""

from __future__ import annotations

import pytest

from assets import ALL_ASSETS
from datalab.dashboard.activity import what_ran


@pytest.mark.parametrize(
    ("assets", "said"),
    [
        (None, "Validation"),
        (["segments", "segments_validation_report", "valid_segments", "validation_status"], "Validation"),
        (["identifiers", "identifiers_validation_report", "valid_identifiers"], "Validation of Identifiers"),
        (["valid_segments", "users", "valid_identifiers"], "Validation of Identifiers and Segments"),
        (["segment_user_counts"], "Segment user counts"),
        (["dashboard", "segments_per_user"], "Segments-per-user counts and Dashboard"),
        (["segments"], "Segments read"),
        (
            ["users", "id_profiles", "segments_per_user", "statistics_report", "dashboard"],
            "Users joined, Ids of each user, Segments-per-user counts and 2 further assets",
        ),
    ],
)
def test_a_run_is_called_after_what_it_materialised(assets: list[str] | None, said: str) -> None:
    assert what_ran(assets) == said


def test_every_asset_alone_has_words() -> None:
    assert all(what_ran([key.path[-1]]) for assets in ALL_ASSETS for key in assets.keys if "report" not in key.path[-1])
