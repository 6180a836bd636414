"""The errors of a repair; the tree of exceptions is in `datalab.errors`."""

from __future__ import annotations

import os
from collections.abc import Iterable

from datalab.codes import explain
from datalab.errors import InputError, UsageError


class NotRepairable(InputError):
    """A file is damaged, or is no dataset: no step can read it."""

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        super().__init__(f"{os.fspath(path)} cannot be repaired: {reason} Nothing was written.")

    @classmethod
    def by_code(cls, path: str | os.PathLike[str], code: str) -> NotRepairable:
        """Return the error of a file whose validation would fail with `code`."""
        entry = explain(code)
        return cls(path, f"{entry.reason}. {entry.advice}")


class KindUnknown(UsageError):
    """It is not certain which dataset a file is, and nothing else says it."""

    def __init__(self, path: str | os.PathLike[str], looks: str, possible: Iterable[str]) -> None:
        super().__init__(f"{os.fspath(path)}: {looks} Name the dataset: `--kind {'|'.join(possible)}`.")


class StepNotProposed(UsageError):
    """A step was chosen that has nothing to do."""

    def __init__(self, names: Iterable[str], proposed: Iterable[str]) -> None:
        found = ", ".join(proposed)
        rest = f"The steps of this file are: {found}." if found else "No step is proposed for this file."
        super().__init__(f"There is nothing to do for {', '.join(names)}; nothing was written. {rest}")
