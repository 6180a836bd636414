"""The quality of a lookalike audience as scripts read it: the curve of held-out users alone."""

from __future__ import annotations

import json
from typing import Any, Self


class LalAudienceStatistics:
    """The curve of held-out users of a lookalike model."""

    def __init__(self, auc: float, fpr: list[float], tpr: list[float]) -> None:
        self.auc = auc
        self.fpr = fpr
        self.tpr = tpr

    def model_dump(self) -> dict[str, Any]:
        """Return the curve in the keys of the result."""
        return {"quality": {"roc_curve": {"auc": self.auc, "fpr": self.fpr, "tpr": self.tpr}}}

    def model_dump_json(self, indent: int | None = None) -> str:
        """Return the curve as JSON.

        >>> LalAudienceStatistics(0.5, [0.0, 1.0], [0.0, 1.0]).model_dump_json()
        '{"quality": {"roc_curve": {"auc": 0.5, "fpr": [0.0, 1.0], "tpr": [0.0, 1.0]}}}'
        """
        return json.dumps(self.model_dump(), indent=indent)

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> Self:
        """Read the curve of a result; the sizes in it are left out."""
        curve = d["quality"]["roc_curve"]
        return cls(auc=curve["auc"], fpr=curve["fpr"], tpr=curve["tpr"])
