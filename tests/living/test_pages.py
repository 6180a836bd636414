"""What Dagster's pages show of labs: which partitions there are, and what is out of date in them."""

from __future__ import annotations

from datalab.registry import LabState
from datalab_dagster.definitions import build_definitions
from tests.living.conftest import FILES, IDENTIFIERS, SEGMENTS, Living, segments
from tests.staleness import stale
from tests.unit.registry.conftest import ME


def test_the_partitions_are_the_labs_that_have_a_dataset(living: Living) -> None:
    kept, deleted, _ = living.lab(), living.lab(), living.lab()
    for lab in (kept, deleted):
        living.provision(lab, {IDENTIFIERS: FILES[IDENTIFIERS]})
    living.instance.add_dynamic_partitions("data_labs", ["by hand"])
    living.tick()
    partitions = living.instance.get_dynamic_partitions
    assert set(partitions("data_labs")) == {kept.partition_key, deleted.partition_key}
    living.deployment.registry.labs.delete(deleted.id, by=ME)
    living.tick()
    assert partitions("data_labs") == [kept.partition_key]


def test_the_asset_graph_shows_which_labs_are_stale(living: Living) -> None:
    lab, other = living.lab(), living.lab()
    for one in (lab, other):
        living.provision(one, FILES)
    for request in living.tick():
        living.execute(request)
    living.provision(lab, {SEGMENTS: segments(11)})
    living.report()
    code, rows = build_definitions(), ("valid_identifiers", "valid_segments")
    assert [stale(living.instance, code, rows, one.partition_key) for one in (lab, other)] == [
        {"valid_segments"},
        set(),
    ]
    living.execute(*living.tick())
    assert stale(living.instance, code, rows, lab.partition_key) == set()


def test_a_lab_that_waits_for_datasets_is_not_shown_as_stale(living: Living) -> None:
    new, emptied = living.lab(), living.lab()
    living.provision(emptied, FILES)
    living.provision(new, {IDENTIFIERS: FILES[IDENTIFIERS]})
    living.report()
    for request in living.tick():
        living.execute(request)
    living.deployment.registry.provisioning.deprovision(emptied.id, SEGMENTS, by=ME)
    living.report()
    assert living.tick() == []
    code = build_definitions()
    assets = [key.to_user_string() for key in code.resolve_asset_graph().get_all_asset_keys()]
    for lab in (new, emptied):
        assert living.state(lab) is LabState.INCOMPLETE
        assert stale(living.instance, code, assets, lab.partition_key) == set()
