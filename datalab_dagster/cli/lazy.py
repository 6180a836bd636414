"""A group of commands that imports the module of a command when the command is called, and not for the group's help."""

from __future__ import annotations

import importlib

import click


class Outline(click.Command):
    """The name, short help and module of a command, which the group knows without importing it.

    Args:
        name: of the command, and of its function in the module.
        module: contains the command.
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
    """A group of outlines: help, completion and suggestions read them; only a called command is imported."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Outline) else command, rest
