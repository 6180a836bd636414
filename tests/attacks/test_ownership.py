"""Publishers are separated: all people × all routes and commands in one table; a missing line fails."""

from __future__ import annotations

import io
import itertools
import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from datalab.deployment.addresses import result
from datalab.registry import KeyRole, Registry
from datalab.registry.accounts import Role
from datalab.results.statistics import StatisticsResultV2
from datalab.statistics.compare import compare_statistics
from datalab_dagster.cli import datalab
from datalab_dagster.cli.lazy import Outline
from datalab_dagster.service import LabInfo
from datalab_dagster.service.repairs_protocol import RepairQuery
from tests.commands import datalab_here
from tests.portal.clients import TestClient, visitor
from tests.portal.conftest import app, database, deployment, quick_hashes, registry, server, service, url
from tests.portal.deployments import IDENTIFIERS, QuietService, definition
from tests.portal.pages.conftest import CASES, FULL, keep_report

__all__ = ["app", "database", "deployment", "quick_hashes", "registry", "server", "service", "url"]

pytestmark = pytest.mark.attack

PEOPLE = {
    "O": ("pat@publisher.example", Role.PUBLISHER),  # owns the lab and its dataset
    "L": ("lea@publisher.example", Role.PUBLISHER),  # has a place on the access list of the dataset
    "X": ("otto@other.example", Role.PUBLISHER),  # another publisher
    "V": ("vera@publisher.example", Role.VIEWER),
    "A": ("ada@vendor.example", Role.ADMIN),
}
OWNER = PEOPLE["O"][0]
SECRET = b"user1,hem, very-secret\n"  # with a blank, so that there is something to repair

STATISTICS = (CASES / FULL / "expected" / "statistics.json").read_text("utf-8")
COMPUTED = StatisticsResultV2.model_validate_json(STATISTICS)
FOUND = {
    **json.loads(STATISTICS),
    "quality_warnings": [{"code": "SHARED_ID", "message": "hem: one id has 9 users (limit 5)"}],
}
"""With one finding."""
RESULT = {
    "statistics.json": json.dumps(FOUND),
    "validation-status.json": (CASES / FULL / "expected" / "validation-status.json").read_text("utf-8"),
    "comparison.json": compare_statistics(COMPUTED, COMPUTED).model_dump_json(),
}


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes:
        may: the letters of those who may.
        sees: the letters of the people whose answer names the owner's lab or dataset; None: not tested.
        json, form, query, headers: what goes with a request; texts are filled in as the path is.
        words: what comes after the command.
        own: the lab is one of the person's own, and only the dataset is the owner's.
        changes: it may use up its objects, so that each person who may do it gets new ones.
    """

    may: str
    sees: str | None = None
    json: Any = None
    form: Mapping[str, str] | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    words: str = ""
    own: bool = False
    changes: bool = False


PUBLISHERS, READERS, ALL = "OLX", "OLXV", "OLXVA"
NOBODYS = Line(ALL)
"""Of the visitor alone: no lab or dataset of others can be named."""

ROUTES = {
    # ------------------------------------------------------------------------------------------------- datasets
    "GET /api/datasets": Line(READERS, sees=READERS),
    "PUT /api/datasets": Line(PUBLISHERS, query={"name": "new.csv"}),
    "POST /api/datasets": Line(PUBLISHERS, query={"name": "new.csv"}),
    "GET /api/datasets/{dataset}": Line(READERS),
    "GET /api/datasets/{dataset}/content": Line("OL"),
    "GET /api/datasets/{dataset}/key": Line("OL"),
    "GET /api/datasets/{dataset}/access": Line("OL"),
    "PUT /api/datasets/{dataset}/access": Line("O", json={"users": {OWNER: "Owner"}}),
    "DELETE /api/datasets/{dataset}": Line("O", query={"force": "true"}),
    "POST /api/datasets/{dataset}/inspect": Line("OL"),
    "POST /api/datasets/{dataset}/repair-proposal": Line("OL", json={"kind": "identifiers"}),
    "POST /api/datasets/{dataset}/repair": Line("OL", json={"kind": "identifiers"}),
    "POST /api/uploads": Line(PUBLISHERS, json={"name": "new.csv", "size": 3}),
    "GET /api/uploads": Line(PUBLISHERS, sees="O"),
    "GET /api/uploads/{upload}": Line("O"),
    "PUT /api/uploads/{upload}/parts/0": Line("O"),
    "GET /api/uploads/{upload}/parts/0": Line("O"),
    "POST /api/uploads/{upload}/complete": Line("O"),
    "DELETE /api/uploads/{upload}": Line("O"),
    "GET /datasets": Line(READERS, sees=READERS, query={"sort": "created"}),
    "GET /api/lists/datasets": Line(READERS, sees=READERS, query={"sort": "created"}),
    "GET /datasets/{dataset}": Line(READERS),
    "GET /datasets/{dataset}/repair": Line("OL", query={"kind": "identifiers"}),
    "POST /datasets/{dataset}/repair": Line("OL", form={"kind": "identifiers", "step": "blanks"}),
    "POST /datasets/{copy}/replace": Line("O", form={"lab": "{lab}"}),
    "GET /datasets/{dataset}/delete": Line("O"),
    "POST /datasets/{dataset}/delete": Line("O", form={"force": "yes"}),
    # ----------------------------------------------------------------------------------------------------- labs
    "GET /api/labs": Line(READERS, sees="OV"),
    "GET /api/other-labs": Line(READERS, sees="LX"),
    "GET /api/lists/labs": Line(READERS, sees="OV", query={"sort": "created"}),
    "GET /api/lists/other-labs": Line(READERS, sees="LX", query={"sort": "created"}),
    "POST /api/labs": Line(PUBLISHERS, json=definition("New").model_dump(mode="json", by_alias=True)),
    "GET /api/lab-by-name": Line("OV", query={"name": "{lab}"}),
    "GET /api/labs/{lab}": Line("OV"),
    "PUT /api/labs/{lab}/owners": Line("O", json={"owners": [OWNER]}),
    "DELETE /api/labs/{lab}": Line("O"),
    "PATCH /api/labs/{lab}/slots": Line("O", json={"identifiers": "{dataset}"}),
    "PATCH /api/labs/{lab}/slots #own lab": Line("OL", json={"identifiers": "{dataset}"}, own=True),
    "PATCH /api/labs/{lab}/slots #empty": Line("O", json={"identifiers": None}),
    "GET /api/labs/{lab}/events": Line("OV"),
    "GET /api/schedules": Line(READERS, sees="OV"),
    "GET /api/labs/{lab}/schedule": Line("OV"),
    "PUT /api/labs/{lab}/schedule": Line("O", json={"cron": "0 2 * * *"}),
    "DELETE /api/labs/{lab}/schedule": Line("O"),
    "POST /api/labs/{lab}/runs": Line("O"),
    "GET /api/labs/{lab}/runs": Line("OV"),
    "GET /api/runs/{run}": Line("OV"),
    "POST /api/runs/{going}/cancel": Line("O"),
    "GET /api/labs/{lab}/results": Line("OV"),
    "GET /api/labs/{lab}/lists/history": Line("OV"),
    "GET /api/labs/{lab}/lists/results": Line("OV"),
    "GET /api/labs/{lab}/lists/refreshes": Line("OV"),
    "GET /api/labs/{lab}/results/current": Line("OV"),
    "GET /api/labs/{lab}/results/current/files/statistics.json": Line("OV"),
    "GET /api/labs/{lab}/results/{run}/files/statistics.json": Line("OV"),
    "GET /api/labs/{lab}/results/current/statistics.zip": Line("OV"),
    "GET /api/labs/{lab}/results/current/reports/identifiers": Line("O"),
    "GET /api/labs/{lab}/results/current/reports/identifiers/hints": Line("O"),
    "GET /api/labs/{lab}/results/current/reports/identifiers/validation-report.zip": Line("O"),
    "GET /api/labs/{lab}/results/current/rows/identifiers": Line("O"),
    "GET /api/labs/{lab}/results/current/rows/identifiers/download": Line("O"),
    "GET /api/shared/labs": Line(ALL, sees="OVA"),
    "GET /api/shared/labs/{lab}/statistics.json": Line("OVA"),
    "GET /datalabs": Line(ALL, sees=ALL, query={"sort": "created"}),
    "GET /datalabs/new": Line(PUBLISHERS),
    "POST /datalabs/new": Line(PUBLISHERS, form={}),
    "GET /datalabs/{lab}": Line("OVA"),
    "GET /datalabs/{lab}/choose/identifiers": Line("O"),
    "PUT /api/labs/{lab}/expected": Line("O", json={"identifiers": {"rows": 3}}),
    "GET /datalabs/{lab}/now": Line("OV"),
    "GET /api/labs/{lab}/known-users": Line("O", query={"identifiers": "{dataset}"}),
    "GET /datalabs/{lab}/statistics": Line("OVA"),
    "GET /datalabs/{lab}/reports": Line("O"),
    "GET /datalabs/{lab}/findings/1": Line("OV"),
    "GET /datalabs/{lab}/rows/identifiers": Line("O"),
    "GET /datalabs/{lab}/rows/identifiers/download": Line("O"),
    "GET /datalabs/{lab}/history": Line("OV"),
    "GET /datalabs/{lab}/history/trends.csv": Line("OV"),
    "GET /datalabs/{lab}/runs/{run}": Line("OV"),
    "GET /datalabs/{lab}/delete": Line("O"),
    "GET /datalabs/{lab}/files/statistics.json": Line("OVA"),
    "GET /datalabs/{lab}/reports/identifiers/download": Line("O"),
    "POST /datalabs/{lab}/provision": Line("O", form={"identifiers": "{dataset}"}),
    "POST /datalabs/{lab}/provision #own lab": Line("OL", form={"identifiers": "{dataset}"}, own=True),
    "POST /datalabs/{lab}/provision #empty": Line("O", form={"deprovision": "identifiers"}),
    "POST /datalabs/{lab}/validate": Line("O", form={}),
    "POST /datalabs/{lab}/owners": Line("O", form={"add": PEOPLE["X"][0]}),
    "POST /datalabs/{lab}/schedule": Line("O", form={"cron": "0 2 * * *"}),
    "POST /datalabs/{lab}/runs/{going}/cancel": Line("O", form={}),
    "POST /datalabs/{lab}/delete": Line("O", form={}),
    # ----------------------------------------------------------------------------------------- the visitor alone
    "GET /api/audit": Line(PUBLISHERS, sees="OL"),  # who is listed has read the content: an action of their own
    "GET /": NOBODYS,
}
WITHOUT_OBJECT = {
    "POST /api/session", "GET /api/session", "DELETE /api/session", "GET /api/health", "GET /docs", "GET /openapi.json",
    "GET /login", "POST /login", "GET /logout", "POST /logout", "GET /static/{version}/{name}",
}  # fmt: skip
"""Sign-in, and pages that are the same for all people; tests/portal tests them."""

COMMANDS = {
    "lab create": Line(PUBLISHERS, words="{definition}"),
    "lab list": Line(READERS, sees=READERS),
    "lab show": Line("OV", words="{lab}"),
    "lab owners": Line("OV", words="{lab}"),
    "lab owners #change": Line("O", words="{lab} --add " + PEOPLE["X"][0], changes=True),
    "lab rekey": Line("O", words="{lab}", changes=True),
    "lab delete": Line("O", words="{lab} --yes", changes=True),
    "schedule list": Line(READERS, sees="OV"),
    "schedule set": Line("O", words="{lab} '0 2 * * *'", changes=True),
    "schedule remove": Line("O", words="{lab}", changes=True),
    "dataset upload": Line(PUBLISHERS, words="{file}"),
    "dataset list": Line(READERS, sees=READERS),
    "dataset show": Line(READERS, words="{dataset}"),
    "dataset inspect": Line("OL", words="{dataset}"),
    "dataset access": Line("OL", words="{dataset}"),
    "dataset access #change": Line("O", words="{dataset} --add " + PEOPLE["X"][0], changes=True),
    "dataset download": Line("OL", words="{dataset} copy-{letter}.csv"),
    "repair": Line("OL", words="{dataset} --kind identifiers"),
    "repair #file": Line("OL", words="{dataset} --kind identifiers --out repaired-{letter}.csv --yes"),
    "repair #store": Line("OL", words="{dataset} --kind identifiers --store --yes", changes=True),
    "dataset delete": Line("O", words="{dataset} --force --yes", changes=True),
    "provision": Line("O", words="{lab} --identifiers {dataset}", changes=True),
    "provision #own lab": Line("OL", words="{lab} --identifiers {dataset}", own=True, changes=True),
    "deprovision": Line("O", words="{lab} identifiers", changes=True),
    "validate": Line("O", words="{lab}"),
    "status": Line(READERS, sees=READERS),
    "status #of a lab": Line("OV", words="{lab}"),
    "results": Line("OV", words="{lab}"),
    "results #reports": Line("O", words="{lab} --out out-{letter} --reports"),
    "rows": Line("O", words="{lab} identifiers --out rows-{letter}.csv", changes=True),
    "runs": Line("OV", words="{lab}"),
    "run show": Line("OV", words="{run}"),
    "run show #prefix": Line("OV", words="{short_run}"),
    "run cancel": Line("O", words="{going} --yes", changes=True),
    "report": Line("OV", words="{lab}"),
}
OF_THE_HOME = {
    "check", "preflight", "media preflight", "sample", "up", "down", "keys rotate", "token create", "token list",
    "token revoke",
    "user add", "user delete", "user list", "user set-password", "user set-role",
}  # fmt: skip
"""Files of one's own, and what the person decides who can read the home: no name is asked for."""


@dataclass
class World:
    """The owner's lab with a result, and the people."""

    service: QuietService
    app: FastAPI
    tokens: dict[str, str]
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def client(self, letter: str) -> TestClient:
        return visitor(self.app, self.tokens[letter])

    def dataset(self) -> str:
        users = {OWNER: KeyRole.OWNER, PEOPLE["L"][0]: KeyRole.USER}
        return self.service.upload_dataset(io.BytesIO(SECRET), "ids.csv", access=users).manifest_hash

    def lab(self, dataset: str) -> LabInfo:
        """A lab of the owner with a result, whose statistics are shared."""
        lab = self.service.create_lab(definition("Pats", shareStatistics=True))
        self.service.change(lab.id, {IDENTIFIERS: dataset})
        self.service.schedules.set(lab.id, "30 2 * * *")
        run = self.service.finish(self.service.validate(lab.id).run_id)
        for name, text in RESULT.items():
            self.service._deployment.folders.place(lab.id).write(result(run.run_id, name), text)
        keep_report(self.service._deployment, lab, IDENTIFIERS, dataset)
        return self.service.lab(lab.id)

    def objects(self, name: str = "", line: Line | None = None, letter: str = "O") -> dict[str, str]:
        """What the names in a path stand for, made for this line."""
        dataset = self.dataset()
        lab = self.lab(dataset)
        run = going = self.service.runs(lab.id)[0].run_id
        if line is None or "{going}" in line.words or name.endswith("/cancel"):
            going = self.service.validate(lab.id, again=True).run_id
        if line is not None and line.own and letter in PUBLISHERS:
            lab = self.service.for_user(PEOPLE[letter][0]).create_lab(definition(f"Of {letter}"))
        upload, _ = self.service.uploads.begin("parts.csv", len(SECRET), description=str(next(self.numbers)))
        self.service.uploads.put(upload.upload_id, 0, SECRET)
        copy = ""
        if line is None or "{copy}" in name:
            copy = self.service.repairs.store(RepairQuery(dataset, kind=IDENTIFIERS)).dataset.manifest_hash
        found = {
            "lab": lab.id,
            "dataset": dataset,
            "copy": copy,
            "run": run,
            "going": going,
            "short_run": run[:13],
            "upload": upload.upload_id,
        }
        return {**found, "definition": "LAB.json", "file": "ids.csv"}

    def state(self, objects: Mapping[str, str]) -> list[Any]:
        """All that a refused attempt must leave as it was."""
        lab, dataset = self.service._registry.labs.get(objects["lab"]), objects["dataset"]
        held = self.service._registry.provisioning.events(lab.id)
        runs = self.service._registry.runs.history(lab.id)
        schedule = self.service._registry.schedules.of(lab.id)
        return [lab, held, runs, schedule, self.service.key_access(dataset), self.service.dataset(dataset)]


@pytest.fixture
def world(app: FastAPI, service: QuietService, registry: Registry, tmp_path: Path) -> World:
    tokens = {}
    for letter, (email, role) in PEOPLE.items():
        registry.accounts.add(email, role, by="root@localhost")
        _, tokens[letter] = registry.accounts.tokens.create(
            email, "test", lifetime=timedelta(hours=1), by="root@localhost"
        )
    (tmp_path / "LAB.json").write_text(json.dumps(definition("New").model_dump(mode="json", by_alias=True)))
    (tmp_path / "ids.csv").write_bytes(SECRET)
    return World(service, app, tokens)


# -------------------------------------------------------------------------------------------------- nothing is left out


def bare(name: str) -> str:
    return name.partition(" #")[0]


def test_every_route_has_a_line(app: FastAPI) -> None:
    lined = {bare(name) for name in ROUTES} | WITHOUT_OBJECT
    examples = {
        ("{manifest_hash}", "{dataset}"), ("{upload_id}", "{upload}"), ("{number}", "0"), ("{run_id}", "{run}"),
    }  # fmt: skip
    missing = []
    for route in iter_route_contexts(app.routes):
        for method in (route.methods or set()) - {"HEAD"}:
            path = route.path
            for parameter, example in examples:
                path = path.replace(parameter, example)
            path = path.replace("{run}/cancel", "{going}/cancel").replace("{dataset}/replace", "{copy}/replace")
            if path.endswith(".json") and not path.startswith(("/api", "/openapi")):  # the twin of a page is its view
                path = path.removesuffix(".json")
            name = f"{method} {path}"
            if name not in lined and not any(matches(path, line) for line in lined if line.startswith(f"{method} ")):
                missing.append(name)
    assert missing == [], "say in ROUTES who may use these routes"


def matches(path: str, line: str) -> bool:
    """Whether a line gives an example of a path whose last parts are parameters."""
    ours, theirs = line.partition(" ")[2].split("/"), path.split("/")
    free = ("{name}", "{result}", "{kind}", "{finding}")
    return len(ours) == len(theirs) and all(
        one == other or other in free for one, other in zip(ours, theirs, strict=True)
    )


def test_every_command_has_a_line() -> None:
    assert {bare(name) for name in COMMANDS} | OF_THE_HOME == set(commands(datalab, ""))


def commands(command: click.Command, prefix: str) -> Iterator[str]:
    command = command.load() if isinstance(command, Outline) else command
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands(inner, f"{prefix} {name}".strip())
    else:
        yield prefix


# ------------------------------------------------------------------------------------------------------------ the table


def read_text(page: str) -> str:
    """The words of a page with problems."""
    return " ".join(re.findall(r"<li>(.*?)</li>", page)) or page[:300]


def filled(what: Any, objects: Mapping[str, str]) -> Any:
    if isinstance(what, str):
        return what.format_map(objects) if "{" in what else what
    if isinstance(what, Mapping):
        return {key: filled(value, objects) for key, value in what.items()}
    return what


Attempt = Callable[[str, Line, str, Mapping[str, str]], tuple[bool, str]]
"""The name of a line, the line, a person and the objects → whether it was done, and what the answer says."""


def check(world: World, lines: Mapping[str, Line], attempt: Attempt) -> None:
    """Try every line as every person: a refused person changes nothing and reads nothing."""
    wrong, common = [], world.objects()
    for name, line in lines.items():
        changes = line.changes or name.startswith(("PUT", "POST", "PATCH", "DELETE"))
        for letter in PEOPLE:
            allowed = letter in line.may
            fresh = line.own or (allowed and changes)
            objects = {**(world.objects(name, line, letter) if fresh else common), "letter": letter}
            before = [] if allowed else world.state(objects)
            done, said = attempt(bare(name), line, letter, objects)
            if done != allowed:
                wrong.append(f"{name}: {letter} {'is refused' if allowed else 'may'}: {said[:200]}")
            if not allowed and world.state(objects) != before:
                wrong.append(f"{name}: {letter} was refused and has changed something")
            if not allowed and ("very-secret" in said or "secret@sample" in said):
                wrong.append(f"{name}: {letter} was refused and has read rows")
            if done and line.sees is not None:
                named = any(objects[what][:12] in said for what in ("lab", "dataset", "upload"))
                if named != (letter in line.sees):
                    wrong.append(f"{name}: {letter} {'sees' if named else 'does not see'} it")
    assert not wrong, "\n".join(wrong)


def test_each_person_may_use_exactly_their_routes(world: World) -> None:
    clients = {letter: world.client(letter) for letter in PEOPLE}

    def attempt(name: str, line: Line, letter: str, objects: Mapping[str, str]) -> tuple[bool, str]:
        method, _, path = name.partition(" ")
        body: dict[str, Any] = {}
        if line.form is not None:
            body = {"data": filled(line.form, objects)}
        elif line.json is not None:
            body = {"json": filled(line.json, objects)}
        elif method in ("PUT", "POST") and ("datasets" in path or "parts" in path):
            body = {"content": SECRET}
        answer = clients[letter].request(method, path.format_map(objects), params=filled(line.query, objects), **body)
        assert answer.status_code < 400 or answer.status_code in (403, 404), (name, letter, read_text(answer.text))
        return answer.status_code < 400, answer.text

    check(world, ROUTES, attempt)


def test_each_person_may_use_exactly_their_commands(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("datalab_dagster.cli.deployment.open_service", world.service.for_user)
    monkeypatch.setenv("COLUMNS", "300")

    def attempt(name: str, line: Line, letter: str, objects: Mapping[str, str]) -> tuple[bool, str]:
        words = [*name.split(), *shlex.split(line.words.format_map(objects))]
        ended = datalab_here(*words, "--user", PEOPLE[letter][0], cwd=tmp_path)
        assert ended.code in (0, 2), (name, letter, ended)
        assert ended.code == 0 or "Nothing was changed" in ended.err or "no run" in ended.err, (name, letter, ended)
        return ended.code == 0, ended.out

    check(world, COMMANDS, attempt)
