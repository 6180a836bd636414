"""Where the home directory of a deployment is."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from datalab.home.settings import Environment


def home_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of `DATALAB_HOME`, by default `.datalab`."""
    return Path(Environment.read(environment).home).expanduser().absolute()


def scratch_of_runs(home: Path) -> Path:
    """Return the directory in which runs make their private scratch directories."""
    return home / "scratch"


def scratch_places(home: Path) -> tuple[Path, ...]:
    """Return the directories in which private scratch directories are made: those of runs, and those of commands."""
    return scratch_of_runs(home), Path(tempfile.gettempdir())
