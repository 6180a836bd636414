"""`datalab dataset`: uploads, lists, shows, shares, downloads and deletes datasets."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from datalab.errors import UsageError
from datalab.formats import counted, listed, name_or_unnamed, number, size
from datalab.ingest.recognise import FileFacts, words
from datalab.kinds import DatasetKind
from datalab_dagster.cli import listing
from datalab_dagster.cli.deployment import confirm, json_option, opened, the_dataset, user_option, yes_option
from datalab_dagster.cli.paged import every_page, list_options, print_part, query_of
from datalab_dagster.cli.transfer import download_file, download_to, is_address, same_content, upload_file
from datalab_dagster.service import (
    DatasetInfo,
    DatasetListInfo,
    DatasetQuery,
    KeyAccessDenied,
    KeyNotFound,
    KeyRole,
    LabService,
    RoleRefused,
    UseInfo,
)

_FILE = click.Path(path_type=Path)


@click.group()
def dataset() -> None:
    """Upload, list, show, download and delete datasets, which are kept encrypted.

    HASH is a manifest hash, or its first 8 or more characters if they are unique.
    """


@dataset.command()
@click.argument("file", type=_FILE)
@click.option("--name", help="The dataset's name; default: the file's name.")
@click.option("--description", default="", help="A short description.")
@user_option
@json_option
def upload(file: Path, name: str | None, description: str, user: str | None, as_json: bool) -> int:
    """Upload a FILE and print its manifest hash; the same command resumes an interrupted upload."""
    with opened(user) as service:
        stored = upload_file(service, file, name=name, description=description, for_machines=as_json)
        same = "" if as_json else same_content(service, stored)
    if as_json:
        listing.print_json(stored)
    else:
        listing.line(f"{stored.manifest_hash}  {stored.name}, {size(stored.size)}")
        _print_facts(stored.facts)
        if same:
            copy = listing.short(stored.manifest_hash)
            listing.line(f"  {same} To keep only that one: `datalab dataset delete {copy}`.")
    return 0


@dataset.command("list")
@click.option("--kind", type=click.Choice(list(map(str, DatasetKind))), help="Only datasets that look like this kind.")
@click.option("--use", type=click.Choice(["used", "unused"]), help="Only datasets that a lab uses, or that none uses.")
@list_options(DatasetQuery)
@user_option
@json_option
def list_datasets(
    kind: str | None, use: str | None, user: str | None, as_json: bool, page: int | None, **wanted: Any
) -> int:
    """List datasets and the labs that they are provisioned to.

    --text finds names, and manifest hashes that begin with it. A page is shown, by default the newest datasets; --json
    prints all that match, unless --page or --size is given.
    """
    query = query_of(DatasetQuery, page=page, kind=kind, use=use, **wanted)
    with opened(user) as service:
        if as_json and not (page or wanted["size"]):
            listing.print_json(every_page(query, lambda one: _entries(service.lists.datasets(one))))
            return 0
        found = service.lists.datasets(query)
    if as_json:
        listing.print_json(found.datasets)
    elif not found.total:
        listing.line("There are no datasets yet. Upload one: `datalab dataset upload FILE`.")
    else:
        _print_datasets(found)
        print_part(query, len(found.datasets), found.found, found.total, "dataset")
    return 0


def _entries(found: DatasetListInfo) -> tuple[list[DatasetInfo], int]:
    return found.datasets, found.found


def _print_datasets(found: DatasetListInfo) -> None:
    rows = [
        (
            listing.short(one.manifest_hash),
            one.name,
            words.kind_words(one.facts) if one.your_role else "",
            size(one.size),
            number(one.rows),
            listing.when(one.created_at),
            one.created_by,
            ", ".join(name_or_unnamed(use.lab_name, use.lab_created_at) for use in _labs(found, one)) or "–",
        )
        for one in found.datasets
    ]
    header = ("dataset", "name", "looks like", "size", "rows", "uploaded", "by", "labs")
    if rows:
        listing.print_table(header, rows, numbers=("size", "rows"))


def _labs(found: DatasetListInfo, one: DatasetInfo) -> Iterable[UseInfo]:
    """Return a use of a dataset by each lab."""
    return {use.lab_id: use for use in found.uses.get(one.manifest_hash, [])}.values()


@dataset.command()
@click.argument("manifest_hash", metavar="HASH")
@user_option
@json_option
def show(manifest_hash: str, user: str | None, as_json: bool) -> int:
    """Show a dataset and who may use its key."""
    with opened(user) as service:
        found = the_dataset(service, manifest_hash)
        if as_json:
            listing.print_json(found)
            return 0
        names = _names(service)
        try:
            may = service.key_access(found.manifest_hash).users
            access = ", ".join(f"{user} ({role.value})" for user, role in may.items())
        except (KeyNotFound, KeyAccessDenied, RoleRefused) as error:
            access = "not stored" if isinstance(error, KeyNotFound) else "you may not use it"
    facts = {
        "Dataset": found.manifest_hash,
        "Name": found.name,
        "Description": found.description or "–",
        "Size": size(found.size),
        "Rows": number(found.rows),
        "Content": words.looks_like(found.facts) if found.facts else "not inspected",
        **_origin(found),
        "Uploaded": f"{listing.when(found.created_at)} by {found.created_by}",
        "Key": access,
        "Labs": ", ".join(f"{names.get(lab, lab)} ({lab})" for lab in found.labs) or "–",
    }
    for title, text in facts.items():
        listing.line(f"{title:<12} {text}")
    return 0


@dataset.command()
@click.argument("manifest_hash", metavar="[HASH]", required=False)
@click.option("--all", "every", is_flag=True, help="Inspect every dataset that you may use.")
@user_option
@json_option
def inspect(manifest_hash: str | None, every: bool, user: str | None, as_json: bool) -> int:
    """Recognise stored datasets from their content: kind, columns, separator and types; no value is shown."""
    if every == (manifest_hash is not None):
        raise UsageError("Give either the HASH of a dataset, or --all.")
    with opened(user) as service:
        every_one = [one for one in service.datasets() if one.your_role]
        wanted = every_one if manifest_hash is None else [the_dataset(service, manifest_hash)]
        found = []
        for one in wanted:
            found.append(service.inspect_dataset(one.manifest_hash))
            if not as_json:
                listing.line(f"{listing.short(one.manifest_hash)}  {one.name}")
                _print_facts(found[-1].facts, types=True)
    if as_json:
        listing.print_json(found if every else found[0])
    return 0


@dataset.command()
@click.argument("manifest_hash", metavar="HASH")
@click.option("--add", "users", multiple=True, metavar="EMAIL", help="Let them provision and read it.")
@click.option(
    "--add-owner", "owners", multiple=True, metavar="EMAIL", help="Let them delete it and change this list too."
)
@click.option("--remove", "removed", multiple=True, metavar="EMAIL", help="Take their place on the list away.")
@user_option
@json_option
def access(
    manifest_hash: str,
    users: tuple[str, ...],
    owners: tuple[str, ...],
    removed: tuple[str, ...],
    user: str | None,
    as_json: bool,
) -> int:
    """Show or change who may use a dataset: the access list of its key."""
    with opened(user) as service:
        found = the_dataset(service, manifest_hash)
        now = service.key_access(found.manifest_hash)
        unknown = [email for email in removed if email not in now.users]
        if unknown:
            raise UsageError(
                f"{listed(unknown)} has no place on the access list: {listed(list(now.users))}. Nothing was changed."
            )
        if users or owners or removed:
            wanted = now.users | dict.fromkeys(users, KeyRole.USER) | dict.fromkeys(owners, KeyRole.OWNER)
            kept = {email: role for email, role in wanted.items() if email not in removed}
            now = service.set_key_access(found.manifest_hash, kept)
    if as_json:
        listing.print_json(now)
    else:
        for email, role in now.users.items():
            listing.line(f"{role.value:<8}{email}")
    return 0


@dataset.command()
@click.argument("manifest_hash", metavar="HASH")
@click.argument("file", metavar="FILE|URL")
@user_option
def download(manifest_hash: str, file: str, user: str | None) -> int:
    """Write the plain content of a dataset to FILE, which must not exist yet.

    Every chunk is verified. The file is written completely or not at all, and only its owner may read it. A connector
    writes to an address such as s3://bucket/users.csv.
    """
    with opened(user) as service:
        found = the_dataset(service, manifest_hash)
        if is_address(file):
            download_to(service, found, file)
        else:
            download_file(service, found, Path(file))
    listing.line(f"{file}  {size(found.size)}. It holds rows in plain text: remove it when you are done.")
    return 0


@dataset.command()
@click.argument("manifest_hash", metavar="HASH")
@click.option("--force", is_flag=True, help="First deprovision it from every lab.")
@yes_option
@user_option
def delete(manifest_hash: str, force: bool, yes: bool, user: str | None) -> int:
    """Delete a dataset and its key permanently."""
    with opened(user) as service:
        found = the_dataset(service, manifest_hash)
        used = f" {len(found.labs)} lab(s) will lose it: {', '.join(found.labs)}." if force and found.labs else ""
        confirm(f"Delete dataset {listing.short(found.manifest_hash)} ({found.name}) permanently?{used}", yes=yes)
        service.delete_dataset(found.manifest_hash, force=force)
    listing.line(f"Dataset {found.manifest_hash} ({found.name}) was deleted.")
    return 0


def _origin(found: DatasetInfo) -> dict[str, str]:
    if found.made_from is None:
        return {}
    steps = "; ".join(f"{step.does}: {counted(step.rows, 'row')}" for step in found.steps)
    return {"Made from": found.made_from, "Repaired": steps or "–"}


def _print_facts(facts: FileFacts | None, *, types: bool = False) -> None:
    if facts is None:
        return
    listing.line(f"  {words.looks_like(facts)}")
    for text in [*words.notes(facts), *(words.column_types(facts) if types else [])]:
        listing.line(f"    {text}")


def _names(service: LabService) -> dict[str, str]:
    """The names of all labs by their ids."""
    own = {lab.id: name_or_unnamed(lab.name, lab.created_at) for lab in service.labs()}
    return own | {lab.id: name_or_unnamed(lab.name) for lab in service.other_labs()}
