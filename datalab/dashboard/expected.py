"""The words of expected numbers and of those that were found; `datalab.statistics.expected` compares them."""

from __future__ import annotations

from datalab.dashboard.texts import DATASETS
from datalab.formats import number, signed_share
from datalab.statistics.expected import Compared


def expected_words(one: Compared) -> str:
    """Return an expected number and the one that was found, in words.

    >>> from datalab.kinds import DatasetKind
    >>> expected_words(Compared(DatasetKind.SEGMENTS, None, 105_000, 84_000))
    'Segments: 84,000 rows found, 105,000 expected (−20.0%)'
    """
    what = "rows" if one.id_name is None else f"different {one.id_name}"
    title = DATASETS[one.dataset][0]
    if one.found is None:
        return f"{title}: {number(one.expected)} {what} expected"
    difference = f" ({signed_share(one.deviation)})" if one.deviation else ""
    return f"{title}: {number(one.found)} {what} found, {number(one.expected)} expected{difference}"
