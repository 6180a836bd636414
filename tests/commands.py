"""Runs the `datalab` command as people do, in a process of its own or in this one; no test is here."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

COMMAND = str(Path(sys.executable).with_name("datalab"))


@dataclass(frozen=True)
class Ended:
    """What a finished command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(**extra: str) -> dict[str, str]:
    """The environment of a command; warnings of libraries do not belong to its output."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "COV"))}
    return {**kept, "DAGSTER_DISABLE_TELEMETRY": "1", **extra}


def datalab(*arguments: str | Path, cwd: Path | None = None, **options: Any) -> Ended:
    """Run `datalab` with `arguments`, standard output and error being pipes."""
    ended = subprocess.run(
        [COMMAND, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(),
        check=False,
        **options,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def datalab_here(*arguments: str | Path, cwd: Path | None = None) -> Ended:
    """Run `datalab` with `arguments` in this process, which saves the seconds that its imports take."""
    from datalab_dagster.cli import main

    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(SystemExit) as ended,
        contextlib.chdir(cwd or Path.cwd()),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", ["datalab", *map(str, arguments)])
        main()
    assert isinstance(ended.value.code, int)
    return Ended(ended.value.code, out.getvalue(), err.getvalue())


def patched_datalab(patch: str, *arguments: str | Path, cwd: Path, **options: Any) -> subprocess.Popen[str]:
    """Start `datalab` with `arguments` in a process that runs the Python code `patch` first."""
    code = f"{patch}\nimport sys\nfrom datalab_dagster.cli import main\nsys.argv[0] = 'datalab'\nmain()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(PYTHONPATH=str(Path(__file__).parents[1])),
        **options,
    )


def end_of(process: subprocess.Popen[str]) -> Ended:
    """Wait for `process`."""
    out, err = process.communicate(timeout=120)
    return Ended(process.returncode, out, err)
