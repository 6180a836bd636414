"""The configuration of a run is a stranger's input: it names no file and no option that the settings do not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import fsspec
import pytest

from datalab.connectors import Entry, EntryChanged, EntryIsLink, connector_for
from datalab.connectors.local import open_below
from datalab.errors import UsageError
from datalab.registry import Lab
from datalab_dagster.definitions import build_definitions
from datalab_dagster.graph.drop_zones import TakenFile, take_from_drop_zone
from tests.living.conftest import FILES, IDENTIFIERS, Living, living, segments, server, url

__all__ = ["living", "server", "url"]

pytestmark = pytest.mark.attack


@pytest.fixture
def zone(living: Living, tmp_path: Path) -> Path:
    """A drop zone with a file, in which part of the path has a wildcard."""
    folder = tmp_path / "drop"
    (folder / "2026-11").mkdir(parents=True)
    (folder / "2026-11" / "segments-1.csv").write_text(segments(12))
    living.deployment.home.mkdir(exist_ok=True)
    (living.deployment.home / "datalab.yaml").write_text(
        f"dropZones:\n  - {{lab: mine, dataset: segments, pattern: '{folder}/2026-*/segments-*.csv'}}\n"
    )
    return folder


@pytest.fixture
def lab(living: Living) -> Lab:
    lab = living.lab()
    living.provision(lab, {IDENTIFIERS: FILES[IDENTIFIERS]})
    return lab


def take(living: Living, lab: Lab, address: str, *, dataset: str = "segments") -> UsageError | None:
    """Launch the job with the fingerprint of what is there, as an attacker would; return why it failed."""
    file = TakenFile(lab=lab.id, dataset=dataset, url=address, fingerprint=fingerprint(address))
    config = dg.RunConfig(ops={"take_file": file})
    try:
        take_from_drop_zone.execute_in_process(config, instance=living.instance)
    except UsageError as error:
        return error
    return None


def fingerprint(address: str) -> str:
    try:
        entry = connector_for(address).find(address)
    except UsageError:
        entry = None
    return entry.fingerprint if entry else Entry(address, 0, "", None).fingerprint


def datasets(living: Living) -> int:
    return len(living.deployment.registry.datasets.all())


def test_the_listed_file_is_taken(living: Living, lab: Lab, zone: Path) -> None:
    before = datasets(living)
    assert take(living, lab, f"file://{zone}/2026-11/segments-1.csv") is None
    assert datasets(living) == before + 1


def master_key(living: Living, zone: Path) -> str:
    return f"file://{living.deployment.home}/master.key"


def beside(living: Living, zone: Path) -> str:
    (zone / "2026-11" / "other.csv").write_text(segments(12))
    return f"file://{zone}/2026-11/other.csv"


def outside_by_dots(living: Living, zone: Path) -> str:
    return f"file://{zone}/2026-11/../../../{living.deployment.home.name}/master.key"


def a_link(living: Living, zone: Path) -> str:
    (zone / "2026-11" / "segments-2.csv").symlink_to(living.deployment.home / "master.key")
    return f"file://{zone}/2026-11/segments-2.csv"


def behind_a_link(living: Living, zone: Path) -> str:
    (living.deployment.home / "segments-3.csv").write_text(segments(12))
    (zone / "2026-12").symlink_to(living.deployment.home)
    return f"file://{zone}/2026-12/segments-3.csv"


def another_scheme(living: Living, zone: Path) -> str:
    fsspec.filesystem("memory").pipe("/segments-1.csv", segments(12).encode())
    return "memory://segments-1.csv"


def a_chain(living: Living, zone: Path) -> str:
    return f"simplecache::file://{zone}/2026-11/segments-1.csv"


def a_chain_elsewhere(living: Living, zone: Path) -> str:
    return f"file://{zone}/2026-11/segments-1.csv::{master_key(living, zone)}"


def a_pipe(living: Living, zone: Path) -> str:
    os.mkfifo(zone / "2026-11" / "segments-4.csv")
    return f"file://{zone}/2026-11/segments-4.csv"


@pytest.mark.parametrize(
    "address",
    [
        master_key,
        beside,
        outside_by_dots,
        a_link,
        behind_a_link,
        another_scheme,
        a_chain,
        a_chain_elsewhere,
        a_pipe,
    ],
)
def test_nothing_else_is_taken(living: Living, lab: Lab, zone: Path, address: Callable[[Living, Path], str]) -> None:
    assert (living.deployment.home / "master.key").exists()
    before = datasets(living)
    error = take(living, lab, address(living, zone))
    assert isinstance(error, UsageError), error
    assert datasets(living) == before
    assert list(living.deployment.registry.provisioning.datasets(lab.id)) == [IDENTIFIERS]


def test_nor_for_another_dataset_or_in_another_version(living: Living, lab: Lab, zone: Path) -> None:
    address = f"file://{zone}/2026-11/segments-1.csv"
    assert isinstance(take(living, lab, address, dataset="demographics"), UsageError)
    file = TakenFile(lab=lab.id, dataset="segments", url=address, fingerprint="0" * 16)
    with pytest.raises(EntryChanged):
        take_from_drop_zone.execute_in_process(dg.RunConfig(ops={"take_file": file}), instance=living.instance)


def test_what_is_exchanged_after_it_was_listed_is_not_opened(zone: Path, tmp_path: Path) -> None:
    pattern = f"{zone}/2026-*/segments-*.csv"
    connector = connector_for(pattern)
    [entry] = connector.list(pattern)
    with connector.open_listed(pattern, entry) as source:
        assert source.read() == segments(12).encode()
    secret = tmp_path / "secret"
    secret.write_text(segments(12))
    os.utime(secret, ns=((zone / "2026-11" / "segments-1.csv").stat().st_mtime_ns,) * 2)
    (zone / "2026-11" / "segments-1.csv").unlink()
    (zone / "2026-11" / "segments-1.csv").symlink_to(secret)
    with pytest.raises(EntryIsLink), connector.open_listed(pattern, entry):
        pytest.fail("it was opened")
    with pytest.raises(EntryIsLink):
        open_below(str(zone), f"{zone}/2026-11/segments-1.csv")


def test_a_zone_may_itself_be_behind_a_link(zone: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(zone)
    pattern = f"{tmp_path}/linked/2026-*/segments-*.csv"
    [entry] = connector_for(pattern).list(pattern)
    with connector_for(pattern).open_listed(pattern, entry) as source:
        assert source.read() == segments(12).encode()


@pytest.mark.parametrize(
    ("resource", "option"),
    [
        ("workspace", {"minimum_count": 0}),
        ("workspace", {"statistics_version": 1}),
        ("sql", {"memory_limit": "1TiB"}),
        ("sql", {"threads": 999}),
        ("thresholds", {"limits": {}}),
    ],
)
def test_settings_are_not_set_at_launch(living: Living, resource: str, option: dict[str, Any]) -> None:
    job = build_definitions().resolve_job_def("validate_data_lab")
    assert dg.validate_run_config(job, {})
    [name] = option
    with pytest.raises(dg.DagsterInvalidConfigError, match=f'unexpected config entry "{name}"'):
        dg.validate_run_config(job, {"resources": {resource: {"config": option}}})
