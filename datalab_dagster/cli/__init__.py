"""The `datalab` command: one module per subcommand, each light to import, heavy imports only where they are used."""

from __future__ import annotations

import sys

import click

from datalab import __version__
from datalab.errors import ConfigurationError, DatalabError, InputMissing, UnexpectedFailure, UsageError
from datalab_dagster.cli.check import check
from datalab_dagster.cli.dataset import dataset
from datalab_dagster.cli.deployment import UNDECIDED, Stopped
from datalab_dagster.cli.keys import keys
from datalab_dagster.cli.lab import lab
from datalab_dagster.cli.preflight import preflight
from datalab_dagster.cli.provision import deprovision, provision
from datalab_dagster.cli.report import report
from datalab_dagster.cli.results import results
from datalab_dagster.cli.sample import sample
from datalab_dagster.cli.status import status
from datalab_dagster.cli.token import token
from datalab_dagster.cli.up import up
from datalab_dagster.cli.user import user
from datalab_dagster.cli.validate import run, runs, validate

PASSED, FAILED, WRONG_USAGE, NOT_CARRIED_OUT, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes: checked and passed; checked and failed; wrong call or configuration; could not be done; Ctrl-C."""

__all__ = ["FAILED", "INTERRUPTED", "NOT_CARRIED_OUT", "PASSED", "UNDECIDED", "WRONG_USAGE", "datalab", "main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="datalab")
def datalab() -> None:
    """Check and profile first-party datasets before a media clean room sees them.

    Files on this machine: sample, preflight, check, report. A living lab: up, and lab, dataset, provision, status, …

    Exit codes: 0 done or passed, 1 checked and failed, 2 wrong usage or configuration, 3 could not be carried out,
    4 no verdict (yet), 130 interrupted.
    """


for command in (
    *(preflight, check, report, sample),
    *(up, lab, dataset, provision, deprovision, validate, status, results, runs, run),
    *(keys, user, token),
):
    datalab.add_command(command)


def main() -> None:
    """Run the command; every expected failure is one message without a traceback."""
    try:
        code = datalab.main(standalone_mode=False)
    except click.exceptions.Abort as abort:
        code = _interrupted(abort.__cause__)
    except click.ClickException as error:
        error.show()
        code = WRONG_USAGE
    except DatalabError as error:
        click.echo(f"Error: {error}", err=True)
        wrong_call = isinstance(error, (ConfigurationError, UsageError, InputMissing))
        code = WRONG_USAGE if wrong_call else NOT_CARRIED_OUT
    except KeyboardInterrupt as interrupt:
        code = _interrupted(interrupt)
    except Exception as error:  # noqa: BLE001 - its text may hold a value of a row
        click.echo(f"Error: {UnexpectedFailure(error)}", err=True)
        code = NOT_CARRIED_OUT
    sys.exit(code)


def _interrupted(cause: BaseException | None) -> int:
    click.echo(str(cause) if isinstance(cause, Stopped) else "Interrupted: nothing was written.", err=True)
    return INTERRUPTED
