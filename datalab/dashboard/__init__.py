"""A lab's statistics as one self-contained HTML page; every number comes from a report, none is computed from rows."""

from datalab.dashboard.disclosure import shareable
from datalab.dashboard.render import render_dashboard

__all__ = ["render_dashboard", "shareable"]
