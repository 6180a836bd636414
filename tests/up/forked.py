"""What tests run in a fork: `python -m tests.up.forked [DESCRIPTOR] FILE CODE`; FILE gets what it is. No test."""

from __future__ import annotations

import json
import os
import random
import secrets
import sys
import threading
import uuid
from pathlib import Path

import numpy as np


def main() -> None:
    *descriptors, file, code = sys.argv[1:]
    found = {
        "arguments": sys.argv,
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "is_leader": os.getsid(0) == os.getpgrp() == os.getpid(),
        "name": Path("/proc/self/comm").read_text().strip(),
        "random": [random.random(), float(np.random.random()), str(uuid.uuid4()), secrets.token_hex(8)],
        "read": [os.read(int(one), 5).decode() for one in descriptors],
        "threads": threading.active_count(),
    }
    print("printed")
    print("complained", file=sys.stderr)
    Path(f"{file}.part").write_text(json.dumps(found))
    Path(f"{file}.part").rename(file)
    sys.stdin.read()
    sys.exit(int(code))


if __name__ == "__main__":
    main()
