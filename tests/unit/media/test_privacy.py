"""Rounding and noise, with numbers worked out by hand."""

from __future__ import annotations

from statistics import fmean, pstdev

import pytest

from datalab.media.privacy import Privacy, laplace, no_noise, ratio, rounded


@pytest.mark.parametrize(
    ("count", "multiple", "expected"),
    [(50, 100, 0), (51, 100, 100), (150, 100, 200), (250, 100, 200), (25, 50, 0), (26, 50, 50), (75, 50, 100),
     (7, 1, 7), (7, 0, 7), (7, 3, 6), (0, 100, 0)],
)  # fmt: skip
def test_halves_go_to_the_even_multiple(count: int, multiple: int, expected: int) -> None:
    assert rounded(count, multiple) == expected


def test_ratios_have_three_digits() -> None:
    assert [ratio(1, 3), ratio(2, 3), ratio(1, 8)] == [0.333, 0.667, 0.125]


def test_noise_depends_on_everything_that_is_counted_and_on_nothing_else() -> None:
    noise = laplace(b"secret", ["one", "two"])
    counted = (1_000, "shoes", ("age",), ("18-24",), "all")
    assert noise(*counted) == laplace(b"secret", ["one", "two"])(*counted)
    others = [
        laplace(b"other", ["one", "two"])(*counted),
        laplace(b"secret", ["one", "three"])(*counted),
        noise(1_000, "bags", ("age",), ("18-24",), "all"),
        noise(1_000, "shoes", ("gender",), ("18-24",), "all"),
        noise(1_000, "shoes", ("age",), ("25-34",), "all"),
        noise(1_000, "shoes", ("age",), ("18-24",), "match"),
    ]
    assert len({noise(*counted), *others}) > 4  # whole numbers: two may be equal by chance
    assert no_noise(*counted) == 1_000


def test_noise_is_laplace_and_at_most_a_fifth_of_a_count() -> None:
    noise = laplace(b"secret", [])
    large = [noise(100_000, "t", ("age",), (str(cell),), "all") - 100_000 for cell in range(4_000)]
    assert abs(fmean(large)) < 1 and pstdev(large) == pytest.approx(10 * 2**0.5, rel=0.1)
    small = [noise(20, "t", ("age",), (str(cell),), "all") for cell in range(1_000)]
    assert set(small) == set(range(16, 25))
    assert noise(0, "t", (), (), "all") == 0


def test_the_limits_of_a_room_decide() -> None:
    privacy = Privacy(audience_rounding=10, segment_rounding=4)
    assert privacy.audience(15) == 20 and privacy.is_empty(5) and not privacy.is_empty(6)
    assert privacy.hides_cell(2) and not privacy.hides_cell(3)
