"""Runs a module as `python -m` does, and ends it together with its parent; every child of `up` runs in it.

python -m datalab_dagster.up.guard FD MODULE ARGUMENT…

FD is the reading end of a pipe whose other end the parent holds; nothing is ever written to it. When the parent ends,
even by kill -9, the kernel closes it: then the whole process group gets a signal to end, and is killed if it does not.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

from datalab.home.private import keep_private

_GRACE_SECONDS = 10.0


def main() -> None:
    """Watch the parent in a thread, and run the module."""
    keep_private()
    descriptor, module, *arguments = sys.argv[1:]
    threading.Thread(target=_end_with_parent, args=(int(descriptor),), name="guard", daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _end_with_parent(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
