"""What the commands of a deployment share: the user, the lab, dataset or run that is meant, and confirmation."""

from __future__ import annotations

import contextlib
import string
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from datalab.errors import UsageError
from datalab.home.settings import USER, login_name
from datalab_dagster.cli.exits import Stopped
from datalab_dagster.service import (
    DatasetInfo,
    DatasetNotFound,
    HomeService,
    LabService,
    ResultInfo,
    ResultNotFound,
    RunInfo,
    RunNotFound,
)
from datalab_dagster.service.open import open_service

SHORTEST_PREFIX = 8
"""How many characters of a hash or a run's id are enough to name it."""
Command = TypeVar("Command", bound=Callable[..., Any])


def user_option(command: Command) -> Command:
    """Add ``--user``."""
    text = "Your name in events; default: the login name."
    return click.option("--user", envvar=USER, show_envvar=True, metavar="EMAIL", help=text)(command)


def json_option(command: Command) -> Command:
    """Add the option ``--json`` as the parameter `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def yes_option(command: Command) -> Command:
    """Add ``--yes``."""
    return click.option("--yes", is_flag=True, help="Do not ask for confirmation.")(command)


@contextlib.contextmanager
def opened(user: str | None) -> Iterator[HomeService]:
    """Yield the deployment of this environment, as `user` sees it.

    Raises:
        UsageError: the user has no name.
        DatalabError: the deployment cannot be opened.
    """
    name = user or login_name()
    if name is None:
        raise UsageError("This login has no name: give yours with --user or DATALAB_USER.")
    with open_service(name) as service:
        yield service


def the_dataset(service: LabService, text: str) -> DatasetInfo:
    """Return the dataset whose manifest hash is or begins with `text`.

    Raises:
        UsageError: `text` cannot begin a manifest hash, or several begin with it.
        DatasetNotFound: there is none.
    """
    wanted = text.strip().lower()
    if len(wanted) == 64:
        return service.dataset(wanted)
    if not is_hash(wanted):
        raise UsageError(
            f"'{text}' is not a manifest hash: give its first {SHORTEST_PREFIX} or more hexadecimal characters, as "
            "`datalab dataset list` shows them."
        )
    found = [dataset for dataset in service.datasets() if dataset.manifest_hash.startswith(wanted)]
    if len(found) > 1:
        raise UsageError(f"{len(found)} datasets have a manifest hash that begins with {wanted}: give more characters.")
    if not found:
        raise DatasetNotFound(wanted)
    return found[0]


def is_hash(text: str) -> bool:
    """Whether `text` can be a manifest hash or the beginning of one.

    >>> is_hash("0badcafe"), is_hash("segments.csv"), is_hash("0bad")
    (True, False, False)
    """
    return SHORTEST_PREFIX <= len(text) <= 64 and set(text.lower()) <= set(string.hexdigits)


def the_run(service: LabService, text: str) -> RunInfo:
    """Return the run whose id is or begins with `text`, with its steps.

    Raises:
        UsageError: several begin with it.
        RunNotFound: none does.
    """
    if len(text) >= 36:
        return service.run(text)
    runs = [run.run_id for lab in service.labs() for run in service.runs(lab.id)] if _is_prefix(text) else []
    found = [run_id for run_id in runs if run_id.startswith(text)]
    if len(found) > 1:
        raise UsageError(f"{len(found)} runs have an id that begins with {text}: give more characters.")
    if not found:
        raise RunNotFound(text)
    return service.run(found[0])


def the_result(service: LabService, lab: str, run: str) -> ResultInfo:
    """Return the result of `lab` of the run whose id is or begins with `run`.

    Raises:
        UsageError: several begin with it.
        ResultNotFound: none does.
    """
    found = [result for result in service.results(lab) if _is_prefix(run) and result.run_id.startswith(run)]
    if len(found) > 1:
        raise UsageError(f"{len(found)} results of lab {lab} are of runs that begin with {run}: give more characters.")
    if not found:
        raise ResultNotFound(lab, f"result of a run {run}")
    return found[0]


def _is_prefix(text: str) -> bool:
    return len(text) >= SHORTEST_PREFIX


def confirm(question: str, *, yes: bool) -> None:
    """Ask for confirmation on the terminal, unless `yes` was given.

    Raises:
        UsageError: there is no terminal to ask on.
        Stopped: the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} There is no terminal to ask on: confirm with --yes.")
    if not click.confirm(question):
        raise Stopped("Nothing was changed.")
