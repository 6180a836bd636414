"""`datalab repair`: proposes what to change in a file or a stored dataset, and keeps a copy with the chosen changes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import click

from datalab.errors import UsageError
from datalab.ingest.any_file import AnyFile, StoredFile
from datalab.ingest.repair import StepName, plan
from datalab.kinds import NAMES, DatasetKind
from datalab.lab import LabDefinition, load_lab
from datalab.validation.repairs import proposal, valid_rows
from datalab_dagster.cli import repaired
from datalab_dagster.cli.deployment import confirm, is_hash, json_option, opened, the_dataset, user_option, yes_option
from datalab_dagster.service import DatasetInfo, LabService
from datalab_dagster.service.repairs_protocol import RepairQuery
from datalab_dagster.terminal.checks import shown_progress

_FILE = click.Path(path_type=Path)


@dataclass(frozen=True)
class _Wanted:
    """How the command was called."""

    kind: DatasetKind | None
    lab: LabDefinition | None
    steps: Sequence[StepName]
    out: Path | None
    store: bool
    yes: bool
    user: str | None
    as_json: bool

    @property
    def chosen(self) -> Sequence[StepName] | None:
        """The steps; None: all that are proposed."""
        return self.steps or None

    def agree(self, question: str) -> None:
        """Ask, unless the steps were chosen.

        Raises:
            UsageError: there is no terminal to ask on.
            Stopped: the answer is no.
        """
        if self.steps or self.yes:
            return
        if not sys.stdin.isatty():
            raise UsageError("Nothing was written: choose the steps with --step, or accept all of them with --yes.")
        confirm(question, yes=False)


@click.command()
@click.argument("what", metavar="FILE|HASH")
@click.option("--kind", type=click.Choice(list(map(str, DatasetKind))), help=f"The dataset that it is: {NAMES}.")
@click.option("--lab", metavar="LAB", help="The lab: a file with its definition (JSON or YAML), its id or its name.")
@click.option(
    "--step",
    "steps",
    multiple=True,
    type=click.Choice(list(map(str, StepName))),
    help="Do only this step, without a question; repeatable. Default: all that are proposed.",
)
@click.option("--out", type=_FILE, metavar="FILE", help="Write the repaired copy here, in plain text.")
@click.option("--store", is_flag=True, help="Keep the repaired copy as a new dataset, encrypted.")
@yes_option
@user_option
@json_option
def repair(
    what: str,
    kind: str | None,
    lab: str | None,
    steps: tuple[str, ...],
    out: Path | None,
    store: bool,
    yes: bool,
    user: str | None,
    as_json: bool,
) -> int:
    """Propose what to change so that more rows are valid, and keep a copy with the changes.

    HASH is the manifest hash of a stored dataset, or its first 8 or more characters. FILE or dataset stay as they are.
    The proposal shows for each step how many rows of the first 20,000 it touches, and the share of them that is valid
    after it. Without --out and --store nothing is written. Give --lab where a step depends on the types of ids: plain
    e-mail addresses are hashed only if the lab says that they must be hashes.
    """
    if out is not None and store:
        raise UsageError("Give either --out FILE or --store.")
    if out is not None and out.resolve() in (Path(what).resolve(), Path(lab).resolve() if lab else None):
        raise UsageError("The repaired copy must be another file: choose another name for --out.")
    definition = _definition(lab, user) if lab else None
    chosen = [StepName(step) for step in steps]
    wanted = _Wanted(DatasetKind(kind) if kind else None, definition, chosen, out, store, yes, user, as_json)
    if Path(what).exists() or not is_hash(what):
        _repair_file(Path(what), wanted, repaired.Shown("file", what))
        return 0
    with opened(user) as service:
        dataset = the_dataset(service, what)
        shown = repaired.Shown("manifestHash", dataset.manifest_hash, dataset.name)
        if out is None:
            _repair_dataset(service, dataset, wanted, shown)
        else:
            _repair_file(_content(service, dataset), wanted, shown)
    return 0


def _definition(lab: str, user: str | None) -> LabDefinition:
    if Path(lab).exists() or Path(lab).suffix:
        return load_lab(Path(lab))
    with opened(user) as service:
        return service.lab(lab).definition


def _content(service: LabService, dataset: DatasetInfo) -> StoredFile:
    return StoredFile(dataset.name, lambda: service.download_dataset(dataset.manifest_hash))


def _repair_file(file: AnyFile, wanted: _Wanted, shown: repaired.Shown) -> None:
    """Repair what this command can read itself."""
    found = plan(file, kind=wanted.kind, lab=wanted.lab, chosen=wanted.chosen)
    proposed = proposal(found, wanted.lab)
    if not wanted.as_json:
        repaired.print_proposal(proposed, is_given=wanted.lab is not None)
    if not found.steps or not (wanted.out or wanted.store):
        shown.end(proposed, as_json=wanted.as_json)
        return
    with ExitStack() as stack:
        copy: AnyFile
        if wanted.out is not None:
            wanted.agree(f"Write a repaired copy to {wanted.out}?")
            done = repaired.write(found, wanted.out, for_machines=wanted.as_json)
            copy, where = wanted.out, repaired.Where("out", str(wanted.out), f"Wrote {wanted.out}")
        else:
            wanted.agree("Store a repaired copy as a new dataset?")
            service = stack.enter_context(opened(wanted.user))
            dataset, done = repaired.store(service, found, for_machines=wanted.as_json)
            copy, where = _content(service, dataset), repaired.Where.of(dataset, service)
        counted = None
        if proposed.lab is not None:
            counted = tuple(valid_rows(one, found.kind, proposed.lab) for one in (file, copy))
    touched = {name.value: rows for name, rows in done.touched.items()}
    shown.done(proposed, where, repaired.Counts(done.records, done.written, touched, counted), as_json=wanted.as_json)


def _repair_dataset(service: LabService, dataset: DatasetInfo, wanted: _Wanted, shown: repaired.Shown) -> None:
    """Let the deployment repair one of its datasets."""
    asked = RepairQuery(dataset.manifest_hash, wanted.kind, wanted.lab, wanted.chosen)
    proposed = service.repairs.propose(asked)
    if not wanted.as_json:
        repaired.print_proposal(proposed, is_given=wanted.lab is not None)
    if not proposed.steps or not wanted.store:
        shown.end(proposed, as_json=wanted.as_json)
        return
    wanted.agree(f"Store a repaired copy of {dataset.name} as a new dataset?")
    with shown_progress(for_machines=wanted.as_json) as progress:
        made = service.repairs.store(
            asked, progress=lambda rows, read, size: progress.update(proposed.kind, rows, read, size)
        )
    touched = {step.name: step.rows for step in made.dataset.steps}
    counted = (made.before, made.after) if made.before and made.after else None
    counts = repaired.Counts(made.records, made.written, touched, counted)
    shown.done(proposed, repaired.Where.of(made.dataset, service), counts, as_json=wanted.as_json)
