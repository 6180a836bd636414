"""The `datalab` command: one module per subcommand, each light to import, heavy imports only where they are used."""

from __future__ import annotations

import sys

import click

from datalab import __version__
from datalab.errors import ConfigurationError, DatalabError, InputMissing, UnexpectedFailure, UsageError
from datalab_dagster.cli.check import check
from datalab_dagster.cli.preflight import preflight
from datalab_dagster.cli.report import report
from datalab_dagster.cli.sample import sample

PASSED, FAILED, WRONG_USAGE, NOT_CARRIED_OUT, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes: checked and passed; checked and failed; wrong call or configuration; could not be done; Ctrl-C."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="datalab")
def datalab() -> None:
    """Check and profile first-party datasets before a media clean room sees them.

    Exit codes: 0 passed, 1 checked and failed, 2 wrong usage or configuration, 3 could not be carried out.
    """


for command in (preflight, check, report, sample):
    datalab.add_command(command)


def main() -> None:
    """Run the command; every expected failure is one message without a traceback."""
    try:
        code = datalab.main(standalone_mode=False)
    except click.exceptions.Abort:
        code = _interrupted()
    except click.ClickException as error:
        error.show()
        code = WRONG_USAGE
    except DatalabError as error:
        click.echo(f"Error: {error}", err=True)
        wrong_call = isinstance(error, (ConfigurationError, UsageError, InputMissing))
        code = WRONG_USAGE if wrong_call else NOT_CARRIED_OUT
    except KeyboardInterrupt:
        code = _interrupted()
    except Exception as error:  # noqa: BLE001 - its text may hold a value of a row
        click.echo(f"Error: {UnexpectedFailure(error)}", err=True)
        code = NOT_CARRIED_OUT
    sys.exit(code)


def _interrupted() -> int:
    click.echo("Interrupted: nothing was written.", err=True)
    return INTERRUPTED
