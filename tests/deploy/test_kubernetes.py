"""The manifests: valid for Kubernetes, and every name in them is made by them, by the chart or by the docs."""

from __future__ import annotations

import json
import re
from typing import Any

import kubernetes_validate
import pytest

from datalab import __version__
from datalab.home.settings import FILE_NAME, Environment
from datalab_dagster.portal.__main__ import main as portal
from datalab_dagster.portal.dagster.__main__ import main as dagster_pages
from datalab_dagster.up.health import PORTAL_HEALTH
from tests.deploy.cluster import KUSTOMIZATION, VALUES, rendered, written
from tests.deploy.files import CONTAINERS, DAGSTER_HOME, HOME, UID, code_server

CHART_MAKES = {"dagster", "dagster-instance", "dagster-webserver-env"}
"""Account and ConfigMaps of the release `dagster`."""
SETTINGS = "datalab-settings"


def only(kind: str, manifests: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


def pod() -> dict[str, Any]:
    return dict(only("Deployment", written())["spec"]["template"]["spec"])


def containers() -> dict[str, dict[str, Any]]:
    return {container["name"]: container for container in pod()["containers"]}


def policies() -> dict[str, dict[str, Any]]:
    return {
        manifest["metadata"]["name"]: manifest["spec"] for manifest in written() if manifest["kind"] == "NetworkPolicy"
    }


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_they_are_valid(version: str) -> None:
    for manifest in written():
        kubernetes_validate.validate(manifest, version, strict=True)


def test_a_mistake_in_them_is_found() -> None:
    portal = only("Deployment", written())
    portal["spec"]["template"]["spec"]["contaners"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(portal, "1.37", strict=True)


def test_kustomize_renders_them_with_image_and_namespace() -> None:
    manifests = rendered()
    for manifest in manifests:
        kubernetes_validate.validate(manifest, "1.37", strict=True)
        assert manifest["kind"] == "Namespace" or manifest["metadata"]["namespace"] == KUSTOMIZATION["namespace"]
    made = {manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "ConfigMap"}
    assert made == {SETTINGS, VALUES["dagsterWebserver"]["workspace"]["externalConfigmap"]}
    image = VALUES["dagsterDaemon"]["image"]
    images = {part["image"] for part in only("Deployment", manifests)["spec"]["template"]["spec"]["containers"]}
    assert images == {f"{image['repository']}:{image['tag']}"}


def test_the_image_is_the_one_of_the_chart_and_of_this_version() -> None:
    (image,) = KUSTOMIZATION["images"]
    assert str(image["newTag"]) == __version__
    assert {container["image"] for container in containers().values()} == {image["name"]}


def test_every_name_is_made() -> None:
    generated = {entry["name"] for entry in KUSTOMIZATION["configMapGenerator"]}
    claims = {only("PersistentVolumeClaim", written())["metadata"]["name"]}
    text = json.dumps(pod())
    config_maps = set(re.findall(r'"(?:configMapRef|configMap)": \{"name": "([^"]+)"', text))
    secrets = set(re.findall(r'"(?:secretRef|secretKeyRef)": \{"name": "([^"]+)"', text))
    assert config_maps <= generated | CHART_MAKES and pod()["serviceAccountName"] in CHART_MAKES
    assert set(re.findall(r'"claimName": "([^"]+)"', text)) == claims
    assert secrets == {"datalab", VALUES["global"]["postgresqlSecretName"]}
    for secret in secrets:
        assert re.search(rf"create secret generic {secret} ", CONTAINERS), secret
    for variable in Environment.secrets():
        assert f"{variable}=" in CONTAINERS
    assert f"{containers()['portal']['env'][0]['valueFrom']['secretKeyRef']['key']}=" in CONTAINERS


def test_commands_ports_and_probes_agree() -> None:
    settings = {"portal": (portal, PORTAL_HEALTH), "dagster-pages": (dagster_pages, "/health")}
    service = {port["targetPort"]: port["port"] for port in only("Service", written())["spec"]["ports"]}
    for name, (command, health) in settings.items():
        container = containers()[name]
        context = command.make_context(name, list(container["args"][3:]))
        assert container["ports"] == [{"name": name, "containerPort": context.params["port"]}]
        assert service[name] == context.params["port"] and context.params["host"] == "0.0.0.0"
        probe = container["readinessProbe"]["httpGet"]
        assert probe["path"] == health and probe["port"] == name
        assert probe["httpHeaders"] == [{"name": "Host", "value": "localhost"}], "another name may be refused"


def test_pods_may_write_to_the_home_and_scratch_only() -> None:
    security = pod()["securityContext"]
    assert security["runAsNonRoot"] is True and {security["runAsUser"], security["fsGroup"]} == {UID}
    for container in containers().values():
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
        assert mounts[HOME] == "home" and mounts[DAGSTER_HOME] == "instance" and f"{HOME}/{FILE_NAME}" in mounts
        assert {"/tmp", f"{HOME}/scratch"} < set(mounts)


def test_a_connection_to_a_pod_needs_a_policy() -> None:
    found = policies()
    assert found.pop("default-deny") == {"podSelector": {}, "policyTypes": ["Ingress"]}
    assert {name for name, spec in found.items() if any("from" not in rule for rule in spec["ingress"])} == {
        "to-portal"
    }


def test_only_the_portal_reaches_dagsters_own_webserver() -> None:
    policy = policies()["to-webserver"]
    assert policy["podSelector"] == {"matchLabels": {"component": "dagster-webserver"}}
    labels = only("Deployment", written())["spec"]["template"]["metadata"]["labels"]
    (rule,) = policy["ingress"]
    assert rule == {"from": [{"podSelector": {"matchLabels": {"component": labels["component"]}}}]}


def test_the_code_server_is_reached_by_the_processes_that_need_it() -> None:
    policy = policies()["to-code-server"]
    assert policy["podSelector"] == {"matchLabels": {"component": "user-deployments"}}
    (rule,) = policy["ingress"]
    (expression,) = rule["from"][0]["podSelector"]["matchExpressions"]
    assert set(expression["values"]) == {"portal", "dagster-daemon", "dagster-webserver"}
    assert rule["ports"] == [{"port": code_server()["port"]}]


def test_there_is_no_secret_in_the_files() -> None:
    assert not [manifest for manifest in written() if manifest["kind"] == "Secret"]
