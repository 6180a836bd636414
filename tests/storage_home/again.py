"""The tests of another module, to be run here too."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any


def again(module: ModuleType) -> Mapping[str, Any]:
    """Return the tests of a module with their fixtures and marks."""
    return {name: value for name, value in vars(module).items() if not name.startswith("__") or name == "pytestmark"}
