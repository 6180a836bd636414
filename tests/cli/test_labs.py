"""`datalab lab`, `provision` and `deprovision`: what people see, and what the deployment was asked to do."""

from __future__ import annotations

import json
from pathlib import Path

import fsspec
import pytest

from datalab.kinds import DatasetKind
from datalab.registry import Action
from datalab_dagster.service import LabInfo
from tests.cli.conftest import Datalab
from tests.fakes import MemoryService

IDENTIFIERS, SEGMENTS = DatasetKind.IDENTIFIERS, DatasetKind.SEGMENTS


class TestLabs:
    def test_create_says_its_id_its_slots_and_the_next_step(self, datalab: Datalab, lab_file: Path) -> None:
        ended = datalab("lab", "create", lab_file)
        assert (ended.code, ended.err) == (0, "")
        for part in ("lab-1", "Spring", "identifiers, segments", "datalab provision lab-1"):
            assert part in ended.out

    def test_create_under_another_name(self, service: MemoryService, datalab: Datalab, lab_file: Path) -> None:
        ended = datalab("lab", "create", lab_file, "--name", "Autumn", "--json")
        assert ended.json["name"] == ended.json["definition"]["name"] == "Autumn"
        assert service.lab("Autumn").definition.require_segments

    def test_a_wrong_definition_makes_no_lab(self, service: MemoryService, datalab: Datalab, tmp_path: Path) -> None:
        (tmp_path / "wrong.json").write_text(json.dumps({"identifiersConfig": [], "nam": "x"}))
        ended = datalab("lab", "create", "wrong.json")
        assert ended.code == 2 and "did you mean 'name'" in ended.err
        assert service.labs() == []

    def test_an_empty_list_says_how_to_begin(self, datalab: Datalab) -> None:
        assert "datalab lab create" in datalab("lab", "list").out
        assert datalab("lab", "list", "--json").json == []

    def test_the_list_has_a_row_per_lab_with_its_state(self, datalab: Datalab, full_lab: LabInfo) -> None:
        [row] = [line for line in datalab("lab", "list").out.splitlines() if full_lab.id in line]
        assert "Spring" in row and "Not validated" in row and "identifiers, segments" in row
        [listed] = datalab("lab", "list", "--json").json
        assert listed["id"] == full_lab.id and listed["state"]["state"] == "Stale"
        assert [slot["kind"] for slot in listed["slots"]] == ["identifiers", "segments"]

    def test_show_tells_the_definition_the_slots_and_every_change(self, datalab: Datalab, full_lab: LabInfo) -> None:
        shown = datalab("lab", "show", "Spring").out
        for part in ("email", "HASHED" if "HASHED" in shown else "EMAIL", "identifiers.csv", "provisioned"):
            assert part in shown
        assert full_lab.slots[0].manifest_hash[:12] in shown
        assert f"Partition key in Dagster: {full_lab.partition_key}" in shown
        assert len(datalab("lab", "show", "Spring", "--json").json["events"]) == 2

    def test_rekey_says_the_key(self, datalab: Datalab, full_lab: LabInfo) -> None:
        said = f"Lab {full_lab.id} (Spring) has the partition key spring~new.\n"
        assert datalab("lab", "rekey", "Spring").out == said
        assert datalab("lab", "rekey", full_lab.id, "--json").json["partitionKey"] == "spring~new"

    def test_an_unknown_lab_names_the_near_one(self, datalab: Datalab, lab: LabInfo) -> None:
        ended = datalab("lab", "show", lab.id + "0")
        assert ended.code == 2 and f"did you mean '{lab.id}'" in ended.err

    def test_deleting_asks_first_and_needs_a_terminal_for_it(
        self, service: MemoryService, datalab: Datalab, lab: LabInfo, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
        ended = datalab("lab", "delete", lab.id)
        assert ended.code == 2 and "--yes" in ended.err and service.labs()
        assert datalab("lab", "delete", lab.id, "--yes").code == 0
        assert service.labs() == []

    @pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 0), ("n\n", 130, 1)])
    def test_on_a_terminal_the_answer_counts(
        self,
        service: MemoryService,
        datalab: Datalab,
        lab: LabInfo,
        monkeypatch: pytest.MonkeyPatch,
        answer: str,
        code: int,
        left: int,
    ) -> None:
        import io

        typed = io.TextIOWrapper(io.BytesIO(answer.encode()))
        monkeypatch.setattr(typed, "isatty", lambda: True, raising=False)
        monkeypatch.setattr("sys.stdin", typed)
        ended = datalab("lab", "delete", lab.id)
        assert (ended.code, len(service.labs())) == (code, left)
        assert "Spring" in ended.out
        assert ("Nothing was changed." in ended.err) == bool(left)


class TestProvisioning:
    def test_files_are_uploaded_and_provisioned_in_one_change(
        self, service: MemoryService, datalab: Datalab, lab: LabInfo, files: Path
    ) -> None:
        ended = datalab("provision", lab.id, "--segments", "segments.csv", "--identifiers", "identifiers.csv")
        assert (ended.code, ended.err) == (0, "")
        assert sorted(service.uploads) == ["identifiers.csv", "segments.csv"]
        slots = service.lab(lab.id).slots
        assert [(slot.kind, slot.dataset_name) for slot in slots] == [
            (IDENTIFIERS, "identifiers.csv"),
            (SEGMENTS, "segments.csv"),
        ]
        assert "Not validated" in ended.out and all(slot.manifest_hash in ended.out for slot in slots)

    def test_a_file_at_an_address_is_fetched_by_its_connector(
        self, service: MemoryService, datalab: Datalab, lab: LabInfo
    ) -> None:
        fsspec.filesystem("memory").pipe("/exports/ids.csv", b"u1,email,a@example.com\n")
        ended = datalab("provision", lab.id, "--identifiers", "memory://exports/ids.csv")
        assert (ended.code, ended.err) == (0, "")
        fsspec.filesystem("memory").pipe("exports/a::ids.csv", b"u1,email,b@example.com\n")
        ended = datalab("provision", lab.id, "--identifiers", "memory://exports/a::ids.csv")
        assert (ended.code, ended.err) == (0, ""), "`::` is part of a name"
        assert service.uploads == ["ids.csv", "a::ids.csv"]
        for wrong, said in (
            ("memory://exports/other.csv", "no file at memory://exports/other.csv"),
            ("nonsense://exports/ids.csv", "no connector for addresses that begin with 'nonsense://'"),
        ):
            refused = datalab("provision", lab.id, "--segments", wrong)
            assert refused.code == 2 and said in refused.err
        assert service.uploads == ["ids.csv", "a::ids.csv"]

    def test_a_hash_may_be_shortened_to_eight_characters(
        self, service: MemoryService, datalab: Datalab, lab: LabInfo, files: Path
    ) -> None:
        uploaded = datalab("dataset", "upload", "identifiers.csv", "--json").json["manifestHash"]
        ended = datalab("provision", lab.id, "--identifiers", uploaded[:8], "--cause", "weekly", "--json")
        assert ended.json["slots"][0]["manifestHash"] == uploaded
        assert [event.cause for event in service.events(lab.id)] == ["weekly"]
        assert len(service.uploads) == 1

    def test_provisioning_the_same_again_changes_nothing_and_says_so(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo
    ) -> None:
        ended = datalab("provision", full_lab.id, "--segments", full_lab.slots[1].manifest_hash)
        assert ended.code == 0 and "Already provisioned: segments" in ended.out
        assert len(service.events(full_lab.id)) == 2

    def test_a_reprovisioned_dataset_shows_what_it_replaced(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo, files: Path
    ) -> None:
        (files / "new.csv").write_text("u1,s2\n")
        assert datalab("provision", "Spring", "--segments", "new.csv").code == 0
        assert service.events(full_lab.id)[-1].action is Action.REPROVISIONED
        assert full_lab.slots[1].manifest_hash[:12] in datalab("lab", "show", "Spring").out

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ([], "--identifiers"),
            (["--demographics", "segments.csv"], "no slot for demographics"),
            (["--identifiers", "nowhere.csv"], "neither a file nor a manifest hash"),
            (["--identifiers", "0badcafe"], "no dataset with manifest hash 0badcafe"),
            (["--identifiers", "."], "is a directory"),
        ],
    )
    def test_what_cannot_be_provisioned_is_refused_before_anything_is_uploaded(
        self, service: MemoryService, datalab: Datalab, lab: LabInfo, files: Path, options: list[str], said: str
    ) -> None:
        ended = datalab("provision", lab.id, *options, *(["--segments", "segments.csv"] if options else []))
        assert ended.code == 2 and said in ended.err
        assert service.uploads == [] and service.lab(lab.id).slots == []

    def test_deprovisioning_empties_slots_in_one_change(
        self, service: MemoryService, datalab: Datalab, full_lab: LabInfo
    ) -> None:
        ended = datalab("deprovision", full_lab.id, "segments")
        assert ended.code == 0 and "Incomplete" in ended.out and "not provisioned" in ended.out
        assert [slot.kind for slot in service.lab(full_lab.id).slots] == [IDENTIFIERS]
        refused = datalab("deprovision", full_lab.id, "identifiers", "segments")
        assert refused.code == 2 and "Nothing is provisioned as segments" in refused.err
        assert [slot.kind for slot in service.lab(full_lab.id).slots] == [IDENTIFIERS]

    def test_events_name_who_asked(self, service: MemoryService, datalab: Datalab, lab: LabInfo, files: Path) -> None:
        datalab("provision", lab.id, "--identifiers", "identifiers.csv", "--user", "you@publisher.example")
        assert [event.by for event in service.events(lab.id)] == ["you@publisher.example"]
