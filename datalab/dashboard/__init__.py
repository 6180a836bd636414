"""A lab's statistics as one self-contained HTML page; every number is read from a report."""

from datalab.dashboard.disclosure import shareable
from datalab.dashboard.render import render_dashboard

__all__ = ["render_dashboard", "shareable"]
