"""Compares two results of a room (docs/spec/media.md#104-what-is-exact-and-what-is-not); says where they differ.

Exact but for what lookalike statistics give under `quality`. `id` of an aggregation and `createdAt` may be in the
actual result alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

CURVE = 0.001
ONLY_ACTUAL = {"id", "createdAt"}


def differences(expected: Any, actual: Any, keys: tuple[Any, ...] = ()) -> Iterator[str]:
    """Yield where two results differ; null and a missing key do, the order of keys does not."""
    path = ".".join(map(str, keys))
    if _kind(expected) != _kind(actual):
        yield f"{path}: expected {expected!r}, got {actual!r}"
    elif isinstance(expected, dict):
        for key in sorted(expected.keys() | actual.keys()):
            if key not in actual:
                yield f"{path}.{key}: missing"
            elif key in expected:
                yield from differences(expected[key], actual[key], (*keys, key))
            elif key not in ONLY_ACTUAL or keys[:1] not in (("insights",), ("seed_audiences",)):
                yield f"{path}.{key}: not expected"
    elif isinstance(expected, list):
        if len(expected) != len(actual):
            yield f"{path}: expected {len(expected)} entries, got {len(actual)}"
        for number, pair in enumerate(zip(expected, actual, strict=False)):
            yield from differences(*pair, (*keys, number))
    elif _kind(expected) == "number":
        allowed = _tolerance(keys)
        is_whole = isinstance(expected, int) and not allowed
        if (is_whole and not isinstance(actual, int)) or abs(expected - actual) > allowed + 1e-9:
            yield f"{path}: expected {expected!r}, got {actual!r}"
    elif expected != actual:
        yield f"{path}: expected {expected!r}, got {actual!r}"


def _kind(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


def _tolerance(keys: tuple[Any, ...]) -> float:
    of_a_curve = keys[0] == "lookalike_statistics" and "quality" in keys and not str(keys[-1]).startswith("test_set")
    return CURVE if of_a_curve else 0.0
