"""`datalab status`: shows the states of labs, their reasons, and what to do next."""

from __future__ import annotations

import json

import click

from datalab.dashboard.expected import expected_words
from datalab.errors import UsageError
from datalab.home.directory import home_directory
from datalab.home.loaded import is_outdated
from datalab.home.up import running
from datalab.results.status import ValidationStatus
from datalab.statistics.causes import causes_of
from datalab.statistics.expected import Expected, compared
from datalab.statistics.slots import slot_states
from datalab_dagster.cli import lab_view, listing, run_view
from datalab_dagster.cli.deployment import json_option, opened, user_option
from datalab_dagster.cli.exits import UNDECIDED
from datalab_dagster.cli.paged import every_page
from datalab_dagster.cli.results import causes_in, statistics_in, status_in
from datalab_dagster.cli.watch import follow_lab, lab_and_run
from datalab_dagster.service import LabInfo, LabQuery, LabService, LabState, RunInfo
from datalab_dagster.service.causes import causes_in_list, first_in
from datalab_dagster.service.hints import evidence_of
from datalab_dagster.terminal.text import echo


@click.command()
@click.argument("lab_name", metavar="[LAB]", required=False)
@click.option("--watch", is_flag=True, help="Show changes until the lab is Ready or Failed and no run is active.")
@user_option
@json_option
def status(lab_name: str | None, watch: bool, user: str | None, as_json: bool) -> int:
    """Show the state of LAB, its reason, the next step and the progress of its run; without LAB, all labs.

    Exit codes for a LAB: 0 Ready, 1 Failed, 4 neither (Empty, Incomplete, Validating, Stale).
    """
    if lab_name is None and watch:
        raise UsageError("Name the lab to watch: `datalab status LAB --watch`.")
    with opened(user) as service:
        if lab_name is None:
            if as_json:
                listing.print_json(service.labs())
            else:
                _print_all(service)
                _print_outdated()
            return 0
        if watch:
            found, run = follow_lab(service, lab_name, _json_line if as_json else _line, quiet=as_json)
        else:
            found, run = lab_and_run(service, lab_name)
        if not as_json:
            _print(service, found, run)
            _print_outdated()
        elif not watch:
            listing.print_json({**_plain(found), "run": _plain(run) if run else None})
    return verdict_code(found)


def _print_all(service: LabService) -> None:
    """Print all labs, with what is said first of each."""
    statuses: dict[str, ValidationStatus] = {}

    def read(query: LabQuery) -> tuple[list[LabInfo], int]:
        page = service.lists.labs(query)
        statuses.update(page.statuses)
        return page.labs, page.found

    labs = every_page(LabQuery(sort="created"), read)
    firsts = {lab.id: first_in(lab, causes_in_list(lab, statuses.get(lab.id))) for lab in labs}
    causes = {lab_id: first for lab_id, first in firsts.items() if first is not None}
    lab_view.print_labs(labs, service.other_labs(), causes)


def _print_outdated() -> None:
    up = running(home_directory())
    if up is not None and is_outdated(up):
        listing.line(
            "warning: The program was changed after `datalab up` had loaded it; runs use what was loaded. Restart "
            "`datalab up`."
        )


def verdict_code(lab: LabInfo) -> int:
    """Return the exit code for the state of a lab."""
    return {LabState.READY: 0, LabState.FAILED: 1}.get(lab.state.state, UNDECIDED)


def _print(service: LabService, lab: LabInfo, run: RunInfo | None) -> None:
    current = service.current_result(lab.id)
    recognised = evidence_of(lab)
    causes = causes_in(service, current, recognised) if current else causes_of(None, evidence=recognised)
    lab_view.print_state(lab, first_in(lab, causes))
    found = status_in(service, current) if current else None
    checking = lab.state.state is LabState.VALIDATING
    filled = [slot.kind for slot in lab.slots]
    lab_view.print_slots(lab, slot_states(lab.definition.datasets, filled, found, causes, checking=checking))
    wanted = {slot.kind: Expected(slot.expected.rows, slot.expected.ids) for slot in lab.slots if slot.expected}
    statistics = statistics_in(service, current) if current and wanted else None
    for one in compared(wanted, found, statistics):
        listing.line(f"{'warning: ' if one.is_off else ''}{expected_words(one)}")
    if run is not None:
        run_view.print_run(run, steps=not run.is_complete)
    if current is not None:
        run_view.print_headlines(current.summary)


def _line(lab: LabInfo, run: RunInfo | None) -> None:
    goes_on = f" (run {run.run_id[:12]}: {run.cause})" if run and not run.is_complete else ""
    echo(f"{lab.state.title}: {lab.state.reason}{goes_on}")


def _json_line(lab: LabInfo, run: RunInfo | None) -> None:
    echo(json.dumps({**_plain(lab), "run": _plain(run) if run else None}))


def _plain(model: LabInfo | RunInfo) -> dict[str, object]:
    return model.model_dump(mode="json", by_alias=True)
