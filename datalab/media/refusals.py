"""The codes with which a room refuses, and the order in which it does (docs/spec/media.md#4-audience-algebra)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from datalab.media.base import ATTRIBUTES
from datalab.media.definitions import Combination, Combinator, Filter, Filters, Operator


class Refusal(StrEnum):
    """Why there is no result."""

    CYCLE = "CYCLE"
    UNKNOWN_AUDIENCE = "UNKNOWN_AUDIENCE"
    COLLABORATION_TYPE_DISABLED = "COLLABORATION_TYPE_DISABLED"
    NOT_ENOUGH_SEED_USERS = "NOT_ENOUGH_SEED_USERS"
    EMPTY_FILTER = "EMPTY_FILTER"
    UNKNOWN_ATTRIBUTE = "UNKNOWN_ATTRIBUTE"
    ALL_OF_ON_SINGLE_VALUE = "ALL_OF_ON_SINGLE_VALUE"
    AMBIGUOUS_COMBINATION = "AMBIGUOUS_COMBINATION"
    ACTIVATION_ID_NOT_SET = "ACTIVATION_ID_NOT_SET"
    AUDIENCE_TOO_SMALL = "AUDIENCE_TOO_SMALL"
    MODEL_NOT_INSTALLED = "MODEL_NOT_INSTALLED"
    """Not of the specification: the extra with the lookalike models is missing."""


def of_filters(filters: Filters | None) -> Iterator[Refusal]:
    """Yield why filters are refused, the first reason first."""
    if filters is not None and not filters.filters:
        yield Refusal.EMPTY_FILTER
    for one in filters.filters if filters else []:
        yield from _of_filter(one)


def _of_filter(one: Filter) -> Iterator[Refusal]:
    attribute = ATTRIBUTES.get(one.attribute)
    if attribute is None:
        yield Refusal.UNKNOWN_ATTRIBUTE
    elif one.operator is Operator.ALL and not attribute.is_set and len(one.wanted) > 1:
        yield Refusal.ALL_OF_ON_SINGLE_VALUE
    elif one.operator.needs_values and not one.wanted:
        yield Refusal.EMPTY_FILTER


def is_ambiguous(combine: list[Combinator] | None) -> bool:
    """Return whether combinators have more than one meaning: different operators, or several differences."""
    operators = [one.operator for one in combine or []]
    return len(set(operators)) > 1 or operators.count(Combination.DIFF) > 1
