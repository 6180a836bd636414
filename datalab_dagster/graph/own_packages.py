"""Whether `import assets` and `import resources` find the packages of this program, which are top-level ones."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

from datalab.errors import DatalabError

_BESIDE = Path(__file__).resolve().parents[2]
"""The directory of the packages of this program."""
_PACKAGES = ("assets", "resources")


class PackagesCollide(DatalabError, ImportError):
    """A project has a top-level package or module with the name of one of our packages, which it hides."""

    def __init__(self, package: str, found: Path) -> None:
        super().__init__(
            f"data_lab_assets needs the package `{package}` of datalab, but `import {package}` finds {found} of this "
            f"project: rename it, or move it into a package of the project, such as my_project.{package}."
        )


def hidden_packages() -> Iterator[tuple[str, Path]]:
    """Yield the packages of this program that cannot be imported, with what is found in their place."""
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        places = [spec.origin, *(spec.submodule_search_locations or ())] if spec else []
        found = next((Path(place).resolve() for place in places if place), None)
        if found and _BESIDE / name not in (found, found.parent):
            yield name, found


def require_own_packages() -> None:
    """Refuse a project that hides our packages.

    Raises:
        PackagesCollide: it does; names the first.
    """
    for name, found in hidden_packages():
        raise PackagesCollide(name, found)
