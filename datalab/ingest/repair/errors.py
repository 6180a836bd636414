"""The errors of a repair; the tree of exceptions is in `datalab.errors`."""

from __future__ import annotations

from collections.abc import Iterable

from datalab.codes import explain
from datalab.errors import InputError, UsageError


class NotRepairable(InputError):
    """A file is damaged, or is no dataset: no step can read it."""

    def __init__(self, file: object, reason: str) -> None:
        super().__init__(f"{file} cannot be repaired: {reason} Nothing was written.")

    @classmethod
    def by_code(cls, file: object, code: str) -> NotRepairable:
        """Return the error of a file whose validation would fail with `code`."""
        entry = explain(code)
        return cls(file, f"{entry.reason}. {entry.advice}")


class KindUnknown(UsageError):
    """It is not certain which dataset a file is, and nothing else says it."""

    def __init__(self, file: object, looks: str, possible: Iterable[str]) -> None:
        super().__init__(f"{file}: {looks} Name the dataset: `--kind {'|'.join(possible)}`.")


class StepNotProposed(UsageError):
    """A step was chosen that has nothing to do."""

    def __init__(self, names: Iterable[str], proposed: Iterable[str]) -> None:
        found = ", ".join(proposed)
        rest = f"The steps of this file are: {found}." if found else "No step is proposed for this file."
        wanted = ", ".join(names)
        super().__init__(f"There is nothing to do{f' for {wanted}' if wanted else ''}; nothing was written. {rest}")
