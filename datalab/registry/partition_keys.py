"""Partition keys: what Dagster's records and pages call labs and datasets, so that people recognise them there.

The key of a lab is made once, of its name and id, and stays. Labs of versions without such keys have their id as key.
The key of a dataset follows from its name and manifest hash, which never change.
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
_OF_MANIFEST_HASH = 12
"""How many characters of the manifest hash the key of a dataset ends with: enough for no two of a deployment."""


class RekeyRefused(UsageError):
    def __init__(self, lab_id: str, reason: str) -> None:
        super().__init__(f"Lab {lab_id} keeps its id as partition key: {reason}. Nothing was changed.")


def slug(name: str, otherwise: str) -> str:
    """Return a name in small letters a to z, digits and single hyphens; `otherwise` if nothing is left of it.

    >>> slug("Spring campaign: Größe & Café", "lab"), slug("🎉", "lab")
    ('spring-campaign-grosse-cafe', 'lab')
    """
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    return re.sub("[^a-z0-9]+", "-", letters).strip("-") or otherwise


def new_key(name: str, lab_id: str, is_taken: Callable[[str], bool]) -> str:
    """Return the shortest key of a new lab that no other lab has or had.

    >>> new_key("Spring", "3f2a9c11-0000-4000-8000-000000000000", {"spring~3f2a"}.__contains__)
    'spring~3f2a9'
    """
    digits, beginning = lab_id.replace("-", ""), slug(name, "lab")
    keys = (_joined(beginning, digits[:length]) for length in range(_SHORTEST_END, len(digits) + 1))
    return next(key for key in keys if not is_taken(key))


def upload_key(name: str, manifest_hash: str) -> str:
    """Return the key of a dataset.

    >>> upload_key("Segments, October.csv.gz", "3f2a9c11d04e55" + 50 * "0")
    'segments-october-csv-gz~3f2a9c11d04e'
    """
    return _joined(slug(name, "dataset"), manifest_hash[:_OF_MANIFEST_HASH])


def _joined(beginning: str, end: str) -> str:
    return f"{beginning[: LONGEST - 1 - len(end)].rstrip('-')}~{end}"
