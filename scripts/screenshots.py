"""Takes the screenshots in docs/images from a synthetic deployment: `python scripts/screenshots.py`.

`--every FOLDER` takes every page at two widths, light and dark, for review. The portal's code does not belong here.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
OWNER = "pat@publisher.example"
PICTURES = {
    "portal-datalabs": ("/datalabs", 1280, "light", False),
    "portal-datalab": ("{lab}", 1280, "light", True),
    "portal-statistics": ("{lab}/statistics", 1280, "light", False),
    "portal-datasets": ("/datasets", 1280, "light", False),
    "portal-history": ("{lab}/history", 1280, "dark", False),
    "portal-datalab-narrow": ("{lab}", 390, "dark", False),
}
"""Name in docs/images → page, width, theme, and whether the whole page is shown."""
PAGES = ("/datalabs", "/datasets", "{lab}", "{lab}/statistics", "{lab}/reports", "{lab}/history", "{empty}",
         "{empty}/statistics", "{failed}", "{failed}/reports", "{incomplete}", "{run}", "/datalabs/new", "{lab}/delete",
         "/login", "/no-such-page")  # fmt: skip


def main() -> None:
    """Make a deployment, serve it, and take the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--every", type=Path, help="also take every page, into this folder")
    parser.add_argument("--home", type=Path, help="keep the deployment here and use it again")
    parser.add_argument("--users", type=int, default=20_000)
    options = parser.parse_args()
    home = options.home or Path(tempfile.mkdtemp(prefix="datalab-pictures-"))
    try:
        with served(home, options.users) as (address, secret, places):
            take(address, secret, places, options.out, options.every)
    finally:
        if not options.home:
            stop_database(home)
            shutil.rmtree(home, ignore_errors=True)


@contextmanager
def served(home: Path, users: int) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Serve a deployment under `home` with labs in several states; yield its address, secret and the labs' paths."""
    import uvicorn

    from datalab.deployment import Deployment
    from datalab.home.secret import new_secret
    from datalab.home.settings import PortalSettings
    from datalab_dagster.portal.app import create_app
    from datalab_dagster.service.local import LocalService

    environment = {**os.environ, "DATALAB_HOME": str(home)}
    environment.pop("DATALAB_POSTGRES_URL", None)
    with LocalService(Deployment.open(environment), OWNER, environment) as service:
        places = make_labs(service, home, users)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = PortalSettings(port=port, local_owner=OWNER)
        secret = new_secret()
        app = create_app(service, settings, secret=secret)
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}", secret, places
        server.should_exit = True
        thread.join(timeout=20)


def make_labs(service: Any, home: Path, users: int) -> dict[str, str]:
    """Make a Ready lab that was refreshed once, an empty, an incomplete and a failed one; return their paths."""
    from datalab.kinds import DatasetKind
    from datalab.lab import lab_from_dict, load_lab
    from datalab.sample import write_sample

    names = {"lab": "Spring campaign base", "failed": "Podcast listeners", "incomplete": "Newsletter readers",
             "empty": "Sports section"}  # fmt: skip
    known = {lab.name: lab for lab in service.labs()}
    if len(known) < len(names):
        for number, dirty in ((1, 0.012), (2, 0.02)):
            sample = write_sample(home / f"sample-{number}", users=users + 900 * number, seed=number, dirty=dirty)
            hashes = {}
            for kind, path in sample.files.items():
                with path.open("rb") as file:
                    stored = service.upload_dataset(file, f"{kind.value}-2026-{number + 2:02d}.csv")
                hashes[kind] = stored.manifest_hash
            if number == 1:
                wire = load_lab(sample.lab).model_dump(mode="json", by_alias=True)
                for name in (names["empty"], names["incomplete"], names["failed"], names["lab"]):
                    shared = {"shareStatistics": name == names["lab"]}
                    known[name] = service.create_lab(lab_from_dict({**wire, "name": name, **shared}))
            service.change(known[names["lab"]].id, hashes, cause="portal")
            wait(service, service.validate(known[names["lab"]].id).run_id)
        service.change(known[names["incomplete"]].id, {DatasetKind.IDENTIFIERS: hashes[DatasetKind.IDENTIFIERS]})
        wrong = service.upload_dataset(io.BytesIO(b"user;segment\n" * 900), "segments-export-final.csv")
        service.change(known[names["failed"]].id, {**hashes, DatasetKind.SEGMENTS: wrong.manifest_hash}, cause="portal")
        wait(service, service.validate(known[names["failed"]].id).run_id)
    places = {key: f"/datalabs/{known[name].id}" for key, name in names.items()}
    run = service.runs(known[names["lab"]].id)[0]
    return {**places, "run": f"{places['lab']}/runs/{run.run_id}"}


def wait(service: Any, run_id: str) -> None:
    """Wait until a run has ended."""
    end = time.monotonic() + timedelta(minutes=10).total_seconds()
    while not service.run(run_id).is_complete:
        if time.monotonic() > end:
            raise SystemExit("The validation of the sample lab takes too long.")
        time.sleep(0.5)


def take(address: str, secret: str, places: dict[str, str], out: Path, every: Path | None) -> None:
    """Take the screenshots of the documentation, and of every page if `every` is given."""
    from playwright.sync_api import sync_playwright

    shots = [(out / f"{name}.png", *rest) for name, rest in PICTURES.items()]
    for page in PAGES if every else ():
        for width in (1280, 390):
            for theme in ("light", "dark"):
                name = page.strip("/").replace("/", "-").replace("{", "").replace("}", "")
                shots.append(((every or out) / f"{name}-{width}-{theme}.png", page, width, theme, True))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for path, page, width, theme, whole in shots:
            path.parent.mkdir(parents=True, exist_ok=True)
            view = browser.new_page(viewport={"width": width, "height": 820}, color_scheme=theme)
            view.goto(f"{address}/?token={secret}")
            view.goto(address + page.format_map(places))
            if page.endswith("statistics") and view.locator("#charts").count():
                view.wait_for_function("document.documentElement.dataset.drawn")
            view.screenshot(path=path, full_page=whole, animations="disabled")
            view.close()
        browser.close()


def stop_database(home: Path) -> None:
    """Stop the database under a temporary home directory."""
    from datalab.registry import EmbeddedPostgres

    EmbeddedPostgres(home).stop()


if __name__ == "__main__":
    main()
