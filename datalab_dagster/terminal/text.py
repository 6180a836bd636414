"""Prints texts on the terminal so that none of them can control it: names are other people's texts."""

from __future__ import annotations

import re

import click

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Control characters but tab and line feed, line separators, and characters that change the direction of writing."""


def printable(text: str) -> str:
    r"""Return `text` with its control characters as JSON writes them, so that JSON stays JSON.

    >>> printable("Base\x1b[2J")
    'Base\\u001b[2J'
    """
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def echo(text: str, *, err: bool = False) -> None:
    """Print a line on standard output, or on standard error."""
    click.echo(printable(text), err=err)
