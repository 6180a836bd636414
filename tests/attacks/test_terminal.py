"""No name of a lab, dataset or user controls the terminal of the person who lists it."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from rich.markup import escape
from rich.table import Table
from sqlalchemy import text

import datalab_dagster
from datalab.registry.models import SCHEMA, LabRow
from datalab_dagster.terminal.safe_console import SafeConsole
from datalab_dagster.terminal.text import printable
from tests.commands import datalab_here
from tests.portal.conftest import database, deployment, quick_hashes, registry, server, service, url
from tests.portal.deployments import QuietService, ready_lab

__all__ = ["database", "deployment", "quick_hashes", "registry", "server", "service", "url"]

pytestmark = pytest.mark.attack

EVIL = "Base\x1b[2J\x1b]0;owned\x07\x9b31m\r\u202etxt"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
PACKAGE = Path(datalab_dagster.__file__).parent


def test_every_control_character_is_written_out() -> None:
    every = "".join(map(chr, range(0x3000)))
    shown = printable(every)
    assert not CONTROL.search(shown) and "\n" in shown and "\t" in shown and "é" in shown
    assert json.loads(printable(json.dumps({"name": EVIL}, ensure_ascii=False))) == {"name": EVIL}


@pytest.mark.parametrize("terminal", [True, False])
def test_a_console_shows_them_too(terminal: bool) -> None:
    out = io.StringIO()
    console = SafeConsole(file=out, force_terminal=terminal, width=120)
    table = Table(title=EVIL)
    table.add_column(EVIL)
    table.add_row(escape(EVIL))
    console.print(table)
    console.print(f"[red]{escape(EVIL)}[/]", highlight=False)
    console.print(EVIL, markup=False, soft_wrap=True)
    console.print_json(json.dumps(EVIL, ensure_ascii=False))
    own = re.sub(r"\x1b\[[\d;]*m", "", out.getvalue())
    assert not CONTROL.search(own)
    assert own.count("u001b") >= 8 and ("\x1b[31m" in out.getvalue()) is terminal


def rename_as_an_earlier_version_could(service: QuietService, lab_id: str, name: str) -> None:
    with service._registry.database.write() as session:
        session.execute(text(f"ALTER TABLE {SCHEMA}.labs DISABLE TRIGGER immutable"))
        row = session.get_one(LabRow, lab_id)
        row.name, row.definition = name, {**row.definition, "name": name}
        session.flush()
        session.execute(text(f"ALTER TABLE {SCHEMA}.labs ENABLE TRIGGER immutable"))


def test_commands_show_names_as_text(service: QuietService, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATALAB_POSTGRES_URL", url)
    monkeypatch.setenv("DATALAB_HOME", str(service._deployment.home))
    lab = ready_lab(service)
    rename_as_an_earlier_version_could(service, lab.id, EVIL)
    dataset = lab.slots[0].manifest_hash
    commands = ["lab list", f"lab show {lab.id}", f"status {lab.id}", f"runs {lab.id}", f"results {lab.id}"]
    commands += ["dataset list", f"dataset show {dataset}", "status no-such-lab", "lab show Base"]
    shown = 0
    for command in commands:
        for more in ([], ["--json"]):
            ended = datalab_here(*command.split(), *more)
            assert not CONTROL.search(ended.out + ended.err), command
            shown += "u001b[2J" in ended.out + ended.err
    assert shown >= 4


def test_nothing_else_prints() -> None:
    prints = re.compile(r"\bclick\.s?echo\(|(?<!Safe)\bConsole\(|^\s*print\(", re.MULTILINE)
    rooms = (PACKAGE / room for room in ("cli", "terminal", "data_lab", "archv2", "client", "up"))
    found = {path.name for room in rooms for path in room.rglob("*.py") if prints.search(path.read_text("utf-8"))}
    assert found == {"text.py"}
