"""The command reference, docs/cli.md, made from the commands' own help; a test fails when the file is stale.

python -m datalab_dagster.cli.reference > docs/cli.md
"""

from __future__ import annotations

from collections.abc import Iterator

import click

from datalab_dagster.cli import datalab

_HEADER = "# Commands\n\nMade from the commands' own help by `make docs`.\n"


def reference() -> str:
    """Return the help of the command and of every subcommand as Markdown."""
    return "\n".join([_HEADER, *_sections("datalab", datalab, None)])


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
    click.echo(reference(), nl=False)
