"""How large the definition of a lab may be, and what its names may consist of; docs/security.md lists the numbers."""

from __future__ import annotations

import unicodedata

from datalab.formats import number

DEFINITION_BYTES = 1 << 20
"""The longest file with a definition."""

MOST_EMBEDDINGS = 10_000
"""How many columns of numbers a lab may have."""

MOST_IDENTIFIERS = 100
"""How many entries a list of a definition may have."""

LONGEST_NAME = 255
"""How many characters a name may have."""

_JOINERS = "\u200c\u200d"  # several scripts, and emoji, cannot be written without them
_INVISIBLE = "\u115f\u1160\u2800\u3164\uffa0"


def name_problem(name: str) -> str | None:
    """Return what is wrong with a name that people have to read, as a sentence; None if nothing is."""
    if len(name) > LONGEST_NAME:
        return f"A name has at most {LONGEST_NAME} characters; this one has {number(len(name))}"
    if not all(_is_printable(character) for character in name):
        return "A name may hold printable characters only: no line ends, tabs or other control characters"
    return None


def _is_printable(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs" or character in _JOINERS


def visibility_problem(name: str) -> str | None:
    """Return a sentence if a name has no character that people can see."""
    hidden = _JOINERS + _INVISIBLE
    if any(not character.isspace() and character not in hidden for character in name):
        return None
    return "A name needs a character that can be seen"
