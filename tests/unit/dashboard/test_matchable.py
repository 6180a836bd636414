"""Matchable users, which the report does not hold: on the page, and what a page for sharing must not give away."""

from __future__ import annotations

from typing import Any

import pytest

from datalab.dashboard.disclosure import shareable_matchable
from datalab.results.matchable import MatchableUsers
from datalab.results.statistics import StatisticsResultV2
from tests.unit.dashboard.pages import MINIMUM, Page, own_parts, render, statistics


def beside(**counts: tuple[int, int]) -> MatchableUsers:
    return MatchableUsers.model_validate(
        {name: {"matchable_users": users, "users_with_own_id": own} for name, (users, own) in counts.items()}
    )


def with_ids(**ids: int) -> StatisticsResultV2:
    """A report of 1,000 users with so many distinct ids."""
    report = statistics()
    for name, number in ids.items():
        report.identifiers_overview[name].distinct_ids = number
    return report


def test_the_page_says_how_many_matchable_users_have_an_id_of_their_own() -> None:
    page = Page(render(matchable=beside(hem=(700, 651), maid=(640, 640))))
    assert "by hem, 70.0%; 651 with an id of their own" in page.text
    assert "Matchable users, and those with an id that no other user has" in page.text and "93.0%" in page.text
    assert "matchable_users" not in page.report, "the JSON is the vendor's"
    assert page.report == Page(render()).report


def test_the_page_of_an_earlier_result_says_nothing_about_it() -> None:
    for found in (None, beside()):
        page = Page(render(matchable=found))
        assert "of their own" not in page.text and "no other user has" not in page.text


@pytest.mark.parametrize(
    ("users", "own", "ids", "shown"),
    [
        (700, 651, 900, (700, 651)),
        (700, 700, 700, (700, 700)),
        (1000, 1000, 1000, (1000, 1000)),
        (9, 4, 9, ("< 10", "< 10")),
        (700, 3, 900, (700, "< 10")),
        (700, 0, 900, (700, "< 10")),
        (700, 692, 900, (700, "hidden")),
        (700, 651, 655, (700, "hidden")),
        (995, 600, 900, ("hidden", 600)),
        (1000, 995, 1300, (1000, "hidden")),
        (996, 991, 1300, ("hidden", "hidden")),
    ],
)
def test_small_counts_and_what_reveals_them_are_hidden(users: int, own: int, ids: int, shown: tuple[Any, Any]) -> None:
    found = shareable_matchable(beside(hem=(users, own)), with_ids(hem=ids), MINIMUM)
    assert found == {"hem": {"matchable_users": shown[0], "users_with_own_id": shown[1]}}
    assert shareable_matchable(beside(hem=(users, own)), with_ids(hem=ids)) == beside(hem=(users, own)).model_dump()


def test_no_two_shown_numbers_differ_by_a_small_count() -> None:
    for users in (9, 10, 500, 989, 990, 991, 999, 1000):
        for own in {0, 1, 9, 10, users // 2, users - 10, users - 9, users - 1, users} & set(range(users + 1)):
            for ids in {own, own + 1, own + 9, own + 10, 2 * users}:
                [cells] = shareable_matchable(beside(hem=(users, own)), with_ids(hem=ids), MINIMUM).values()
                shown = sorted(number for number in (*cells.values(), 1000, ids) if isinstance(number, int))
                if isinstance(cells["users_with_own_id"], int):
                    assert own >= MINIMUM
                    assert not [n for n in shown if 0 < n - own < MINIMUM], (users, own, ids)
                if isinstance(cells["matchable_users"], int):
                    assert users >= MINIMUM and not 0 < 1000 - users < MINIMUM


def test_a_page_for_sharing_hides_them_everywhere() -> None:
    report = with_ids(hem=1720, maid=700)
    html = render(report=report, matchable=beside(hem=(700, 693), maid=(640, 7)), minimum_count=MINIMUM)
    page = Page(html)
    assert "by hem, 70.0%; hidden with an id of their own" in page.text
    assert "; < 10 with an id of their own" in page.text
    assert "693" not in own_parts(html)
    cells = [word.strip() for word in page.words]
    assert "7" not in cells
