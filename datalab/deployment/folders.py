"""Private folders, and names that may become part of a path."""

from __future__ import annotations

from pathlib import Path

from datalab.deployment.errors import PathRefused
from datalab.errors import OutputFailed
from datalab.scratch import why
from datalab.storage.files import make_private


def make_folder(path: Path) -> Path:
    """Create a private folder and return it.

    Raises:
        OutputFailed: the folder cannot be created.
    """
    try:
        make_private(path)
    except OSError as error:
        raise OutputFailed(path, why(error)) from None
    return path


def one_name(name: str) -> str:
    """Return `name` if it is a plain file name; ids and names come from callers that are not trusted.

    Raises:
        PathRefused: the name contains a path, is empty or begins with a dot.
    """
    if not name or name != Path(name).name or name.startswith("."):
        raise PathRefused
    return name
