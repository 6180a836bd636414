"""The `datalab` command: one module per subcommand, imported when the subcommand is called."""

from __future__ import annotations

import sys

import click

from datalab import __version__
from datalab.errors import ConfigurationError, DatalabError, InputMissing, UnexpectedFailure, UsageError
from datalab.home.private import keep_private
from datalab.kinds import NAMES
from datalab_dagster.cli.exits import (
    FAILED,
    INTERRUPTED,
    NOT_CARRIED_OUT,
    PASSED,
    UNDECIDED,
    WRONG_USAGE,
    Stopped,
)
from datalab_dagster.cli.lazy import LazyGroup, Outline
from datalab_dagster.terminal.text import echo

__all__ = ["FAILED", "INTERRUPTED", "NOT_CARRIED_OUT", "PASSED", "UNDECIDED", "WRONG_USAGE", "datalab", "main"]

COMMANDS = {
    "preflight": ("preflight", "Check and profile the files of a lab; exit code 0 only when it would be Ready."),
    "check": ("check", f"Check one FILE as DATASET: {NAMES}."),
    "repair": (
        "repair",
        "Propose what to change so that more rows are valid, and keep a copy with the changes.",
    ),
    "report": ("report", "Print the statistics that preflight wrote to DIR, or the current ones of LAB."),
    "sample": ("sample", "Write LAB.json and the files of a synthetic lab of any size to DIR."),
    "up": ("up", "Run a Data Lab: database, Dagster's pages and daemon, portal; Ctrl-C stops everything."),
    "down": ("down", "Stop the database that a script or a command has started under DATALAB_HOME."),
    "lab": ("lab", "Create, list, show and delete labs."),
    "dataset": ("dataset", "Upload, list, show, download and delete datasets, which are kept encrypted."),
    "provision": (
        "provision",
        "Provision datasets to a lab, in one change; datasets already in these slots are replaced.",
    ),
    "deprovision": ("provision", "Empty slots of a lab, in one change; the datasets are kept."),
    "validate": ("validate", "Validate the datasets provisioned to LAB, in the background."),
    "status": (
        "status",
        "Show the state of LAB, its reason, the next step and the progress of its run; without LAB, all labs.",
    ),
    "results": ("results", "Show the current result of LAB, and list all results that are kept."),
    "rows": ("rows", "Write all invalid rows of a dataset of LAB to a CSV file that only you may read."),
    "runs": ("validate", "List the runs of LAB, the newest first."),
    "run": ("validate", "Show and cancel runs."),
    "schedule": ("schedule", "List all schedules, and set and remove those of labs."),
    "media": ("media", "Join a lab with an advertiser's seed in a Media DCR."),
    "keys": ("keys", "Rotate the master key."),
    "user": ("user", "Manage users and their roles."),
    "token": ("token", "Create, list and revoke API tokens."),
}
"""Name of a command: the module that holds it, and the first sentence of its help."""


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="datalab")
def datalab() -> None:
    """Check and profile first-party datasets before they reach a media clean room.

    Files on this machine: sample, preflight, check, repair, report. A Data Lab: up, and lab, dataset, provision, …

    Exit codes: 0 done or passed, 1 checked and failed, 2 wrong usage or configuration, 3 not possible,
    4 no verdict (yet), 130 interrupted.
    """


for name, (module, short_help) in COMMANDS.items():
    datalab.add_command(Outline(name, f"{__name__}.{module}", short_help))


def main() -> None:
    """Run the command; print every expected failure as one message without a traceback."""
    keep_private()
    try:
        code = datalab.main(standalone_mode=False)
    except click.exceptions.Abort as abort:
        code = _interrupted(abort.__cause__)
    except click.ClickException as error:
        error.show()
        code = WRONG_USAGE
    except DatalabError as error:
        echo(f"Error: {error}", err=True)
        wrong_call = isinstance(error, (ConfigurationError, UsageError, InputMissing))
        code = WRONG_USAGE if wrong_call else NOT_CARRIED_OUT
    except KeyboardInterrupt as interrupt:
        code = _interrupted(interrupt)
    except Exception as error:  # noqa: BLE001 - its text may hold a value of a row
        echo(f"Error: {UnexpectedFailure(error)}", err=True)
        code = NOT_CARRIED_OUT
    sys.exit(code)


def _interrupted(cause: BaseException | None) -> int:
    echo(str(cause) if isinstance(cause, Stopped) else "Interrupted: nothing was written.", err=True)
    return INTERRUPTED
