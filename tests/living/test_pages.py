"""What Dagster's pages show of labs: which partitions there are, and what is out of date in them."""

from __future__ import annotations

import dagster as dg
import pytest
from sqlalchemy import text

from datalab.registry import Lab, LabState
from datalab.registry.partition_keys import RekeyRefused
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


def of_an_earlier_version(living: Living) -> Lab:
    lab = living.lab()
    with living.deployment.registry.database.engine.begin() as connection:
        connection.execute(text("UPDATE datalab_registry.labs SET partition_key = id"))
    return living.deployment.registry.labs.get(lab.id)


def test_a_lab_of_an_earlier_version_goes_on_under_its_id(living: Living) -> None:
    lab = of_an_earlier_version(living)
    for files in (FILES, {SEGMENTS: segments(11)}):
        living.provision(lab, files)
        living.report()
        [request] = living.tick()
        assert request.partition_key == lab.id and living.execute(request).success
    assert living.state(lab) is LabState.READY and len(living.deployment.registry.results.history(lab.id)) == 2
    with pytest.raises(RekeyRefused):
        living.deployment.registry.labs.rekey(lab.id)
    assert living.instance.get_dynamic_partitions("data_labs") == [lab.id]


def test_a_lab_with_a_new_key_has_all_assets_under_it(living: Living) -> None:
    lab = of_an_earlier_version(living)
    living.provision(lab, {IDENTIFIERS: FILES[IDENTIFIERS]})
    living.report()
    assert living.execute(*living.tick()).success
    lab = living.deployment.registry.labs.rekey(lab.id)
    living.provision(lab, {SEGMENTS: FILES[SEGMENTS]})
    living.report()
    assert living.instance.get_dynamic_partitions("data_labs") == [lab.partition_key]
    assert living.execute(*living.tick()).success and living.state(lab) is LabState.READY
    code = build_definitions()
    assets = ("identifiers", "segments", "valid_identifiers", "valid_segments", "users", "dashboard")
    for asset in assets:
        assert living.instance.get_materialized_partitions(dg.AssetKey(asset)) >= {lab.partition_key}, asset
    assert stale(living.instance, code, assets, lab.partition_key) == set()
