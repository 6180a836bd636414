"""Runs supervisors that pause at no turn, each stopped at a random moment: `python -m … HOME`; no test."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
from pathlib import Path

from datalab.home.up import UpRecord
from datalab_dagster.up import supervisor
from datalab_dagster.up.database import WatchedDatabase

TIMES = 200


def main() -> None:
    supervisor._TURN_SECONDS = 0.0
    chance = random.Random(31)
    record = UpRecord(os.getpid(), "http://here", None)
    for _ in range(TIMES):
        database = WatchedDatabase(None, lambda: True, print)
        stop = threading.Timer(chance.uniform(0, 0.02), os.kill, (os.getpid(), signal.SIGINT))
        supervisor.Supervisor(Path(sys.argv[1]), [], os.environ, record, database, print).run(stop.start)


if __name__ == "__main__":
    main()
