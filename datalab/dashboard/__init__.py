"""A lab's statistics as one self-contained HTML page; every number is read from a report."""

from datalab.dashboard.disclosure import shareable
from datalab.dashboard.render import render_dashboard

__all__ = ["CODE_VERSION", "render_dashboard", "shareable"]

CODE_VERSION = "1"
"""Raised when the page of the same results changes."""
