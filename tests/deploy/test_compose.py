"""Compose: every image, port, variable and secret that it names exists in the code or in the docs."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import click
import pytest

from datalab import __version__
from datalab.home.settings import FILE_NAME, Environment, load_settings
from datalab.home.sources import file_variable
from datalab_dagster.graph.home import CODE_LOCATION
from datalab_dagster.up.health import CHECKS
from tests.deploy.files import COMPOSE, CONTAINERS, DEPLOY, HOME, UID, code_server, secret_with_key

SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if name in CHECKS}
STORE, BUCKET = SERVICES["object-store"], SERVICES["bucket"]


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def test_every_process_is_there_and_has_a_check_of_its_own() -> None:
    assert set(OURS) == set(CHECKS) and set(SERVICES) - set(OURS) == {"postgres", "object-store", "bucket"}
    for name, service in OURS.items():
        assert service["healthcheck"]["test"][:5] == ["CMD", "python", "-m", "datalab_dagster.up.health", name]
        assert len(service["healthcheck"]["test"]) == 6
    for service in SERVICES.values():
        for other, condition in service.get("depends_on", {}).items():
            assert condition == {"condition": "service_healthy"} and "healthcheck" in SERVICES[other]


@pytest.mark.parametrize("name", ["webserver", "portal"])
def test_the_options_of_our_own_commands_exist(name: str) -> None:
    python, _, module, *arguments = OURS[name]["command"]
    assert python == "python"
    main: click.Command = importlib.import_module(f"{module}.__main__").main
    context = main.make_context(module, list(arguments))
    assert context.params["host"] == "0.0.0.0" and context.params["port"]


@pytest.mark.parametrize(("name", "words"), [("code-server", 3), ("daemon", 2)])
def test_the_options_of_dagsters_commands_exist(name: str, words: int) -> None:
    command = OURS[name]["command"]
    program = Path(sys.executable).with_name(command[0])
    described = subprocess.run(
        [program, *command[1:words], "--help"], capture_output=True, text=True, check=True
    ).stdout
    options = [word for word in command if word.startswith("--")]
    assert options and all(re.search(rf"{word}\b", described) for word in options)


def test_ports_and_hosts_agree() -> None:
    ports = {name: option(OURS[name]["command"], "--port") for name in ("code-server", "webserver", "portal")}
    for name, port in ports.items():
        assert OURS[name]["healthcheck"]["test"][5] == f"localhost:{port}"
    assert OURS["daemon"]["healthcheck"]["test"][5] == f"webserver:{ports['webserver']}"
    assert code_server() == {
        "host": "code-server",
        "port": int(ports["code-server"]),
        "location_name": option(OURS["code-server"]["command"], "--location-name"),
    }
    assert code_server()["location_name"] == CODE_LOCATION == option(OURS["code-server"]["command"], "--module-name")
    settings = load_settings(DEPLOY / "kubernetes", {})
    assert settings.portal.public_url == f"http://localhost:{ports['portal']}"
    assert settings.portal.dagster_url == f"http://localhost:{ports['webserver']}"


def test_only_what_asks_for_a_sign_in_is_published_and_to_this_machine_only() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"webserver": ["127.0.0.1:3000:3000"], "portal": ["127.0.0.1:8000:8000"]}
    assert OURS["webserver"]["command"][2] == "datalab_dagster.portal.dagster", "Dagster's own has no sign-in"
    assert COMPOSE["networks"]["database"] == {"internal": True}
    for name in ("postgres", "object-store", "bucket"):
        assert SERVICES[name]["networks"] == ["database"]


def test_a_process_may_write_to_the_home_only() -> None:
    for service in [*OURS.values(), BUCKET]:
        assert service["read_only"] is True and service["user"] == f"{UID}:{UID}"
        assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"]
        writable = [volume for volume in service["volumes"] if not volume.endswith(":ro")]
        assert writable == [f"home:{HOME}"]
        for volume in service["volumes"]:
            source, target, *_ = volume.split(":")
            assert source in COMPOSE["volumes"] or (DEPLOY / source).is_file(), source
            assert (
                target == HOME
                or target.startswith(f"{HOME}/{FILE_NAME}")
                or target in str(service["command"]) + ("/opt/datalab/workspace.yaml")
            )


def test_variables_are_known_and_no_secret_is_one() -> None:
    known = {file_variable(name) for name in Environment.secrets()}
    for service in [*OURS.values(), BUCKET]:
        environment = dict(service["environment"])
        assert environment.pop("DATALAB_STORAGE_URL") == "${DATALAB_STORAGE_URL:-}", "empty: the home"
        assert set(environment) == known | {"AWS_CONFIG_FILE"}
        assert {Path(path).name for path in environment.values()} == set(service["secrets"])
        assert all(path.startswith("/run/secrets/") for path in environment.values())
    assert "environment" not in STORE


def test_secrets_are_files_that_the_docs_make() -> None:
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", ())}
    assert used == set(COMPOSE["secrets"])
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./secrets/{name}"}
        assert re.search(rf"> *secrets/{name}$", CONTAINERS, re.MULTILINE), name


def test_the_object_store_is_asked_for_and_only_its_s3_port_is_open() -> None:
    assert STORE["profiles"] == BUCKET["profiles"] == ["object-store"] and "ports" not in STORE
    assert BUCKET["depends_on"] == {"object-store": {"condition": "service_healthy"}}
    options = dict(word.lstrip("-").partition("=")[::2] for word in STORE["command"][1:])
    assert options["ip.bind"] == options["ip"] == "127.0.0.1" and options["s3.ip.bind"] == "0.0.0.0"
    assert options["s3.config"] == f"/run/secrets/{STORE['secrets'][0]}"
    assert f"localhost:{options['s3.port']}/" in STORE["healthcheck"]["test"][-1]
    assert STORE["volumes"] == ["objects:/data"] and "objects" in COMPOSE["volumes"]


def test_the_docs_configure_clients_and_users_of_the_object_store_alike() -> None:
    read = ConfigParser()
    read.read_string(secret_with_key("object_store", "the key"))
    clients = read["default"]
    [user] = json.loads(secret_with_key("object_store_users", "the key"))["identities"]
    [credentials] = user["credentials"]
    assert credentials["accessKey"] == clients["aws_access_key_id"]
    assert credentials["secretKey"] == clients["aws_secret_access_key"] == "the key"
    assert clients["endpoint_url"] == "http://object-store:8333"
    assert "DATALAB_STORAGE_URL=s3://datalab/home" in CONTAINERS and "makedirs('datalab'" in BUCKET["command"][-1]


def test_images_have_a_version_and_are_ours_or_named_here() -> None:
    assert {service["image"] for service in [*OURS.values(), BUCKET]} == {
        f"${{DATALAB_IMAGE:-localhost/datalab:{__version__}}}"
    }
    assert "DATALAB_IMAGE" in CONTAINERS
    assert re.fullmatch(r"docker\.io/library/postgres:\d+", SERVICES["postgres"]["image"])
    assert re.fullmatch(r"docker\.io/chrislusf/seaweedfs:\d+\.\d+", STORE["image"])
