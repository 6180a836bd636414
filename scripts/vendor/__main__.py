"""Compares this package with the vendor's: `make vendor`; the command line names a Python that has that package.

Names, signatures and members, what calls without a deployment return or raise, and results read by the vendor's own
models. Exit code 1: they differ in a point that docs/migration.md does not list.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent
KNOWN = {
    "options: another type",  # both refuse with a ValueError; the vendor's is pydantic's
    "a lab",  # the vendor's takes the old lab out first
}
QUESTIONS = ("behaviour.py", "rooms.py")


def main() -> int:
    """Print every difference."""
    vendor = sys.argv[1]
    theirs: dict[str, Any] = {}
    ours: dict[str, Any] = {}
    for script in QUESTIONS:
        theirs |= _json(vendor, script, "decentriq_platform")
        ours |= _json(sys.executable, script, "datalab_dagster")
    differences = [
        f"{question}\n  theirs: {theirs[question]}\n  ours:   {ours[question]}"
        for question in theirs
        if theirs[question] != ours[question] and question not in KNOWN
    ]
    with TemporaryDirectory() as results:
        subprocess.run([sys.executable, "-m", "scripts.vendor.results", results], check=True, cwd=HERE.parents[1])
        differences += _json(vendor, "read.py", results)
    differences += _json(vendor, "names.py", str(HERE.parents[1] / "tests" / "sdk" / "surface.py"))
    print("\n".join(differences) or f"No difference in {len(theirs)} calls, all names and signatures, and all results.")
    return 1 if differences else 0


def _json(python: str, script: str, argument: str) -> Any:
    command = [python, str(HERE / script), argument]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    sys.exit(main())
