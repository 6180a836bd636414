"""`datalab lab`: creates, lists, shows and deletes labs, and names their owners."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from datalab.errors import UsageError
from datalab.formats import listed, name_or_unnamed
from datalab.lab import lab_from_dict, load_lab
from datalab_dagster.cli import lab_view, listing
from datalab_dagster.cli.deployment import confirm, json_option, opened, user_option, yes_option
from datalab_dagster.cli.paged import every_page, list_options, print_part, query_of
from datalab_dagster.service import LabInfo, LabQuery, LabService, LabState


@click.group()
def lab() -> None:
    """Create, list, show and delete labs.

    LAB is a lab's id, its partition key in Dagster, or its name if only one lab has it.
    """


@lab.command()
@click.argument("lab_file", metavar="LAB.json", type=click.Path(path_type=Path))
@click.option("--name", help="The lab's name, instead of the one in the definition.")
@user_option
@json_option
def create(lab_file: Path, name: str | None, user: str | None, as_json: bool) -> int:
    """Create a lab from its definition (JSON or YAML), which cannot be changed later."""
    definition = load_lab(lab_file)
    if name is not None:
        given = definition.model_dump(by_alias=True, mode="json", include=definition.model_fields_set)
        definition = lab_from_dict({**given, "name": name})
    with opened(user) as service:
        made = service.create_lab(definition)
    if as_json:
        listing.print_json(made)
        return 0
    slots = ", ".join(kind.value for kind in made.definition.datasets)
    listing.line(f"Created lab {made.id} ({made.name}). Slots: {slots}.")
    listing.line(f"Next: {made.state.next_step}")
    return 0


@lab.command("list")
@click.option("--state", type=click.Choice(list(map(str, LabState))), help="Only labs in this state.")
@list_options(LabQuery)
@user_option
@json_option
def list_labs(state: str | None, user: str | None, as_json: bool, page: int | None, **wanted: Any) -> int:
    """List your labs and their states, then the names and states of other publishers' labs.

    --text finds names and ids. A page of each is shown, by default the newest labs; --json prints all of your labs that
    match, unless --page or --size is given.
    """
    query = query_of(LabQuery, page=page, state=state, **wanted)
    with opened(user) as service:
        if as_json:
            is_page = page or wanted["size"]
            labs = service.lists.labs(query).labs if is_page else every_page(query, lambda one: _entries(service, one))
            listing.print_json(labs)
            return 0
        own, others = service.lists.labs(query), service.lists.other_labs(query)
    if own.total:
        lab_view.print_own(own.labs)
        print_part(query, len(own.labs), own.found, own.total, "lab")
    elif not others.total:
        lab_view.print_own([])
    lab_view.print_others(others.labs)
    print_part(query, len(others.labs), others.found, others.total, "other lab")
    return 0


def _entries(service: LabService, query: LabQuery) -> tuple[list[LabInfo], int]:
    found = service.lists.labs(query)
    return found.labs, found.found


@lab.command()
@click.argument("lab_name", metavar="LAB")
@user_option
@json_option
def show(lab_name: str, user: str | None, as_json: bool) -> int:
    """Show a lab: its definition, its datasets and every change."""
    with opened(user) as service:
        found = service.lab(lab_name)
        events = service.events(found.id)
    if as_json:
        dumped = [event.model_dump(mode="json", by_alias=True) for event in events]
        listing.print_json({**found.model_dump(mode="json", by_alias=True), "events": dumped})
        return 0
    lab_view.print_state(found)
    lab_view.print_definition(found)
    lab_view.print_slots(found)
    lab_view.print_events(events)
    return 0


@lab.command()
@click.argument("lab_name", metavar="LAB")
@click.option("--add", "added", multiple=True, metavar="EMAIL", help="Name another owner; repeat it for several.")
@click.option("--remove", "removed", multiple=True, metavar="EMAIL", help="Take an owner out.")
@user_option
@json_option
def owners(lab_name: str, added: tuple[str, ...], removed: tuple[str, ...], user: str | None, as_json: bool) -> int:
    """Show or change the owners of a lab: who may change it and read its results."""
    with opened(user) as service:
        found = service.lab(lab_name)
        unknown = [email for email in removed if email not in found.owners]
        if unknown:
            raise UsageError(
                f"{listed(unknown)} does not own the lab; its owners: {listed(found.owners)}. Nothing was changed."
            )
        if added or removed:
            wanted = [email for email in (*found.owners, *added) if email not in removed]
            found = service.set_lab_owners(found.id, wanted)
    if as_json:
        listing.print_json(found)
    else:
        listing.line(f"Lab {found.id} ({name_or_unnamed(found.name)}) belongs to {listed(found.owners)}.")
    return 0


@lab.command()
@click.argument("lab_name", metavar="LAB")
@user_option
@json_option
def rekey(lab_name: str, user: str | None, as_json: bool) -> int:
    """Give a lab of an earlier version a readable name in Dagster's pages.

    Its history there is found by the present key, its id: a lab that ever had a result keeps it.
    """
    with opened(user) as service:
        found = service.rekey_lab(lab_name)
    if as_json:
        listing.print_json(found)
    else:
        listing.line(f"Lab {found.id} ({name_or_unnamed(found.name)}) has the partition key {found.partition_key}.")
    return 0


@lab.command()
@click.argument("lab_name", metavar="LAB")
@yes_option
@user_option
def delete(lab_name: str, yes: bool, user: str | None) -> int:
    """Delete a lab and its results; its datasets are kept."""
    with opened(user) as service:
        found = service.lab(lab_name)
        held = f" It holds {', '.join(slot.kind.value for slot in found.slots)}." if found.slots else ""
        confirm(f"Delete lab {found.id} ({name_or_unnamed(found.name)}) and its results permanently?{held}", yes=yes)
        service.delete_lab(found.id)
    listing.line(f"Lab {found.id} ({name_or_unnamed(found.name)}) was deleted; its datasets are kept.")
    return 0
