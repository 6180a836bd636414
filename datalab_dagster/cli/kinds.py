"""Options of commands that take a value for each dataset kind: a file, a hash, an address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from datalab.kinds import KINDS, Kind

Command = TypeVar("Command", bound=Callable[..., Any])


def options_of_kinds(settings: Callable[[Kind], Mapping[str, Any]]) -> Callable[[Command], Command]:
    """Return the decorator that adds an option for every kind to a command, in the order of the kinds.

    Args:
        settings: the further arguments of `click.option`; the command gets the values under the kinds' names.
    """

    def decorated(command: Command) -> Command:
        for kind in reversed(KINDS.values()):
            command = click.option(kind.option, kind.name, **settings(kind))(command)
        return command

    return decorated
