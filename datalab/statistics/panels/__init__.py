"""The panels of the statistics, one module each; a panel that reads rows also has a `.sql` file of the same name.

Every module of this folder is a panel, declared as `PANEL`. Modules whose names begin with `_` contain what several
panels share.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from datalab.kinds import DatasetKind
from datalab.statistics.panel import Panel
from datalab.statistics.view import View


def _found() -> tuple[Panel[Any], ...]:
    """Return all panels, sorted by dataset in the order of DatasetKind, by position and by name."""
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    panels = [importlib.import_module(f"{__name__}.{name}").PANEL for name in names]
    datasets = list(DatasetKind)
    return tuple(sorted(panels, key=lambda panel: (datasets.index(panel.dataset), panel.position, panel.name)))


PANELS = _found()
"""Every panel, in the order in which people see them."""


def _views() -> tuple[View, ...]:
    datasets = list(DatasetKind)
    shown = (view for panel in PANELS for view in panel.shown)
    return tuple(sorted(shown, key=lambda view: (datasets.index(view.dataset), view.position, view.key)))


VIEWS = _views()
"""All views of the panels, in the order of the page."""

__all__ = ["PANELS", "VIEWS"]
