"""How fast the portal answers with many labs and stores large files: `python -m benchmarks.portal`; over HTTP.

Pages: milliseconds to the first byte with 200 labs, half of them provisioned. Uploads: ratios to `cp` and `sync` of the
same file on the same disk, in the same run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from benchmarks.living import uploaded
from datalab.formats import duration
from datalab.lab import load_lab
from datalab.registry import EmbeddedPostgres
from datalab.sample import write_sample
from datalab_dagster.service import ServiceUnreachable
from datalab_dagster.service.http import HttpService

MIB = 1024**2


def main() -> None:
    """Measure, and print a line per page and per kind of upload."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labs", type=int, default=200)
    parser.add_argument("--mib", type=int, default=2048, help="size of the file that is sent")
    options = parser.parse_args()
    with running() as (home, service, browser):
        pages(service, browser, home / "files", options.labs)
        uploads(service, browser, home, options.mib)


@contextlib.contextmanager
def running() -> Iterator[tuple[Path, HttpService, httpx.Client]]:
    """Start a portal on a new home below a folder that is removed at the end; yield the folder and two clients."""
    home = Path(tempfile.mkdtemp(prefix="datalab-bench-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "DATALAB_HOME": str(home / "home")}
    command = [sys.executable, "-m", "datalab_dagster.portal", "--port", str(port)]
    try:
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as portal:
            assert portal.stdout is not None
            address, _, secret = portal.stdout.readline().split()[-1].partition("/?token=")
            headers = {"Authorization": f"Bearer {secret}"}
            try:
                with (
                    answering(address, secret) as service,
                    httpx.Client(base_url=address, headers=headers, timeout=600) as browser,
                ):
                    yield home, service, browser
            finally:
                portal.terminate()
    finally:
        EmbeddedPostgres(home / "home").stop()
        shutil.rmtree(home)


def answering(address: str, secret: str) -> HttpService:
    while True:
        try:
            return HttpService(address, secret)
        except ServiceUnreachable:
            time.sleep(0.2)


def pages(service: HttpService, browser: httpx.Client, files: Path, labs: int) -> None:
    write_sample(files, users=200)
    definition = load_lab(files / "LAB.json")
    hashes = uploaded(service, files)
    for number in range(labs):
        lab = service.create_lab(definition.model_copy(update={"name": f"Lab {number}"}))
        if number % 2:
            service.change(lab.id, hashes)
    for page in ("/datalabs", "/datasets", f"/datalabs/{lab.id}", "/api/labs"):
        times = [first_byte(browser, page) for _ in range(12)][2:]
        print(f"{page.replace(lab.id, 'LAB')}: {statistics.median(times):.0f} ms ({min(times):.0f}-{max(times):.0f})")


def first_byte(browser: httpx.Client, page: str) -> float:
    """Return the milliseconds until the first byte of a page."""
    began = time.perf_counter()
    with browser.stream("GET", page) as answer:
        answer.raise_for_status()
        next(answer.iter_raw())
        return (time.perf_counter() - began) * 1000


def uploads(service: HttpService, browser: httpx.Client, home: Path, mib: int) -> None:
    file = home / "large.csv"
    with file.open("wb") as out:
        for _ in range(mib):
            out.write(os.urandom(MIB))

    def by_parts() -> None:
        with file.open("rb") as source:
            service.upload_dataset(source, "by parts")

    def in_one() -> None:
        with file.open("rb") as source:
            size = {"Content-Type": "application/octet-stream", "Content-Length": str(file.stat().st_size)}
            browser.put("/api/datasets", params={"name": "in one"}, content=source, headers=size).raise_for_status()

    def copied() -> None:
        subprocess.run(["cp", file, home / "copy.csv"], check=True)
        subprocess.run(["sync", home / "copy.csv"], check=True)

    floor = seconds(copied)
    print(f"cp and sync of {mib} MiB: {duration(floor)}")
    for what, send in (("by parts, resumable", by_parts), ("in one request", in_one)):
        took = seconds(send)
        print(f"{what}: {duration(took)}, {took / floor:.2f} x")


def seconds(what: Callable[[], None]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
