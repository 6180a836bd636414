"""The group of commands: what its table says is what the commands say, and no command is imported for it."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.shell_completion import ShellComplete

from datalab_dagster.cli import COMMANDS, datalab

_EVERYTHING = 10_000
"""Characters; no short help is longer."""


def called(name: str) -> click.Command:
    """Return the command that `datalab NAME` calls."""
    _, command, _ = datalab.resolve_command(click.Context(datalab, **datalab.context_settings), [name])
    assert command is not None
    return command


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_holds_the_short_help_of_each_command(name: str) -> None:
    command = called(name)
    assert command.name == name
    assert command.get_short_help_str(_EVERYTHING) == COMMANDS[name][1]


def test_the_help_is_that_of_a_group_that_holds_the_commands_themselves() -> None:
    commands = {name: called(name) for name in COMMANDS}
    eager = click.Group("datalab", commands, params=datalab.params, help=datalab.help)
    settings = datalab.context_settings
    for width in (40, 80, 200):
        lazy_help, eager_help = (
            group.get_help(click.Context(group, info_name="datalab", terminal_width=width, **settings))
            for group in (datalab, eager)
        )
        assert lazy_help == eager_help


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["no-such-command"]])
def test_no_command_is_imported_before_it_is_called(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom datalab_dagster.cli import main\n"
        f"sys.argv = ['datalab', *{arguments}]\n"
        "try:\n    main()\nfinally:\n    print(*sorted(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    loaded = [name for name in ended.stdout.splitlines()[-1].split() if name.startswith("datalab_dagster.cli.")]
    assert loaded == ["datalab_dagster.cli.exits", "datalab_dagster.cli.lazy"]


def test_completion_names_commands_and_then_those_of_a_command() -> None:
    complete = ShellComplete(datalab, {}, "datalab", "_DATALAB_COMPLETE")
    found = complete.get_completions([], "sta")
    assert [(item.value, item.help) for item in found] == [("status", called("status").get_short_help_str())]
    assert [item.value for item in complete.get_completions(["run"], "")] == ["cancel", "show"]


def test_a_command_that_is_misspelt_gets_a_suggestion() -> None:
    with pytest.raises(click.UsageError) as refused:
        datalab.main(["stats"], standalone_mode=False)
    assert "Did you mean 'status'" in refused.value.format_message()
