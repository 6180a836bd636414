"""Changes, ticks, deaths of the daemon and runs in any order: with conditions, a lab ends Ready with its last data."""

from __future__ import annotations

import dagster as dg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from datalab.registry import LabState
from tests.living.conditions import Conditions, conditions, provisioned_lab
from tests.living.conftest import FILES, SEGMENTS, segments
from tests.unit.registry.conftest import ME

__all__ = ["conditions"]

STEPS = st.lists(
    st.sampled_from(["replace", "put back", "take out", "tick", "die", "start again", "run"]),
    max_size=10,
)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
@example(["die"])
@example(["tick", "run", "replace", "die"])
@example(["tick", "replace", "run", "die", "start again"])
def test_a_lab_is_ready_with_its_last_data_however_things_happen(conditions: Conditions, steps: list[str]) -> None:
    living, conditions.cursor, conditions.keys = conditions.living, None, []
    registry = living.deployment.registry
    lab, waiting = provisioned_lab(living), list[dg.RunRequest]()
    for number, step in enumerate([*steps, "end", "tick", "run", "tick"]):
        match step:
            case "replace":
                living.provision(lab, {SEGMENTS: segments(20 + number)})
            case "end" if SEGMENTS in registry.provisioning.datasets(lab.id):
                pass
            case "put back" | "end":
                living.provision(lab, FILES)
            case "take out":
                if SEGMENTS in registry.provisioning.datasets(lab.id):
                    registry.provisioning.deprovision(lab.id, SEGMENTS, by=ME)
            case "tick" | "die":
                waiting += conditions.tick(is_stored=step == "tick")
            case "start again":
                conditions.start_again()
            case "run" if waiting:
                living.execute(waiting.pop(), raise_on_error=False)
    while waiting:
        living.execute(waiting.pop(), raise_on_error=False)
    assert living.state(lab) is LabState.READY
    current = registry.results.current(lab.id)
    assert current is not None and dict(current.datasets) == registry.provisioning.datasets(lab.id)
    assert conditions.tick() == [] and len(set(conditions.keys)) == len(conditions.keys)
