"""Rooms for tests: computes what a room answers from files; no test is here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datalab.engines import open_engine
from datalab.kinds import DatasetKind
from datalab.media.base import build_base
from datalab.media.lookalikes import GivenScores
from datalab.media.privacy import Noise, no_noise
from datalab.media.results import RoomResults
from datalab.media.room import Room, room_from_dict
from datalab.media.seed import validate_seed
from datalab.validation.stream import validate
from tests.commands import Ended, datalab, datalab_here


def room_of(case: Path) -> Room:
    """Return the room of a conformance case."""
    return room_from_dict(json.loads((case / "case.json").read_bytes()))


def answers(
    room: Room, files: Mapping[str, Path], folder: Path, scores: Path | None = None, noise: Noise = no_noise
) -> dict[str, Any]:
    """Return results.json of a room whose files are there by the names of their options."""
    rows = {}
    for kind in room.lab.datasets:
        rows[kind] = folder / f"{kind.value}.parquet"
        validate(files[kind.value], kind, room.lab, valid_rows=rows[kind])
    seed = validate_seed(files["seed"], room.dcr.matching_id_type, folder / "seed.parquet")
    with open_engine(temp_directory=folder, threads=2) as engine:
        base = build_base(engine, room, rows, seed)
        RoomResults(base, noise, GivenScores(base, scores), folder).write(folder / "results.json")
    document: dict[str, Any] = json.loads((folder / "results.json").read_bytes())
    return document


def files_of(folder: Path) -> dict[str, Path]:
    """Return the files of a case by the names of their options."""
    names = [*(kind.value for kind in DatasetKind), "seed"]
    return {name: path for name in names if (path := folder / f"{name}.csv").exists()}


def command(room: Path, files: Mapping[str, Path], out: Path, *more: str | Path, here: bool = True) -> Ended:
    """Run `datalab media preflight`."""
    options = [word for name, path in files.items() for word in (f"--{name}", path)]
    run = datalab_here if here else datalab
    return run("media", "preflight", room, *options, "--out", out, *more)
