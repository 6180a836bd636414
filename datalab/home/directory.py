"""Where the home directory of a deployment is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from datalab.home.settings import Environment


def home_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of `DATALAB_HOME`, by default `.datalab`."""
    return Path(Environment.read(environment).home).expanduser().absolute()
