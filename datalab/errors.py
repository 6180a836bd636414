"""Every exception of the project, one class per failure; no message ever holds a row value.

DatalabError
├── ConfigurationError     the lab definition is wrong; lists every error
│   └── LabTooLarge        an earlier version accepted it; it can be read, but nothing is computed for it
├── UsageError             the call is not possible (unknown dataset, missing argument)
├── UnexpectedFailure      a bug in this program or in a library; says where, without the text of the cause
└── InputError             an input cannot be checked at all (no report is written)
    ├── InputMissing
    ├── InputUnreadable
    ├── InputChanged       the file was modified while it was being read
    └── OutputFailed       a result could not be written; nothing half-written is left

Rooms declare their own failures below DatalabError: datalab.engines.protocol, datalab.storage,
datalab.registry.
"""

from __future__ import annotations

import difflib
import os
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the nearest of `known`, or an empty string.

    >>> suggestion("requireSegment", ["requireSegments", "name"])
    "; did you mean 'requireSegments'?"
    """
    by_folded = {name.lower().replace("_", ""): name for name in known}
    near = difflib.get_close_matches(word.lower().replace("_", ""), by_folded, n=1, cutoff=0.6)
    return f"; did you mean '{by_folded[near[0]]}'?" if near else ""


def as_sentence(text: str) -> str:
    """Return a sentence with its stop; one that ends with a suggestion has a question mark already.

    >>> as_sentence("There is none"), as_sentence("There is none; did you mean 'x'?")
    ('There is none.', "There is none; did you mean 'x'?")
    """
    return text if text.endswith("?") else f"{text}."


def none_such(what: str, name: str, known: Iterable[str]) -> str:
    """Return the sentence that nothing has this name, with the nearest of `known`.

    >>> none_such("lab", "Alpa", ["Alpha"])
    "There is no lab 'Alpa'; did you mean 'Alpha'?"
    """
    return as_sentence(f"There is no {what} '{name}'{suggestion(name, known)}")


class DatalabError(Exception):
    """Root of all errors that the project raises on purpose."""


class ConfigurationError(DatalabError):
    """A lab definition is wrong; `mistakes` holds every error, a sentence each."""

    def __init__(self, where: str, mistakes: Sequence[str]) -> None:
        self.where = where
        self.mistakes = list(mistakes)
        count = len(self.mistakes)
        heading = self._heading(f"{count} error{'s' if count != 1 else ''}")
        super().__init__(heading + "".join(f"\n  - {mistake}" for mistake in self.mistakes))

    def _heading(self, errors: str) -> str:
        return f"{self.where} has {errors}; nothing was done."


class LabTooLarge(ConfigurationError):
    """A lab that an earlier version made exceeds the limits of definitions; `mistakes` has a sentence for each."""

    def _heading(self, errors: str) -> str:
        return (
            f"{self.where} was made by an earlier version and exceeds the limits of this one; nothing was changed. "
            "Make a new lab within the limits and provision the datasets to that one:"
        )


class UsageError(DatalabError):
    """The call is not possible; the message says what to change."""


class UnexpectedFailure(DatalabError):
    """An unexpected failure; the text of the cause is left out, because it may hold a value of a row."""

    def __init__(self, cause: BaseException) -> None:
        place = next(iter(reversed(traceback.extract_tb(cause.__traceback__))), None)
        where = f" in {Path(place.filename).name}, line {place.lineno}" if place else ""
        super().__init__(
            f"Unexpected {type(cause).__name__}{where}. The input is unchanged and no result was kept; this is a "
            "bug in the program: please report it with this line."
        )


class InputError(DatalabError):
    """An input cannot be checked, or a result cannot be kept; no report exists."""


class InputMissing(InputError):
    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(f"Input file does not exist: {os.fspath(path)}. Check the path and run again.")


class InputUnreadable(InputError):
    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        super().__init__(
            f"Input file cannot be read: {os.fspath(path)} ({reason}). Nothing was written; "
            "check the file's permissions and its disk, then run again."
        )


class InputChanged(InputError):
    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(
            f"Input file changed while it was being checked: {os.fspath(path)}. Nothing was written; "
            "run again when the file is complete."
        )


class OutputFailed(InputError):
    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        super().__init__(
            f"Result cannot be written: {os.fspath(path)} ({reason}). The input is unchanged and no "
            "incomplete file is left; free disk space or choose another place, then run again."
        )
