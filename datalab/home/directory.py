"""Where the home directory of a deployment is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

HOME = "DATALAB_HOME"
"""The environment variable that names it."""


def home_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of `DATALAB_HOME`, by default `.datalab`."""
    return Path(environment.get(HOME) or ".datalab").expanduser().absolute()
