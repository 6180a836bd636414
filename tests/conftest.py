"""What all tests share: how long Hypothesis searches, and small files to check."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.labs import Checked, check_text

_PATIENT = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture]
settings.register_profile("quick", max_examples=40, deadline=None, derandomize=True, suppress_health_check=_PATIENT)
settings.register_profile("long", max_examples=1_000, deadline=None, suppress_health_check=_PATIENT)
settings.register_profile("thorough", max_examples=20_000, deadline=None, suppress_health_check=_PATIENT)
settings.load_profile("quick")


@pytest.fixture
def check(tmp_path: Path) -> Callable[..., Checked]:
    """Checks a text as a dataset: `check("segments", "u1,s1\\n", lab=…)`."""

    def run(dataset: str, text: str | bytes, **options: object) -> Checked:
        return check_text(tmp_path, dataset, text, **options)  # type: ignore[arg-type]

    return run


@pytest.fixture
def tiny_chunks(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes files be read in chunks of a few bytes, so that a small file has many blocks."""
    from datalab.ingest.text import TextMember

    return lambda size: monkeypatch.setattr(TextMember.chunks, "__defaults__", (size,))


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Name cases by their argument where the value is bytes: compressed bytes differ between processes."""
    del config
    return argname if isinstance(val, bytes) else None
