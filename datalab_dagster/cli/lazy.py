"""A group of commands that imports the module of a command when it is called, and not for its own help."""

from __future__ import annotations

import importlib

import click


class Outline(click.Command):
    """What a group needs to know of a command before it is called: its name, its short help and where it is.

    Args:
        name: as people type it, and as the module names the command.
        module: that holds the command.
        short_help: the first sentence of the command's own help; a test holds them equal.
    """

    def __init__(self, name: str, module: str, short_help: str) -> None:
        super().__init__(name, help=short_help)
        self._place = name
        self._module = module

    def load(self) -> click.Command:
        """Import the command."""
        command: click.Command = getattr(importlib.import_module(self._module), self._place)
        return command


class LazyGroup(click.Group):
    """A group of outlines: help, completion and suggestions read them; a command that is called is imported."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Outline) else command, rest
