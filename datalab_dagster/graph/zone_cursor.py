"""What the sensor of drop zones keeps from one poll to the next; Dagster stores it as the sensor's cursor."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from datalab.connectors import Entry, FileGroup, has_valid_name

_KEPT = 2
"""The parts taken last, and those that a run takes now."""


class PartSet(BaseModel):
    """The parts of an export, and the fingerprint of all of them."""

    fingerprint: str
    parts: dict[str, str]
    """Address → fingerprint."""


class ZoneCursor(BaseModel):
    """The zones at one poll.

    Attributes:
        seen: address → fingerprint of every listed file.
        messages: what was to be said.
        taken: lab and pattern → the parts that runs took, the last ones.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    seen: dict[str, str] = {}
    messages: list[str] = []
    taken: dict[str, list[PartSet]] = {}

    @classmethod
    def read(cls, text: str | None) -> Self:
        """Return the cursor in a text; an empty one if `text` did not return it."""
        try:
            found: Any = json.loads(text or "{}")
            return cls.model_validate(found)
        except (ValueError, ValidationError):
            return cls()

    def text(self) -> str:
        """Return the text that `read` reads."""
        return json.dumps({name: value for name, value in self.model_dump().items() if value})

    def see(self, listed: Iterable[Entry]) -> None:
        """Keep a listing; a file whose name is no text is left out."""
        self.seen.update({entry.url: entry.fingerprint for entry in listed if has_valid_name(entry)})

    def remember(self, lab: str, group: FileGroup) -> None:
        """Keep the parts of a group that a run takes, or has taken."""
        key = f"{lab} {group.pattern}"
        sets = [one for one in self.taken.get(key, []) if one.fingerprint != group.fingerprint]
        if sets or len(group.entries) > 1:
            parts = {entry.url: entry.fingerprint for entry in group.entries}
            self.taken[key] = [*sets, PartSet(fingerprint=group.fingerprint, parts=parts)][-_KEPT:]

    def forget_absent(self) -> None:
        """Forget parts none of which is listed any more."""
        self.taken = {
            key: sets for key, sets in self.taken.items() if any(one.parts.keys() & self.seen.keys() for one in sets)
        }

    def earlier(self, lab: str, taken: Callable[[Collection[str]], Collection[str]]) -> dict[str, dict[str, str]]:
        """Return pattern → the parts that the lab took last.

        Args:
            lab: the id of the lab.
            taken: returns which of these fingerprints the lab has taken.
        """
        mine = {key.removeprefix(f"{lab} "): sets for key, sets in self.taken.items() if key.startswith(f"{lab} ")}
        known = set(taken([one.fingerprint for sets in mine.values() for one in sets])) if mine else set()
        return {pattern: one.parts for pattern, sets in mine.items() for one in sets if one.fingerprint in known}
