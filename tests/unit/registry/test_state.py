"""Every combination of facts, against a table written by hand."""

from __future__ import annotations

import itertools

import pytest

from datalab.kinds import DatasetKind
from datalab.registry import Facts, LabState, RunState, state_of
from datalab.registry.records import Verdict

from .conftest import DEMOGRAPHICS, IDENTIFIERS, SEGMENTS

NO_RUN = None
STARTED, FINISHED, BROKE, SUPERSEDED, CANCELLED = RunState

TABLE: dict[tuple[Verdict | None, RunState | None], str] = {
    (None, NO_RUN): "Stale",
    (None, STARTED): "Validating",
    (None, FINISHED): "Stale",
    (None, BROKE): "Failed",
    (None, SUPERSEDED): "Stale",
    (None, CANCELLED): "Stale",
    ("SUCCESS", NO_RUN): "Ready",
    ("SUCCESS", STARTED): "Ready",
    ("SUCCESS", FINISHED): "Ready",
    ("SUCCESS", BROKE): "Ready",
    ("SUCCESS", SUPERSEDED): "Ready",
    ("SUCCESS", CANCELLED): "Ready",
    ("FAILED", NO_RUN): "Failed",
    ("FAILED", STARTED): "Validating",
    ("FAILED", FINISHED): "Failed",
    ("FAILED", BROKE): "Failed",
    ("FAILED", SUPERSEDED): "Failed",
    ("FAILED", CANCELLED): "Failed",
}
"""(newest verdict on exactly what is provisioned, newer run on it) → state of a complete lab."""

REQUIRED = [IDENTIFIERS, SEGMENTS]
HELD = {"Empty": [], "Incomplete": [SEGMENTS], "Full": REQUIRED}


def test_the_table_is_complete() -> None:
    assert set(TABLE) == set(itertools.product((None, "SUCCESS", "FAILED"), (None, *RunState)))


@pytest.mark.parametrize(("verdict", "run"), TABLE)
def test_every_case(verdict: Verdict | None, run: RunState | None) -> None:
    for held, before, busy, reason in itertools.product(HELD, (False, True), (False, True), (None, "why.")):
        facts = Facts("lab-1", REQUIRED, HELD[held], verdict, run, reason, before, busy)
        result = state_of(facts)
        assert result.state.value == (TABLE[verdict, run] if held == "Full" else held)
        assert result.reason.endswith(".") and ".." not in result.reason
        assert "lab-1" in result.next_step and result.next_step.endswith(".")
        if result.state is LabState.READY:
            assert verdict == "SUCCESS" and set(facts.provisioned) == set(REQUIRED)


@pytest.mark.parametrize(
    ("facts", "reason", "next_step"),
    [
        (
            Facts("L", [IDENTIFIERS, SEGMENTS, DEMOGRAPHICS], []),
            "No dataset is provisioned.",
            "Provision identifiers, segments and demographics (`datalab provision L …`).",
        ),
        (
            Facts("L", REQUIRED, [IDENTIFIERS]),
            "Segments is not provisioned.",
            "Provision segments (`datalab provision L …`).",
        ),
        (
            Facts("L", list(DatasetKind), [SEGMENTS, DEMOGRAPHICS]),
            "Identifiers and embeddings are not provisioned.",
            "Provision identifiers and embeddings (`datalab provision L …`).",
        ),
        (
            Facts("L", REQUIRED, REQUIRED, "SUCCESS", BROKE, "disk full"),
            "Both datasets passed validation. A later run on them was interrupted: disk full.",
            "Read its statistics (`datalab results L`), then use the lab in a Media DCR.",
        ),
        (
            Facts("L", REQUIRED, REQUIRED, "SUCCESS", BROKE, "disk full", run_gave_verdict=True),
            "Both datasets passed validation. The run failed after its verdict: disk full.",
            "Read its statistics (`datalab results L`), then use the lab in a Media DCR.",
        ),
        (
            Facts("L", REQUIRED, REQUIRED, None, STARTED),
            "These datasets are being validated.",
            "Wait (`datalab status L --watch`).",
        ),
        (
            Facts("L", REQUIRED, REQUIRED, None, BROKE, "disk full"),
            "Validation stopped before it finished: disk full.",
            "Remove the cause, then start it again (`datalab validate L`).",
        ),
        (
            Facts("L", REQUIRED, REQUIRED, "FAILED"),
            "The validation of these datasets failed.",
            "Read the findings (`datalab results L`), correct the data and provision them again.",
        ),
        (
            Facts("L", REQUIRED, REQUIRED, validated_before=True, outdated_run=True),
            "The datasets have changed since the last validation. A validation of the replaced data is still running; "
            "its result will not count.",
            "While `datalab up` runs, a validation starts automatically; otherwise: `datalab validate L`.",
        ),
        (
            Facts("L", REQUIRED, REQUIRED, None, RunState.CANCELLED, "Cancelled by me."),
            "The validation of these datasets was cancelled: Cancelled by me.",
            "Start the validation (`datalab validate L`).",
        ),
        (
            Facts("L", REQUIRED, REQUIRED, None, RunState.SUPERSEDED, "Segments was replaced."),
            "These datasets have not been validated yet.",
            "While `datalab up` runs, a validation starts automatically; otherwise: `datalab validate L`.",
        ),
    ],
)
def test_words(facts: Facts, reason: str, next_step: str) -> None:
    assert (state_of(facts).reason, state_of(facts).next_step) == (reason, next_step)
