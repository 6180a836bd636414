"""The models of lookalike audiences, behind one protocol; which users they learn from is decided in `training`.

Their packages are an extra: they are imported when a model is made.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from datalab.media.lookalikes import ModelNotInstalled

EXTRA = "lookalike"
BOOSTING_EXTRA = "lookalike-boosting"

Rows = Any
"""A matrix with a row per user: dense, or sparse (scipy's CSR)."""


class Model(Protocol):
    """Learns from users, and gives others a probability."""

    def fit(self, rows: Rows, positive: NDArray[np.bool_]) -> None:
        """Learn which rows are positive; both classes weigh the same."""

    def score(self, rows: Rows) -> NDArray[np.float64]:
        """Return the probability of each row to be positive."""


class LogisticRegression:
    """L2 logistic regression of scikit-learn: no random state, one weight per column."""

    def __init__(self) -> None:
        linear = needed("sklearn.linear_model")
        self._model = linear.LogisticRegression(C=1.0, max_iter=100, class_weight="balanced")

    def fit(self, rows: Rows, positive: NDArray[np.bool_]) -> None:
        with _one_thread(), warnings.catch_warnings():
            # A hundred iterations are the rule, converged or not.
            warnings.simplefilter("ignore", needed("sklearn.exceptions").ConvergenceWarning)
            self._model.fit(rows, positive)

    def score(self, rows: Rows) -> NDArray[np.float64]:
        with _one_thread():
            found: NDArray[np.float64] = self._model.predict_proba(rows)[:, 1]
        return found


class GradientBoosting:
    """LightGBM: trees, for data in which properties matter together."""

    def __init__(self) -> None:
        boosting = needed("lightgbm", BOOSTING_EXTRA)
        self._model = boosting.LGBMClassifier(
            n_estimators=100,
            num_leaves=31,
            class_weight="balanced",
            deterministic=True,
            force_row_wise=True,
            n_jobs=1,
            verbosity=-1,
        )

    def fit(self, rows: Rows, positive: NDArray[np.bool_]) -> None:
        self._model.fit(rows, positive)

    def score(self, rows: Rows) -> NDArray[np.float64]:
        found: NDArray[np.float64] = self._model.predict_proba(rows)[:, 1]
        return found


class Constant:
    """The model of users about whom nothing is known: all scores are equal."""

    def fit(self, rows: Rows, positive: NDArray[np.bool_]) -> None:
        """Learn nothing."""

    def score(self, rows: Rows) -> NDArray[np.float64]:
        return np.full(rows.shape[0], 0.5)


MODELS: dict[str, Callable[[], Model]] = {
    "logistic_regression": LogisticRegression,
    "gradient_boosting": GradientBoosting,
}
"""By the names in ROOM.json."""


def needed(module: str, extra: str = EXTRA) -> Any:
    """Return a module of an extra.

    Raises:
        ModelNotInstalled: the extra is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ModelNotInstalled(extra) from None


def _one_thread() -> Any:
    """Limit BLAS to one thread: with several, the order of additions differs from run to run."""
    return needed("threadpoolctl").threadpool_limits(1)
