"""Writes what labs of this package return to a folder, as written by a run and as its SDK reads it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from datalab.kinds import DatasetKind
from datalab.registry import EmbeddedPostgres
from datalab.results.files import STATISTICS
from datalab.sample import write_sample
from datalab_dagster import create_client
from datalab_dagster.client import Client
from datalab_dagster.data_lab import DataLabBuilder, IdentifiersConfig, IdType
from datalab_dagster.storage import Key

LABS = {"clean": 0.0, "dirty": 0.05, "broken": 0.05}


def main() -> None:
    """Run a clean lab, one with invalid rows, and one with an unreadable file."""
    out = Path(sys.argv[1])
    with TemporaryDirectory(prefix="datalab-vendor-") as home:
        os.environ["DATALAB_HOME"] = f"{home}/home"
        try:
            with create_client("me@publisher.example", "bWU=") as client:
                for name, dirty in LABS.items():
                    write_sample(Path(home) / name, users=3_000, dirty=dirty, seed=7)
                    if name == "broken":
                        (Path(home) / name / "segments.csv").write_bytes(b"\x1f\x8b no gzip")
                    (out / name).mkdir(parents=True)
                    write(client, Path(home) / name, out / name)
        finally:
            EmbeddedPostgres(Path(home) / "home").stop()


def write(client: Client, files: Path, out: Path) -> None:
    """Run a lab and write its results."""
    definition = json.loads((files / "LAB.json").read_text())
    identifiers = [
        IdentifiersConfig(one["idName"], IdType(one["idType"]), one["isMatchingId"], one["isActivationId"])
        for one in definition["identifiersConfig"]
    ]
    builder = DataLabBuilder(client).with_name(out.name).with_identifiers_config(identifiers)
    builder.with_num_identifiers_columns(definition["numIdentifiersColumns"]).with_segments().with_demographics()
    lab = builder.with_embeddings(definition["numEmbeddings"]).build()
    paths = {kind: str(files / f"{kind.value}.csv") for kind in DatasetKind}
    lab.provision_local_datasets(
        Key(),
        paths[DatasetKind.IDENTIFIERS],
        paths[DatasetKind.SEGMENTS],
        paths[DatasetKind.DEMOGRAPHICS],
        paths[DatasetKind.EMBEDDINGS],
    )
    lab.run()
    read = {
        "reports": lab.get_validation_report(timeout=300),
        "statistics": lab.get_statistics_report(timeout=300),
        "passed": lab.is_validation_passed(lab.get_validation_report()),
    }
    (out / "read.json").write_text(json.dumps(read))
    for kind in DatasetKind:
        (out / f"report-{kind.value}.json").write_bytes(client.service.validation_report(lab.id, kind))
    (out / "statistics.json").write_bytes(client.service.result_file(lab.id, STATISTICS.name))


if __name__ == "__main__":
    main()
