"""Reads SQL text from the `.sql` file of a module; engines execute it."""

from __future__ import annotations

from pathlib import Path

_NAME = "-- name:"


def statements(module: str) -> dict[str, str]:
    """Return the statements of the `.sql` file with the name of `module` (a `__file__`), by name.

    A line ``-- name: …`` begins a statement; other comments are left out. A ``{part}`` is replaced with `str.format` by
    SQL that depends on the lab's definition, such as a column per matching id. Values are never formatted into the
    text; they are bound as parameters.
    """
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in Path(module).with_suffix(".sql").read_text(encoding="utf-8").splitlines():
        if line.startswith(_NAME):
            lines = found.setdefault(line.removeprefix(_NAME).strip(), [])
        elif line.strip() and not line.startswith("--"):
            lines.append(line)
    return {name: "\n".join(text) for name, text in found.items()}
