"""Whether the processes of `datalab up` run the code that is on disk now; fast to import, loads none of it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

from datalab.home.up import UpRecord

PACKAGES = ("datalab", "datalab_dagster", "assets", "resources")


def is_outdated(record: UpRecord) -> bool:
    """Return whether a file of the program was changed after the first process of `up` had started."""
    started = min((child.created for child in record.children), default=float("inf"))
    return any(file.stat().st_mtime > started for file in _sources())


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            yield from Path(folder).rglob("*.py")
