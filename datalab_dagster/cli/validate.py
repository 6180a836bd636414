"""`datalab validate`, `datalab runs` and `datalab run`: start, list, show and stop validations."""

from __future__ import annotations

import click

from datalab_dagster.cli import lab_view, listing, run_view
from datalab_dagster.cli.deployment import confirm, json_option, opened, the_run, user_option, yes_option
from datalab_dagster.cli.exits import UNDECIDED
from datalab_dagster.cli.results import causes_in
from datalab_dagster.cli.watch import follow_run
from datalab_dagster.service import LabInfo, LabService, RunInfo, RunState
from datalab_dagster.service.hints import evidence_of
from datalab_dagster.terminal.text import echo


@click.command()
@click.argument("lab_name", metavar="LAB")
@click.option("--wait", is_flag=True, help="Wait for its end, and print what it found.")
@click.option("--again", is_flag=True, help="Validate even if these datasets were validated already.")
@user_option
@json_option
def validate(lab_name: str, wait: bool, again: bool, user: str | None, as_json: bool) -> int:
    """Validate the datasets provisioned to LAB, in the background.

    If a run on exactly these datasets is active or has produced their current result, no new run is started.

    Exit codes with --wait: 0 Ready, 1 Failed, 4 no verdict (the run was cancelled, or its data were replaced).
    """
    with opened(user) as service:
        lab = service.lab(lab_name)
        run = service.validate(lab.id, again=again)
        if not wait:
            if as_json:
                listing.print_json(run)
            else:
                run_view.print_run(run, steps=False)
                listing.line(_begun(lab, run, again=again))
            return 0
        if not as_json and not run.is_complete:
            echo(f"Run {listing.short(run.run_id)} validates lab {lab.id}.", err=True)
        return _finish(service, follow_run(service, run.run_id, quiet=as_json), as_json)


@click.command()
@click.argument("lab_name", metavar="LAB")
@user_option
@json_option
def runs(lab_name: str, user: str | None, as_json: bool) -> int:
    """List the runs of LAB, the newest first."""
    with opened(user) as service:
        found = service.runs(lab_name)
    if as_json:
        listing.print_json(found)
    else:
        run_view.print_runs(found)
    return 0


@click.group()
def run() -> None:
    """Show and cancel runs.

    RUN is a run's id, or its first 8 or more characters.
    """


@run.command()
@click.argument("run_id", metavar="RUN")
@user_option
@json_option
def show(run_id: str, user: str | None, as_json: bool) -> int:
    """Show a run and its steps."""
    with opened(user) as service:
        found = the_run(service, run_id)
    if as_json:
        listing.print_json(found)
    else:
        run_view.print_run(found)
    return 0


@run.command()
@click.argument("run_id", metavar="RUN")
@yes_option
@user_option
def cancel(run_id: str, yes: bool, user: str | None) -> int:
    """Stop a run; a run that has ended does not change."""
    with opened(user) as service:
        found = the_run(service, run_id)
        if not found.is_complete:
            confirm(f"Cancel run {found.run_id} of lab {found.lab_id}?", yes=yes)
            found = service.cancel_run(found.run_id)
    run_view.print_run(found, steps=False)
    return 0


def _begun(lab: LabInfo, run: RunInfo, *, again: bool) -> str:
    """Return where to follow a run, or why there is none to follow."""
    if again or not run.is_complete:
        return f"Follow its progress: `datalab status {lab.id} --watch`."
    ended = listing.when(run.ended_at or run.started_at)
    return (
        f"Nothing to do: these datasets were validated at {ended} ({lab.state.title}). `--again` validates them "
        "once more."
    )


def _finish(service: LabService, ended: RunInfo, as_json: bool) -> int:
    """Print what a finished run found, and return the exit code."""
    result = next((result for result in service.results(ended.lab_id) if result.run_id == ended.run_id), None)
    if as_json:
        listing.print_json(
            {
                "run": ended.model_dump(mode="json", by_alias=True),
                "result": result.model_dump(mode="json", by_alias=True) if result else None,
            }
        )
    else:
        run_view.print_run(ended, steps=False)
        if result is not None:
            recognised = evidence_of(service.lab(result.lab_id)) if result.current else None
            run_view.print_result(result, causes_in(service, result, recognised))
        lab_view.print_state(service.lab(ended.lab_id))
    if result is not None and result.current:  # also when the run failed after its verdict
        return 0 if result.status == "SUCCESS" else 1
    return 1 if ended.state is RunState.FAILED else UNDECIDED
