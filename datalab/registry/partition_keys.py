"""Partition keys: what a lab is called in Dagster's records and pages, so that people recognise it there.

A key is made once, of the lab's name and id, and stays. Labs of versions without such keys have their id as key.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from datalab.errors import UsageError

LONGEST = 60
"""How many characters a key has at most."""
_SHORTEST_END = 4
"""How many characters of the id a key ends with, at least."""
_NAMELESS = "lab"


class RekeyRefused(UsageError):
    def __init__(self, lab_id: str, reason: str) -> None:
        super().__init__(f"Lab {lab_id} keeps its id as partition key: {reason}. Nothing was changed.")


def slug(name: str) -> str:
    """Return a name in small letters a to z, digits and single hyphens; ``lab`` if nothing is left of it.

    >>> slug("Spring campaign: Größe & Café"), slug("🎉")
    ('spring-campaign-grosse-cafe', 'lab')
    """
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    return re.sub("[^a-z0-9]+", "-", letters).strip("-") or _NAMELESS


def new_key(name: str, lab_id: str, is_taken: Callable[[str], bool]) -> str:
    """Return the shortest key of a new lab that no other lab has or had.

    >>> new_key("Spring", "3f2a9c11-0000-4000-8000-000000000000", {"spring~3f2a"}.__contains__)
    'spring~3f2a9'
    """
    digits, beginning = lab_id.replace("-", ""), slug(name)
    keys = (
        f"{beginning[: LONGEST - 1 - length].rstrip('-')}~{digits[:length]}"
        for length in range(_SHORTEST_END, len(digits) + 1)
    )
    return next(key for key in keys if not is_taken(key))
