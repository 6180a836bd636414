"""Dagster's launchers for containers, named as docs/operating.md shows: what they are given, and what they send."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster_docker import DockerRunLauncher
from dagster_k8s import K8sRunLauncher
from sqlalchemy import make_url

from datalab_dagster.graph.errors import DagsterHomeUnusable
from datalab_dagster.graph.home import SETTINGS, check_home
from datalab_dagster.graph.instance import open_instance
from datalab_dagster.graph.runs.start import launch_run
from tests.living.conftest import FILES, Living, living
from tests.unit.registry.conftest import ME, server, url

__all__ = ["living", "server", "url"]

OPERATING = (Path(__file__).parents[2] / "docs/operating.md").read_text()
MASTER_KEY = "cGxhbnRlZC1tYXN0ZXIta2V5LW9mLTMyLWJ5dGVzISE="
PASSWORD = "planted-password"


def settings_of(launcher: str) -> dict[str, Any]:
    """The settings that the documentation shows for a launcher."""
    (found,) = [
        read
        for block in re.findall(r"```yaml\n(.*?)```", OPERATING, re.DOTALL)
        if (read := yaml.safe_load(block)).get("run_launcher", {}).get("class") == launcher
    ]
    return dict(found)


@dataclass
class Recorder:
    """A server that takes every request as the Docker daemon and the Kubernetes API would, and keeps what was sent."""

    address: str = ""
    sent: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, path: str, body: str) -> Any:
        if path.endswith("/version"):
            return {"ApiVersion": "1.44", "Version": "25.0.0"}
        if path.endswith("/containers/create") or "/containers/" in path:
            return {"Id": "container-1", "State": {"Status": "running"}}
        return json.loads(body or "{}")

    def only(self, path: str) -> Any:
        (body,) = [body for sent, body in self.sent if re.fullmatch(path, sent)]
        return json.loads(body)

    @property
    def text(self) -> str:
        return "\n".join(body for _, body in self.sent)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            path = self.path.partition("?")[0]
            recorder.sent.append((path, body))
            answer = json.dumps(recorder.answer(path, body)).encode()
            self.send_response(201 if self.command == "POST" else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = handle_any  # noqa: N815 - names of the library

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        recorder.address = f"127.0.0.1:{http.server_address[1]}"
        yield recorder
        http.shutdown()
        thread.join()


@pytest.fixture
def environment(living: Living, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """That of a deployment whose secrets can be found again wherever they are written."""
    with_password = make_url(url).set(password=PASSWORD).render_as_string(hide_password=False)
    environment = {
        "DATALAB_HOME": str(living.deployment.home),
        "DAGSTER_HOME": str(tmp_path / "dagster"),
        "DATALAB_POSTGRES_URL": with_password,
        "DATALAB_MASTER_KEY": MASTER_KEY,
        "DATALAB_STORE_URL": "s3://bucket/datasets",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


def write(settings: dict[str, Any], environment: dict[str, str]) -> None:
    """Write the settings of a deployment, with some of them replaced."""
    folder = Path(environment["DAGSTER_HOME"])
    folder.mkdir()
    ours = yaml.safe_load(SETTINGS.read_text())
    (folder / "dagster.yaml").write_text(yaml.safe_dump({**ours, **settings}))


def kube_settings(recorder: Recorder, folder: Path) -> dict[str, Any]:
    """The documentation's, for a launcher outside of the cluster."""
    cluster = {"name": "x", "cluster": {"server": f"http://{recorder.address}"}}
    context = {"name": "x", "context": {"cluster": "x", "user": "x"}}
    users = [{"name": "x", "user": {}}]
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(
        yaml.safe_dump({"clusters": [cluster], "contexts": [context], "users": users, "current-context": "x"})
    )
    settings = settings_of("K8sRunLauncher")
    settings["run_launcher"]["config"] |= {"load_incluster_config": False, "kubeconfig_file": str(kubeconfig)}
    return settings


def launched(living: Living, instance: dg.DagsterInstance) -> str:
    """Queue a validation as people do, and launch it as the daemon does."""
    lab = living.lab()
    living.provision(lab, FILES)
    run = living.deployment.registry.runs.start(lab.id, "5c0b0b2e-6f3e-4c57-9c0e-0d1c2b3a4f5e")
    launch_run(living.deployment, instance, lab, run, changed=(), by=ME)
    queued = instance.get_run_by_id(run.run_id)
    assert queued is not None and queued.status is dg.DagsterRunStatus.QUEUED, "the daemon launches it"
    no_workspace: Any = None
    instance.launch_run(run.run_id, no_workspace)
    return run.run_id


def test_kubernetes_gets_a_job_with_image_secrets_and_limits_and_no_secret_in_plain_text(
    living: Living, environment: dict[str, str], recorder: Recorder, tmp_path: Path
) -> None:
    settings = kube_settings(recorder, tmp_path)
    write(settings, environment)
    check_home(environment)
    with open_instance(environment) as instance:
        assert isinstance(instance.run_launcher, K8sRunLauncher) and instance.run_monitoring_enabled
        run_id = launched(living, instance)
    config = settings["run_launcher"]["config"]
    job = recorder.only(f"/apis/batch/v1/namespaces/{config['job_namespace']}/jobs")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == config["job_image"] and run_id in json.dumps(container["args"])
    assert container["resources"] == config["resources"] and set(container["resources"]["limits"]) == {"cpu", "memory"}
    named = [source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source]
    assert named == config["env_secrets"]
    assert {entry["name"] for entry in container["env"]} >= {"DAGSTER_HOME", "DAGSTER_RUN_JOB_NAME"}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["serviceAccountName"] == config["service_account_name"]
    for secret in (MASTER_KEY, PASSWORD):
        assert secret not in recorder.text, "a secret is in the manifest"


def test_the_search_finds_a_secret_that_the_settings_put_into_the_job(
    living: Living, environment: dict[str, str], recorder: Recorder, tmp_path: Path
) -> None:
    settings = kube_settings(recorder, tmp_path)
    settings["run_launcher"]["config"]["env_vars"] = ["DATALAB_MASTER_KEY"]
    write(settings, environment)
    with dg.DagsterInstance.from_config(environment["DAGSTER_HOME"]) as instance:  # not through our check
        launched(living, instance)
    assert MASTER_KEY in recorder.text


@pytest.mark.parametrize("named", ["DATALAB_MASTER_KEY", "DATALAB_POSTGRES_URL=postgresql://x:y@z/w"])
def test_settings_that_put_a_secret_into_the_job_are_refused(
    named: str, living: Living, environment: dict[str, str], recorder: Recorder, tmp_path: Path
) -> None:
    settings = kube_settings(recorder, tmp_path)
    settings["run_launcher"]["config"]["env_vars"] = ["DATALAB_STORE_URL", named]
    write(settings, environment)
    variable = named.partition("=")[0]
    with pytest.raises(DagsterHomeUnusable, match=f"writes {variable} in plain text.*env_secrets") as refused:
        check_home(environment)
    assert "dagster.yaml" in str(refused.value) and "x:y" not in str(refused.value)


def test_docker_gets_a_container_with_image_limits_and_the_variables_that_are_named(
    living: Living, environment: dict[str, str], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"tcp://{recorder.address}")
    settings = settings_of("DockerRunLauncher")
    write(settings, environment)
    check_home(environment)
    with open_instance(environment) as instance:
        assert isinstance(instance.run_launcher, DockerRunLauncher) and instance.run_monitoring_enabled
        launched(living, instance)
    config = settings["run_launcher"]["config"]
    container = recorder.only(r"/v[\d.]+/containers/create")
    assert container["Image"] == config["image"] and container["HostConfig"]["Memory"] == 2 << 30
    given = dict(entry.split("=", 1) for entry in container["Env"])
    assert given == {
        **{name: environment[name] for name in config["env_vars"]},
        "DAGSTER_RUN_JOB_NAME": "validate_data_lab",
    }
    assert MASTER_KEY not in json.dumps({**container, "Env": []}) and PASSWORD not in json.dumps(
        {**container, "Env": []}
    )
