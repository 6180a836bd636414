"""`datalab schedule`: when labs are validated again."""

from __future__ import annotations

import click

from datalab.formats import name_or_unnamed
from datalab_dagster.cli import listing
from datalab_dagster.cli.deployment import json_option, opened, user_option


@click.group()
def schedule() -> None:
    """List all schedules, and set and remove those of labs.

    At its times a lab is validated again, from its datasets to its dashboard, while `datalab up` or Dagster's daemon
    runs. What was due while it did not run is done once.
    """


@schedule.command("set")
@click.argument("lab_name", metavar="LAB")
@click.argument("cron", metavar="CRON")
@click.option("--timezone", metavar="ZONE", help="IANA name of its time zone; default: `timezone` of the settings.")
@user_option
@json_option
def set_schedule(lab_name: str, cron: str, timezone: str | None, user: str | None, as_json: bool) -> int:
    """Give LAB a schedule, in place of the one it has.

    CRON has five fields: minute, hour, day of the month, month, day of the week. Quote it: '0 2 * * mon-fri'.
    """
    with opened(user) as service:
        lab = service.lab(lab_name)
        now = service.schedules.set(lab.id, cron, timezone)
    if as_json:
        listing.print_json(now)
        return 0
    listing.line(f"Lab {lab.id} ({name_or_unnamed(lab.name)}) is validated at '{now.cron}', {now.timezone}.")
    listing.line(f"Next: {listing.when(now.next_at)} on this machine's clock.")
    return 0


@schedule.command("list")
@user_option
@json_option
def list_schedules(user: str | None, as_json: bool) -> int:
    """List the schedules of the deployment and of your labs: when, what came of the last time, and what comes next."""
    with opened(user) as service:
        found = service.schedules.all()
    if as_json:
        listing.print_json(found)
        return 0
    rows = [
        (
            name_or_unnamed(one.lab_name) if one.lab_id else one.name,
            one.lab_id or "–",
            one.cron,
            one.timezone,
            _SWITCH[one.is_on],
            listing.when(one.next_at) if one.is_on is not False else "–",
            listing.when(one.last_at) if one.last_at else "–",
            f"{one.last} Run {listing.short(one.run_id)}." if one.run_id else one.last,
        )
        for one in found
    ]
    listing.print_table(("schedule", "lab", "cron", "time zone", "in Dagster", "next", "last", "what came of it"), rows)
    for obstacle in dict.fromkeys(one.obstacle for one in found if one.obstacle):
        listing.line(obstacle)
    return 0


_SWITCH = {True: "on", False: "switched off", None: "not known"}


@schedule.command()
@click.argument("lab_name", metavar="LAB")
@user_option
def remove(lab_name: str, user: str | None) -> int:
    """Take the schedule of LAB away."""
    with opened(user) as service:
        lab = service.lab(lab_name)
        had = service.schedules.of(lab.id) is not None
        service.schedules.remove(lab.id)
    done = "has no schedule any more" if had else "has no schedule; nothing was changed"
    listing.line(f"Lab {lab.id} ({name_or_unnamed(lab.name)}) {done}.")
    return 0
