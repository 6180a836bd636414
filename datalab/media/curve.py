"""The quality of a ranking over held-out users, best first (docs/spec/media.md#53-statistics)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_POINTS = 1_001


@dataclass(frozen=True)
class Curve:
    """The points of a curve: how many held-out users, and how many positives among them, have at least some score."""

    users: NDArray[np.int64]
    positives: NDArray[np.int64]

    @classmethod
    def of(cls, users: NDArray[np.int64], positives: NDArray[np.int64]) -> Curve:
        """Return the curve of the numbers of users and positives per distinct score, the highest first."""
        return cls(*(np.concatenate([[0], np.cumsum(counts)]) for counts in (users, positives)))

    @property
    def size(self) -> int:
        """The number of held-out users."""
        return int(self.users[-1])

    @property
    def positive(self) -> int:
        """How many of them are positive."""
        return int(self.positives[-1])

    @property
    def _is_flat(self) -> bool:
        return self.positive in (0, self.size)

    @property
    def reach(self) -> NDArray[np.float64]:
        """The share of held-out users up to each point."""
        return np.array([0.0, 1.0]) if self._is_flat else self.users / self.size

    @property
    def tpr(self) -> NDArray[np.float64]:
        """The share of positives up to each point: recall."""
        return self.reach if self._is_flat else self.positives / self.positive

    @property
    def fpr(self) -> NDArray[np.float64]:
        """The share of the others up to each point."""
        return self.reach if self._is_flat else (self.users - self.positives) / (self.size - self.positive)

    @property
    def auc(self) -> float:
        """The area under the curve, by trapezoids."""
        return 0.5 if self._is_flat else float(np.trapezoid(self.tpr, self.fpr))

    def at(self, reach: float) -> dict[str, float]:
        """Return tpr and fpr at a reach, between two points on the line that joins them."""
        found = {"tpr": np.interp(reach, self.reach, self.tpr), "fpr": np.interp(reach, self.reach, self.fpr)}
        return {name: round(float(value), 3) for name, value in found.items()}

    def document(self) -> dict[str, Any]:
        """Return the curve as it is published, with at most 1,001 points."""
        chosen = self._shown()
        lists = {"fpr": self.fpr, "tpr": self.tpr, "reach": self.reach}
        return {
            "auc": round(self.auc, 3),
            **{name: [round(value, 3) for value in values[chosen].tolist()] for name, values in lists.items()},
        }

    def _shown(self) -> NDArray[np.intp]:
        """Return the points that are published: of too many, those nearest to each thousandth of reach."""
        points = len(self.reach)
        if points <= _MOST_POINTS:
            return np.arange(points)
        # In whole numbers, because two points may be equally near: then the earlier one is taken.
        scaled, wanted = self.users * 1_000, np.arange(_MOST_POINTS) * self.size
        after = np.searchsorted(scaled, wanted).clip(1, points - 1)
        before = after - 1
        return np.unique(np.where(wanted - scaled[before] <= scaled[after] - wanted, before, after))
