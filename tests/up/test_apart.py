"""Work in a fork of `up`: what it returns and raises arrives, what it loads does not stay."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from datalab.errors import DatalabError, UnexpectedFailure
from datalab.home.errors import SettingsWrong
from datalab.home.forks import IS_POSSIBLE
from datalab_dagster.up.apart import apart
from datalab_dagster.up.errors import PortTaken

HEAVY = ("alembic", "cryptography", "dagster", "duckdb", "httpx", "numpy", "pandas", "pyarrow", "sqlalchemy")


def raising(error: BaseException) -> None:
    raise error


def test_the_result_of_work_arrives_from_another_process() -> None:
    pid, text = apart(lambda: (os.getpid(), "done"))
    assert text == "done" and (pid != os.getpid()) == IS_POSSIBLE


@pytest.mark.parametrize(
    "error", [PortTaken("127.0.0.1", 3000, "--port"), SettingsWrong(Path("datalab.yaml"), ["portal.port: no number"])]
)
def test_an_error_arrives_with_its_class_its_text_and_its_facts(error: DatalabError) -> None:
    with pytest.raises(type(error)) as raised:
        apart(lambda: raising(error))
    assert str(raised.value) == str(error) and vars(raised.value) == vars(error)


def test_ctrl_c_arrives() -> None:
    with pytest.raises(KeyboardInterrupt):
        apart(lambda: raising(KeyboardInterrupt()))


@pytest.mark.skipif(not IS_POSSIBLE, reason="work is done in a fork on Linux only")
class TestFork:
    def test_the_text_of_any_other_error_does_not(self) -> None:
        with pytest.raises(UnexpectedFailure) as raised:
            apart(lambda: raising(ValueError("me@publisher.example")))
        assert "publisher" not in str(raised.value)

    def test_one_that_is_killed_is_a_failure(self) -> None:
        with pytest.raises(UnexpectedFailure):
            apart(lambda: os.kill(os.getpid(), signal.SIGKILL))

    def test_it_does_not_outlive_its_parent(self) -> None:
        code = (
            "import os, signal, sys, time\nfrom datalab_dagster.up.apart import apart\n"
            "def work():\n os.write(1, b'%d' % os.getpid())\n os.kill(os.getppid(), signal.SIGKILL)\n time.sleep(100)\n"
            "apart(work)"
        )
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
        assert ended.returncode == -signal.SIGKILL  # and its output has been closed: nothing else has it

    def test_up_loads_nothing_heavy_itself(self, tmp_path: Path) -> None:
        code = (
            "import sys\nfrom pathlib import Path\nimport datalab_dagster.up.lab as lab\n"
            "lab.apart(lambda: lab._check_master_key(Path(sys.argv[1]), {}))\n"
            f"print([name for name in {HEAVY} if name in sys.modules])"
        )
        shown = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
        assert shown.stdout.strip() == "[]"
