"""What tests let `up` run: `python -m tests.up.example PORT [WORD…]`, a small web server that may misbehave; no test.

WORDs: ``fail`` ends at once; ``deaf`` never answers; ``orphan`` leaves a process that wants no end in a session of its
own, whose parent has ended. Who wants no end writes its number to the file STUBBORN.
"""

from __future__ import annotations

import http.server
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    port, *words = sys.argv[1:]
    if "fail" in words:
        sys.exit("something is wrong")
    if "orphan" in words:
        again = [sys.executable, "-m", "tests.up.example", port, "stubborn"]
        code = f"import subprocess; subprocess.Popen({again!r}, start_new_session=True)"
        subprocess.run([sys.executable, "-c", code], check=True)
    if "stubborn" in words:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        Path(os.environ["STUBBORN"]).write_text(f"{os.getpid()}")
    if "deaf" in words or "stubborn" in words:
        time.sleep(600)
    http.server.HTTPServer(("127.0.0.1", int(port)), http.server.SimpleHTTPRequestHandler).serve_forever()


if __name__ == "__main__":
    main()
