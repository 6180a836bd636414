"""The versions of the code that are part of the names of computed files, so that an upgrade never mixes old and new.

A file of one step has the `CODE_VERSION` of that step. Users and panels are made from files of other steps: their
version has a digest of all code versions that lead to them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from datalab import validation
from datalab.statistics import PANELS, Panel, report, users

USERS, STATISTICS_REPORT, COMPARISON = "users", "statistics_report", "comparison"
"""Computed files other than panels: users, the statistics in the second format, changes since the last refresh."""
VALIDATION = validation.CODE_VERSION
FIRST = "1"
"""The version of everything that was stored under names without a version."""

_REPORTS = dict.fromkeys((STATISTICS_REPORT, COMPARISON), report.CODE_VERSION)


def version_of(name: str) -> str:
    """Return the version of a computed file.

    >>> version_of(STATISTICS_REPORT)
    '1'
    """
    if name in _REPORTS:
        return _REPORTS[name]
    versions = _leading_to(name)
    digest = hashlib.sha256(json.dumps(versions, sort_keys=True).encode()).hexdigest()
    return f"{versions[name]}-{digest[:8]}"


def is_first(name: str) -> bool:
    """Return whether a computed file is made by the first version of all steps that lead to it."""
    return set(_leading_to(name).values()) == {FIRST}


def earlier(version: str) -> Iterator[str]:
    """Yield the version of a file of one step and those before it, the newest first.

    >>> list(earlier("3"))
    ['3', '2', '1']
    """
    return map(str, range(int(version), int(FIRST) - 1, -1))


def _leading_to(name: str) -> dict[str, str]:
    """Return the code versions of a file and of everything that it is made from."""
    made = {"validation": VALIDATION}
    if name in _REPORTS:
        return made | {name: _REPORTS[name]}
    made[USERS] = users.CODE_VERSION
    panel = next((panel for panel in PANELS if panel.name == name), None)
    return made | (_of_panel(panel) if panel else {name: made.get(name, FIRST)})


def _of_panel(panel: Panel[Any]) -> dict[str, str]:
    versions = {panel.name: panel.code_version}
    for source in panel.inputs:
        if isinstance(source, Panel):
            versions |= _of_panel(source)
    return versions
