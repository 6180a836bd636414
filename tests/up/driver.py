"""Runs a supervisor on example services in a process of its own: `python -m tests.up.driver HOME SERVICES`; no test.

SERVICES is JSON: name → [port, words, names that come first].
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from datalab.errors import DatalabError
from datalab.home.up import UpRecord, held, left_record, remove_record
from datalab_dagster.up import health
from datalab_dagster.up.database import WatchedDatabase
from datalab_dagster.up.processes import sweep
from datalab_dagster.up.service import Patience, Service
from datalab_dagster.up.supervisor import Supervisor


def main() -> None:
    home, wanted = Path(sys.argv[1]), json.loads(sys.argv[2])
    services = [
        Service(
            name,
            "tests.up.example",
            (str(port), *words),
            answers=lambda port=port: health.serves("127.0.0.1", port),
            after=tuple(after),
        )
        for name, (port, words, after) in wanted.items()
    ]
    patience = Patience(pause=0.1, ends=3, healthy=60, start=float(os.environ.get("START_SECONDS", "20")))
    with held(home):
        before = left_record(home)
        swept = sweep(before.children, seconds=1) if before else 0
        say(f"swept {swept}")
        database = WatchedDatabase(None, lambda: True, say)
        record = UpRecord(os.getpid(), "http://here", None)
        try:
            Supervisor(home, services, os.environ, record, database, say, patience).run(lambda: say("answered"))
        except DatalabError as error:
            say(str(error))
            sys.exit(3)
        finally:
            remove_record(home)


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
