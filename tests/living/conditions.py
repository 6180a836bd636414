"""The sensors of a deployment with `automation: conditions`, evaluated by hand; no test is here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pytest

from datalab.home.settings import Automation
from datalab.registry import Lab
from datalab_dagster.definitions import build_definitions
from datalab_dagster.graph.access import STARTS_RUNS
from tests.living.conftest import FILES, Living

SENSOR = STARTS_RUNS[Automation.CONDITIONS]


@dataclass
class Conditions:
    """The sensors of a deployment with conditions, evaluated as the daemon does."""

    living: Living
    cursor: str | None = None
    repository: Any = field(default_factory=lambda: build_definitions().get_repository_def())
    keys: list[str] = field(default_factory=list)
    """The run keys of the runs that Dagster has made: it makes no second one for a key."""

    def evaluate(self) -> Any:
        """Evaluate the conditions; nothing is stored."""
        context = dg.build_sensor_context(self.living.instance, self.cursor, repository_def=self.repository)
        return self.repository.get_sensor_def(SENSOR).evaluate_tick(context)

    def tick(self, *, is_stored: bool = True) -> list[dg.RunRequest]:
        """Return the runs that Dagster makes; if a tick is not stored, the daemon died, and it makes none."""
        found = self.evaluate()
        if not is_stored:
            return []
        self.cursor = found.cursor
        new = [request for request in found.run_requests or [] if request.run_key not in self.keys]
        self.keys += [str(request.run_key) for request in new]
        return new

    def start_again(self) -> None:
        """Load the code location again, as after a kill of the code server."""
        self.repository = build_definitions().get_repository_def()


@pytest.fixture
def conditions(living: Living) -> Iterator[Conditions]:
    living.deployment.home.mkdir(exist_ok=True)
    (living.deployment.home / "datalab.yaml").write_text("automation: conditions\n")
    yield Conditions(living)


def provisioned_lab(living: Living) -> Lab:
    lab = living.lab()
    living.provision(lab, FILES)
    return lab
