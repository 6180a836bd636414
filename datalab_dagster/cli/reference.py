"""The reference documents, which are generated from the program; a test fails when one is out of date.

python -m datalab_dagster.cli.reference docs
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from datalab import codes
from datalab.home.reference import settings_document
from datalab_dagster.cli import datalab

_COMMANDS = "# Commands\n\nGenerated from the commands' own help by `make docs`.\n"
_CODES = """# Codes

What the codes of reports, statistics and hints mean, and what to do. Generated from `datalab/codes.py` by `make docs`.
Conditions and limits: [validation](spec/validation.md), [findings](spec/statistics.md#6-findings-and-status).
"""
_GROUPS = {
    "Invalid rows": ("The row is left out, or fails its dataset when the lab keeps invalid rows.", codes.ROW_ERRORS),
    "Unreadable files": ("No row of the file can be read; the dataset fails.", codes.FILE_ERRORS),
    "Data errors": ("The lab is not Ready until they are corrected.", codes.DATA_ERRORS),
    "Quality warnings": ("The lab can be used; a person should look at them first.", codes.QUALITY_WARNINGS),
    "Changes since the previous result": ("Warnings, in addition to the statistics.", codes.DROPS),
    "Hints": (
        "In addition to the report of a dataset, never in it. Two of the warnings are hints too: "
        "POSSIBLE_HEADER_ROW and POSSIBLE_WRONG_SEPARATOR.",
        codes.HINTS,
    ),
}


def commands_document() -> str:
    """Return the help of the command and of every subcommand as Markdown."""
    return "\n".join([_COMMANDS, *_sections("datalab", datalab, None)])


def codes_document() -> str:
    """Return what every code means and what to do about it as Markdown."""
    return "\n".join([_CODES, *(_code_table(title, *group) for title, group in _GROUPS.items())])


DOCUMENTS = {"cli.md": commands_document, "codes.md": codes_document, "settings.md": settings_document}
"""File → the function that writes its text."""


def _code_table(title: str, introduction: str, entries: Mapping[str, codes.Explanation]) -> str:
    rows = [f"| `{code}` | {words.meaning} | {words.advice} |" for code, words in entries.items()]
    return "\n".join([f"## {title}\n\n{introduction}\n", "| code | meaning | what to do |", "|---|---|---|", *rows, ""])


def _sections(title: str, command: click.Command, parent: click.Context | None) -> Iterator[str]:
    context = _context(title.split()[-1], command, parent)
    yield f"## {title}\n\n```\n{context.get_help()}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            _, subcommand, _ = command.resolve_command(context, [name])
            assert subcommand is not None
            yield from _sections(f"{title} {name}", subcommand, context)


def _context(name: str, command: click.Command, parent: click.Context | None) -> click.Context:
    settings = {**datalab.context_settings, "max_content_width": 100}
    return click.Context(command, info_name=name, parent=parent, terminal_width=100, **settings)


if __name__ == "__main__":
    for name, document in DOCUMENTS.items():
        (Path(sys.argv[1]) / name).write_text(document(), encoding="utf-8")
