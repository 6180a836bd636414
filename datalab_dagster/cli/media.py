"""`datalab media`: Media DCRs, the rooms in which a lab is joined with an advertiser's seed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from datalab.codes import explain
from datalab.formats import counted
from datalab.kinds import KINDS
from datalab.media.room import load_room
from datalab.media.seed import ValidSeed
from datalab_dagster.cli import listing
from datalab_dagster.cli.kinds import options_of_kinds
from datalab_dagster.graph import media_preflight as run
from datalab_dagster.terminal.checks import shown_progress
from datalab_dagster.terminal.text import echo

_FILE = click.Path(path_type=Path)


@click.group()
def media() -> None:
    """Join a lab with an advertiser's seed in a Media DCR."""


@media.command()
@click.argument("room_file", metavar="ROOM.json", type=_FILE)
@options_of_kinds(
    lambda kind: {"type": _FILE, "metavar": "FILE", "required": kind.is_matching, "help": f"The {kind.name} file."}
)
@click.option("--seed", type=_FILE, metavar="FILE", required=True, help="The advertiser's matching ids, by audience.")
@click.option(
    "--scores",
    type=_FILE,
    metavar="DIR",
    help="scores_ID.csv and holdout_ID.csv of lookalike audiences, in place of a model.",
)
@click.option(
    "--out", type=_FILE, metavar="DIR", required=True, help="The folder for the results; only you may read it."
)
def preflight(room_file: Path, seed: Path, scores: Path | None, out: Path, **given: Path | None) -> int:
    """Compute what a room answers, from files on this machine and without a deployment.

    ROOM.json (or YAML) defines the DCR, its lab and its audiences. Writes results.json to DIR, and the private reports
    of the files. Exit code 0 only when a DCR would accept the lab and every result is there.
    """
    room = load_room(room_file)
    files = {kind: path for kind in KINDS if (path := given[kind.value]) is not None}
    with shown_progress() as progress:
        result = run.preflight_room(room, files, seed, scores, out, progress)
    if room.title:
        listing.line(room.title)
    for sentence in _about(result.seed):
        echo(f"Seed: {sentence}", err=True)
    for obstacle in result.obstacles:
        echo(f"A DCR would refuse this lab. {obstacle}", err=True)
    if result.missing_extra:
        echo(result.missing_extra, err=True)
    if result.error:
        echo(f"Nothing could be computed: {result.error}. See the private reports in {out}.", err=True)
    else:
        numbers = result.seed.numbers()
        listing.line(
            f"Seed: {counted(numbers['valid_rows'], 'valid row')}, {counted(numbers['invalid_rows'], 'invalid row')}. "
            f"{counted(len(result.room.audiences), 'custom audience')}."
        )
    listing.line(f"Results: {out / run.RESULTS}")
    listing.line(
        "They contain user lists, and the reports contain sample values, in plain text: do not share the folder."
    )
    return 0 if result.passed else 1


def _about(seed: ValidSeed) -> Iterator[str]:
    """Yield what is wrong with a seed and what to do: the file as a whole, and rows by reason, most first."""
    yield from (hint.message for hint in seed.facts.hints)
    numbers = seed.numbers()
    for code, rows in sorted(numbers["invalid_rows_by_reason"].items(), key=lambda item: -item[1]):
        yield f"{counted(rows, 'invalid row')}, {explain(code).reason}. {explain(code).advice}"
    if seed.is_readable and not numbers["valid_rows"]:
        yield "It has no valid row, so every audience of it is empty."
