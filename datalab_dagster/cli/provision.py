"""`datalab provision` and `datalab deprovision`: fill and empty the slots of a lab."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from datalab.errors import UsageError
from datalab.formats import listed
from datalab.kinds import KINDS, MATCHING, NAMES, DatasetKind
from datalab_dagster.cli import lab_view, listing
from datalab_dagster.cli.deployment import is_hash, json_option, opened, the_dataset, user_option
from datalab_dagster.cli.kinds import options_of_kinds
from datalab_dagster.cli.transfer import is_address, same_content, upload_file, upload_from
from datalab_dagster.service import LabInfo, LabService, Problem, ProblemCode, ProvisioningRefused
from datalab_dagster.service.models import ExpectedInfo
from datalab_dagster.terminal.text import echo


@click.command()
@click.argument("lab_name", metavar="LAB")
@options_of_kinds(lambda kind: {"metavar": "HASH|FILE|URL", "help": f"For the {kind.name}."})
@click.option("--cause", default="", metavar="TEXT", help="The reason, in a few words; events and runs show it.")
@click.option(
    "--expect",
    "expected",
    multiple=True,
    metavar="NAME=NUMBER",
    help="Expected rows of a dataset provisioned here, or ids of this name; `datalab status` compares.",
)
@click.option("--as-is", is_flag=True, help="Also accept a dataset that certainly has another kind than its slot.")
@user_option
@json_option
def provision(
    lab_name: str,
    cause: str,
    expected: tuple[str, ...],
    as_is: bool,
    user: str | None,
    as_json: bool,
    **given: str | None,
) -> int:
    """Provision datasets to a lab, in one change; datasets already in these slots are replaced.

    Name a dataset by its manifest hash, or by a file or an address such as s3://bucket/users.csv, which is uploaded
    first. Identifiers come first or at the same time. While `datalab up` runs, a validation starts automatically.
    """
    chosen = {kind: text for kind in KINDS if (text := given[kind.value]) is not None}
    if not chosen:
        raise UsageError(f"Choose what to provision: {', '.join(kind.option for kind in KINDS.values())}.")
    with opened(user) as service:
        lab = service.lab(lab_name)
        _check_slots(lab, chosen)
        numbers = _expected(lab, chosen, expected)
        hashes = _hashes(service, chosen, for_machines=as_json)
        changed = _changed(service, lab, hashes, cause, check_kinds=not as_is)
        if numbers:
            changed = service.expect(lab.id, numbers)
        already = [kind.value for kind, hashed in hashes.items() if _held(lab).get(kind) == hashed]
    _print(changed, as_json, note=f"Already provisioned: {', '.join(already)}." if already else "")
    return 0


@click.command(
    help=f"""Empty slots of a lab, in one change; the datasets are kept.

    KIND: {NAMES}.
    """
)
@click.argument("lab_name", metavar="LAB")
@click.argument("kinds", metavar="KIND…", nargs=-1, required=True, type=click.Choice([kind.value for kind in KINDS]))
@click.option("--cause", default="", metavar="TEXT", help="The reason, in a few words; events show it.")
@user_option
@json_option
def deprovision(lab_name: str, kinds: tuple[str, ...], cause: str, user: str | None, as_json: bool) -> int:
    """Empty slots of a lab, in one change; the datasets are kept."""
    with opened(user) as service:
        lab = service.lab(lab_name)
        changed = service.change(lab.id, {DatasetKind(kind): None for kind in kinds}, cause=cause)
    _print(changed, as_json)
    return 0


def _changed(
    service: LabService, lab: LabInfo, hashes: dict[DatasetKind, str], cause: str, *, check_kinds: bool
) -> LabInfo:
    """Provision the datasets; say how to confirm a kind."""
    try:
        return service.change(lab.id, hashes, cause=cause, check_kinds=check_kinds)
    except ProvisioningRefused as error:
        if {problem.code for problem in error.problems} != {ProblemCode.KIND_MISMATCH}:
            raise
        given = " ".join(f"{KINDS[kind].option} {manifest_hash}" for kind, manifest_hash in hashes.items())
        raise UsageError(
            f"{error}\nWhat was uploaded is stored. If it is meant: `datalab provision {lab.id} {given} --as-is`."
        ) from None


def _expected(lab: LabInfo, chosen: Iterable[DatasetKind], given: Iterable[str]) -> dict[DatasetKind, ExpectedInfo]:
    """Return the expected numbers; a name of a dataset means its rows, any other one a configured identifier."""
    ids = [entry.id_name for entry in lab.definition.identifiers_config]
    kinds = list(chosen)
    found: dict[DatasetKind, ExpectedInfo] = {}
    for text in given:
        name, _, count = text.rpartition("=")
        kind = DatasetKind(name) if name in list(DatasetKind) else MATCHING
        if not (count.isascii() and count.isdigit() and len(count) < 16):
            raise UsageError(f"--expect {text}: give NAME=NUMBER, such as segments=105000.")
        if kind not in kinds or (name != kind.value and name not in ids):
            known = listed([*(one.value for one in kinds), *(ids if MATCHING in kinds else [])])
            raise UsageError(f"--expect {text}: '{name}' is not provisioned here. Known names: {known}.")
        before = found.get(kind, ExpectedInfo())
        if name == kind.value:
            found[kind] = before.model_copy(update={"rows": int(count)})
        else:
            found[kind] = before.model_copy(update={"ids": {**before.ids, name: int(count)}})
    return found


def _check_slots(lab: LabInfo, chosen: dict[DatasetKind, str]) -> None:
    """Refuse kinds that the lab has no slot for, before a large file is uploaded."""
    has = ", ".join(slot.value for slot in lab.definition.datasets)
    problems = [
        Problem(ProblemCode.NO_SUCH_SLOT, kind, f"The lab has no slot for {kind.value}; it has: {has}")
        for kind in chosen
        if kind not in lab.definition.datasets
    ]
    if problems:
        raise ProvisioningRefused(lab.id, problems)


def _hashes(service: LabService, chosen: dict[DatasetKind, str], *, for_machines: bool) -> dict[DatasetKind, str]:
    """Return the manifest hash of each dataset; check every name before the first file is uploaded."""
    hashes: dict[DatasetKind, str] = {}
    files: dict[DatasetKind, str] = {}
    for kind, text in chosen.items():
        path = Path(text)
        if path.is_file() or is_address(text):
            files[kind] = text
        elif is_hash(text):
            hashes[kind] = the_dataset(service, text).manifest_hash
        elif path.is_dir():
            raise UsageError(f"{KINDS[kind].option} {text} is a directory: give a file or a manifest hash.")
        else:
            raise UsageError(
                f"{KINDS[kind].option} {text} is neither a file nor a manifest hash (its first 8 or more characters) "
                "nor an address. "
                "Nothing was uploaded or changed."
            )
    for kind, file in files.items():
        stored = (
            upload_from(service, file, for_machines=for_machines)
            if is_address(file)
            else upload_file(service, Path(file), for_machines=for_machines)
        )
        hashes[kind] = stored.manifest_hash
        if not for_machines:
            echo(f"{stored.manifest_hash}  {file} uploaded")
            if same := same_content(service, stored):
                echo(f"  {same}")
    return {kind: hashes[kind] for kind in chosen}


def _held(lab: LabInfo) -> dict[DatasetKind, str]:
    return {slot.kind: slot.manifest_hash for slot in lab.slots}


def _print(lab: LabInfo, as_json: bool, note: str = "") -> None:
    if as_json:
        listing.print_json(lab)
        return
    lab_view.print_state(lab)
    lab_view.print_slots(lab)
    if note:
        listing.line(note)
