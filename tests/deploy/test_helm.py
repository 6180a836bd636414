"""Values for Dagster's chart: its keys, the limits of dagster.yaml, and the Job of a run without a secret in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster_k8s import K8sRunLauncher
from sqlalchemy import make_url

from datalab import __version__
from datalab.home.settings import Environment
from datalab_dagster.graph.home import SETTINGS, check_home
from datalab_dagster.graph.instance import open_instance
from tests.deploy.cluster import KUSTOMIZATION, VALUES
from tests.deploy.files import DAGSTER_HOME, HOME, ROOT, UID, code_server
from tests.living.conftest import Living, living
from tests.living.test_container_launchers import (
    MASTER_KEY,
    PASSWORD,
    Recorder,
    environment,
    kube_settings,
    launched,
    recorder,
)
from tests.unit.registry.conftest import server, url

__all__ = ["environment", "living", "recorder", "server", "url"]

LAUNCHER: dict[str, Any] = VALUES["runLauncher"]["config"]["k8sRunLauncher"]
DAGSTER: dict[str, Any] = yaml.safe_load(SETTINGS.read_text())
(CODE,) = VALUES["dagster-user-deployments"]["deployments"]
OF_CHART = {
    "global", "generatePostgresqlPasswordSecret", "postgresql", "dagsterWebserver", "dagster-user-deployments",
    "runLauncher", "concurrency", "dagsterDaemon", "additionalInstanceConfig", "computeLogManager", "pythonLogs",
    "telemetry", "retention",
}  # fmt: skip
"""Top-level keys that Dagster's chart 1.13 has, and that the values set."""


def camel(found: Any) -> Any:
    """Settings of dagster.yaml with the names that the chart gives them."""
    if isinstance(found, dict):
        return {re.sub(r"_(\w)", lambda letter: letter[1].upper(), key): camel(value) for key, value in found.items()}
    return [camel(entry) for entry in found] if isinstance(found, list) else found


def test_the_keys_are_those_of_the_chart() -> None:
    assert set(VALUES) == OF_CHART
    assert VALUES["runLauncher"]["type"] == "K8sRunLauncher" and VALUES["postgresql"]["enabled"] is False


def test_the_chart_has_the_version_of_dagster() -> None:
    pinned = re.search(r"^dagster==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned and f"--version {pinned[1]} " in (ROOT / "deploy/helm/values.yaml").read_text()


def test_every_image_is_ours() -> None:
    (ours,) = KUSTOMIZATION["images"]
    for image in (
        VALUES["dagsterWebserver"]["image"],
        VALUES["dagsterDaemon"]["image"],
        CODE["image"],
        LAUNCHER["image"],
    ):
        assert (image["repository"], str(image["tag"])) == (ours["newName"], __version__)


def test_limits_are_those_of_the_settings() -> None:
    assert VALUES["concurrency"] == {"enabled": True, **camel(DAGSTER["concurrency"])}
    assert VALUES["retention"] == {"enabled": True, **camel(DAGSTER["retention"])}
    queue = VALUES["dagsterDaemon"]["runCoordinator"]["config"]["queuedRunCoordinator"]
    assert queue == camel(DAGSTER["run_coordinator"]["config"])
    assert VALUES["dagsterDaemon"]["runMonitoring"]["enabled"] is DAGSTER["run_monitoring"]["enabled"]
    assert VALUES["additionalInstanceConfig"] == {"run_retries": DAGSTER["run_retries"]}
    assert VALUES["dagsterDaemon"]["runRetries"] == {"enabled": False}, "they would be written twice"


def test_the_code_server_is_where_the_workspace_says() -> None:
    expected = {"host": CODE["name"], "port": CODE["port"], "location_name": CODE["dagsterApiGrpcArgs"][-1]}
    assert code_server() == expected
    assert VALUES["dagsterWebserver"]["workspace"]["externalConfigmap"] in str(KUSTOMIZATION["configMapGenerator"])


def test_dagster_uses_the_driver_that_is_installed() -> None:
    """SQLAlchemy takes another one for `postgresql://`, which the chart writes otherwise."""
    dialect = make_url(f"{VALUES['postgresql']['postgresqlScheme']}://x").get_dialect()
    assert dialect.import_dbapi().__name__ == "psycopg2"


def test_dagsters_webserver_does_not_run() -> None:
    assert VALUES["dagsterWebserver"]["replicaCount"] == 0


def test_pods_are_locked() -> None:
    for part in (VALUES["dagsterWebserver"], VALUES["dagsterDaemon"], CODE):
        assert part["podSecurityContext"]["runAsUser"] == UID
        assert part["securityContext"]["readOnlyRootFilesystem"] is True
    assert VALUES["global"]["dagsterHome"] == DAGSTER_HOME
    assert {mount["mountPath"] for mount in LAUNCHER["volumeMounts"]} >= {HOME, f"{HOME}/scratch", "/tmp"}


def instance_settings() -> dict[str, Any]:
    """What the chart writes into dagster.yaml, as far as it concerns storage and launcher.

    Storage is given by its address: the server of these tests listens on a socket, which the chart's form cannot say.
    """
    config = {"postgres_url": {"env": "DATALAB_POSTGRES_URL"}}
    parts = {"run_storage": "run_storage.PostgresRun", "event_log_storage": "event_log.PostgresEventLog"}
    parts["schedule_storage"] = "schedule_storage.PostgresSchedule"
    storages = {
        name: {
            "module": f"dagster_postgres.{place.partition('.')[0]}",
            "class": f"{place.partition('.')[2]}Storage",
            "config": config,
        }
        for name, place in parts.items()
    }
    pod = LAUNCHER["runK8sConfig"]["podSpecConfig"]
    launcher = {
        "job_namespace": KUSTOMIZATION["namespace"],
        "image_pull_policy": LAUNCHER["imagePullPolicy"],
        "service_account_name": VALUES["global"]["serviceAccountName"],
        "job_image": f"{LAUNCHER['image']['repository']}:{LAUNCHER['image']['tag']}",
        "dagster_home": {"env": "DAGSTER_HOME"},
        "instance_config_map": {"env": "DAGSTER_K8S_INSTANCE_CONFIG_MAP"},
        "postgres_password_secret": {"env": "DAGSTER_K8S_PG_PASSWORD_SECRET"},
        "env_secrets": [secret["name"] for secret in LAUNCHER["envSecrets"]],
        "volumes": LAUNCHER["volumes"],
        "volume_mounts": LAUNCHER["volumeMounts"],
        "resources": LAUNCHER["resources"],
        "security_context": LAUNCHER["securityContext"],
        "run_k8s_config": {"pod_spec_config": pod},
    }
    return {**storages, "run_launcher": {"module": "dagster_k8s", "class": "K8sRunLauncher", "config": launcher}}


def test_a_run_is_a_job_with_the_home_and_without_a_secret_in_plain_text(
    living: Living,
    environment: dict[str, str],
    recorder: Recorder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "DAGSTER_PG_PASSWORD": PASSWORD,
        "DAGSTER_K8S_INSTANCE_CONFIG_MAP": "dagster-instance",
        "DAGSTER_K8S_PG_PASSWORD_SECRET": VALUES["global"]["postgresqlSecretName"],
    }.items():
        monkeypatch.setenv(name, value)
        environment[name] = value
    settings = instance_settings()
    reached = kube_settings(recorder, tmp_path)["run_launcher"]["config"]  # of a launcher outside of the cluster
    settings["run_launcher"]["config"] |= {key: reached[key] for key in ("load_incluster_config", "kubeconfig_file")}
    folder = Path(environment["DAGSTER_HOME"])
    folder.mkdir()
    coordinator = {name: DAGSTER[name] for name in ("run_coordinator", "concurrency", "run_monitoring", "run_retries")}
    (folder / "dagster.yaml").write_text(yaml.safe_dump({**settings, **coordinator}))
    check_home(environment)
    with open_instance(environment) as instance:
        assert isinstance(instance.run_launcher, K8sRunLauncher)
        launched(living, instance)
    job = recorder.only(f"/apis/batch/v1/namespaces/{KUSTOMIZATION['namespace']}/jobs")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == settings["run_launcher"]["config"]["job_image"]
    assert (
        container["securityContext"] == LAUNCHER["securityContext"] and container["resources"] == LAUNCHER["resources"]
    )
    assert pod["securityContext"]["runAsUser"] == UID
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounted == {mount["mountPath"] for mount in LAUNCHER["volumeMounts"]}
    assert {volume["name"] for volume in pod["volumes"]} >= {volume["name"] for volume in LAUNCHER["volumes"]}
    for secret in (MASTER_KEY, PASSWORD):
        assert secret not in recorder.text, "a secret is in the manifest"
    assert not Environment.secrets() & {entry["name"] for entry in container["env"]}
