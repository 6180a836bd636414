"""The lock and the record of `up`, its logs, and the addresses it may use."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from datalab.home.forks import IS_POSSIBLE
from datalab.home.logs import KEPT, open_log, rotate
from datalab.home.settings import PortalSettings
from datalab.home.up import (
    Child,
    HomeUnusable,
    UpIsRunning,
    UpRecord,
    held,
    left_record,
    remove_record,
    running,
    write_record,
)
from datalab_dagster.up import plan
from datalab_dagster.up.errors import AddressUnusable, PortTaken
from datalab_dagster.up.processes import sweep
from tests.up.processes import free_port, mode_of

RECORD = UpRecord(os.getpid(), "http://127.0.0.1:3000", "http://127.0.0.1:8000", (Child("a", 1, 2.5),), True)


class TestRecord:
    def test_tells_who_runs_and_where(self, tmp_path: Path) -> None:
        home = tmp_path / "new" / "home"
        assert running(home) is None
        with held(home):
            assert running(home) is None  # nothing recorded yet
            write_record(home, RECORD)
            assert running(home) == RECORD
            assert mode_of(home / "up.json") == mode_of(home / "up.lock") == 0o600
        assert running(home) is None

    def test_one_that_an_earlier_up_left_does_not_count(self, tmp_path: Path) -> None:
        write_record(tmp_path, replace(RECORD, pid=os.getpid() + 1))
        with held(tmp_path):
            assert running(tmp_path) is None
            assert left_record(tmp_path) is not None

    def test_a_second_one_names_the_first(self, tmp_path: Path) -> None:
        with held(tmp_path):
            write_record(tmp_path, RECORD)
            where = r"process \d+, Dagster at http://127.0.0.1:3000, portal at"
            with pytest.raises(UpIsRunning, match=where), held(tmp_path):
                raise AssertionError("it was not refused")
            write_record(tmp_path, replace(RECORD, portal_url=None))
            with pytest.raises(UpIsRunning, match="without the portal"), held(tmp_path):
                raise AssertionError("it was not refused")
        with held(tmp_path):
            pass

    def test_a_poll_at_any_moment_stops_no_start(self, tmp_path: Path) -> None:
        with held(tmp_path):
            pass
        polling = multiprocessing.get_context("spawn").Process(target=_poll_all_the_time, args=(tmp_path,))
        polling.start()
        try:
            for _ in range(200):
                with held(tmp_path):
                    pass
        finally:
            polling.kill()
            polling.join()

    @pytest.mark.parametrize("text", ["", "{}", "[]", '{"pid": 1}', '{"pid": 1, "children": [1]}'])
    def test_a_damaged_one_is_none(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "up.json").write_text(text)
        assert left_record(tmp_path) is None
        remove_record(tmp_path)
        remove_record(tmp_path)

    def test_a_home_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(HomeUnusable, match="file/home"), held(tmp_path / "file" / "home"):
            raise AssertionError("it was not refused")

    def test_a_child_takes_the_place_of_the_one_of_its_name(self) -> None:
        after = RECORD.with_child(Child("b", 3, 0)).with_child(Child("a", 4, 0))
        assert [(child.name, child.pid) for child in after.children] == [("b", 3), ("a", 4)]
        assert json.loads(json.dumps([child.pid for child in after.children])) == [3, 4]


def _poll_all_the_time(home: Path) -> None:
    while True:
        running(home)


def test_a_stranger_with_the_number_of_a_dead_child_is_left_alone() -> None:
    me = psutil.Process()
    assert sweep([Child("me", me.pid, me.create_time() - 100), Child("unknown", 2**22 - 1, 0)]) == 0


class TestLogs:
    def test_are_private_and_rotated_under_their_writer(self, tmp_path: Path) -> None:
        path = tmp_path / "logs" / "x.log"
        writer = open_log(path)
        try:
            for number in range(6):
                os.write(writer, f"{number}".encode() * 10)
                assert rotate(path, largest=9) and not rotate(path, largest=9)
            os.write(writer, b"now")
        finally:
            os.close(writer)
        assert path.read_bytes() == b"now"
        older = sorted(path.parent.glob("x.log.*"))
        assert [part.read_text()[:1] for part in older] == ["5", "4", "3"] and len(older) == KEPT
        assert {mode_of(part) for part in [path, *older]} == {0o600} and mode_of(path.parent) == 0o700

    def test_a_log_that_is_not_there_is_not_rotated(self, tmp_path: Path) -> None:
        assert not rotate(tmp_path / "none.log")


class TestAddresses:
    def test_a_taken_port_names_the_option_that_chooses_another(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            with pytest.raises(
                PortTaken, match=rf"Another program is listening on port {port} of 127.0.0.1.* with --port\."
            ):
                plan.Addresses("127.0.0.1", port, None).check()
            with pytest.raises(PortTaken, match="--portal-port"):
                plan.Addresses("127.0.0.1", free_port(), PortalSettings(port=port)).check()

    @pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
    def test_an_address_that_is_not_ours(self, host: str) -> None:
        with pytest.raises(AddressUnusable, match="--host"):
            plan.Addresses(host, free_port(), None).check()

    @pytest.mark.parametrize(
        ("host", "url", "public"),
        [
            ("127.0.0.1", "http://127.0.0.1:3000", False),
            ("localhost", "http://localhost:3000", False),
            ("0.0.0.0", "http://127.0.0.1:3000", True),
            ("::1", "http://[::1]:3000", False),
        ],
    )
    def test_urls_work_on_this_machine(self, host: str, url: str, public: bool) -> None:
        addresses = plan.Addresses(host, 3000, None)
        assert (addresses.dagster_url, addresses.portal_url, addresses.is_public) == (url, None, public)

    def test_code_listens_in_a_private_place_also_under_a_long_home(self, tmp_path: Path) -> None:
        long = tmp_path / ("x" * 100)
        long.mkdir()
        for home in (tmp_path, long):
            services = {one.name: one.arguments for one in plan.services(home, plan.Addresses("127.0.0.1", 1, None))}
            arguments = services["code-server"]
            places = [Path(arguments[arguments.index("--socket") + 1])]
            places += [Path(services["forks"][0])] if IS_POSSIBLE else []
            for place in places:
                assert len(os.fsencode(place)) <= 103 and mode_of(place.parent) == 0o700
        (tmp_path / "run").chmod(0o755)
        with pytest.raises(HomeUnusable, match="not private"):
            plan.services(tmp_path, plan.Addresses("127.0.0.1", 1, None))

    def test_the_portal_is_where_its_settings_say(self, tmp_path: Path) -> None:
        portal = PortalSettings(host="0.0.0.0", port=9000, dagster_url="https://dagster.publisher.example")
        addresses = plan.Addresses("127.0.0.1", 3000, portal)
        assert (addresses.portal_url, addresses.is_public) == ("http://127.0.0.1:9000", False)
        arguments = plan.services(tmp_path, addresses)[-1].arguments
        assert arguments == ("--host", "0.0.0.0", "--port", "9000", "--dagster-url", portal.dagster_url)
        arguments = plan.services(tmp_path, plan.Addresses("127.0.0.1", 3000, PortalSettings()))[-1].arguments
        assert arguments[-1] == "http://127.0.0.1:3000"
