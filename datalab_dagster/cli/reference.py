"""The command reference, docs/cli.md, made from the commands' own help; a test fails when the file is stale.

python -m datalab_dagster.cli.reference > docs/cli.md
"""

from __future__ import annotations

import click

from datalab_dagster.cli import datalab

_HEADER = "# Commands\n\nMade from the commands' own help by `make docs`.\n"


def reference() -> str:
    """Return the help of the command and of every subcommand as Markdown."""
    sections = [_HEADER, _section("datalab", datalab, None)]
    context = _context("datalab", datalab, None)
    sections += [_section(f"datalab {name}", command, context) for name, command in sorted(datalab.commands.items())]
    return "\n".join(sections)


def _section(title: str, command: click.Command, parent: click.Context | None) -> str:
    text = _context(title.split()[-1], command, parent).get_help()
    return f"## {title}\n\n```\n{text}\n```\n"


def _context(name: str, command: click.Command, parent: click.Context | None) -> click.Context:
    settings = {**datalab.context_settings, "max_content_width": 100}
    return click.Context(command, info_name=name, parent=parent, terminal_width=100, **settings)


if __name__ == "__main__":
    click.echo(reference(), nl=False)
