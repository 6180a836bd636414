"""Checks a `dagster.yaml` that is not the deployment's own: where it stores runs, and what its launcher writes down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from datalab.formats import listed
from datalab.home.rules import is_loopback
from datalab.home.settings import Environment
from datalab.registry import registry_url
from datalab.registry.probe import DRIVER
from datalab.scratch import why
from datalab_dagster.graph.errors import DagsterHomeUnusable

OWN_STORAGE = ("datalab_dagster.graph.instance", "DatalabStorage")
"""Module and class of the storage in the registry's database, whatever it is."""
_PARTS = ("run_storage", "event_log_storage", "schedule_storage")
"""Three storages in place of one, as Dagster's Helm chart writes them."""
_OF_PARTS = "dagster_postgres"
_PORT = 5432
_DRIVER_REMEDY = (
    f"Begin the address in `postgres_url`, or in the variable that it names, with {DRIVER}://, or write "
    f"`scheme: {DRIVER}` into `postgres_db`"
)
"""The registry adds the driver to an address without one; Dagster does not, and takes the default of SQLAlchemy."""
_KUBERNETES = "K8sRunLauncher"


def check_settings(file: Path, environment: Mapping[str, str]) -> None:
    """Check that the settings can be read, name the registry's server, its driver, and keep secrets; start nothing.

    Raises:
        DagsterHomeUnusable: they cannot, or do not.
    """
    settings = _read(file)
    _check_launcher(file, settings)
    storage = _storage(settings)
    if _is_own(storage):
        return
    kind, config = storage
    if kind != "postgres":
        raise DagsterHomeUnusable(file, "its storage is not PostgreSQL", _remedy())
    try:
        url = _url(_filled(config, environment))
    except (ArgumentError, KeyError, TypeError, ValueError):
        raise DagsterHomeUnusable(file, "its storage names no database", _remedy()) from None
    registry = make_url(registry_url(environment))
    if _place(url) != _place(registry):
        reason = f"its storage is on {_shown(url)}, the registry on {_shown(registry)}"
        raise DagsterHomeUnusable(file, reason, _remedy())
    if not _has_driver(url):
        reason = f"its storage is at {url.drivername}://…, and the driver for that is not installed"
        raise DagsterHomeUnusable(file, reason, _DRIVER_REMEDY)


def _check_launcher(file: Path, settings: dict[str, Any]) -> None:
    """Refuse a launcher that would write the value of a secret into the manifest of every run."""
    match settings.get("run_launcher"):
        case {"class": str(launcher), "config": {"env_vars": [*entries]}} if launcher == _KUBERNETES:
            named = {str(entry).partition("=")[0] for entry in entries} & Environment.secrets()
            if named:
                reason = f"its launcher writes {listed(sorted(named))} in plain text into the Job of every run"
                raise DagsterHomeUnusable(file, reason, "Name a Secret with it in `env_secrets` instead")


def uses_registry(file: Path) -> bool:
    """Return whether the settings leave it to the registry where runs are stored."""
    return _is_own(_storage(_read(file)))


def _storage(settings: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return kind and configuration of the storage; without one, two empty values."""
    parts = [part for name in _PARTS if isinstance(part := settings.get(name), dict)]
    if len(parts) == len(_PARTS):
        modules = {str(part.get("module")).partition(".")[0] for part in parts}
        configs = [part.get("config") or {} for part in parts]
        is_one = modules == {_OF_PARTS} and all(config == configs[0] for config in configs)
        return ("postgres", dict(configs[0])) if is_one else ("", {})
    storage = settings.get("storage")
    if not isinstance(storage, dict) or len(storage) != 1:
        return "", {}
    [(kind, config)] = storage.items()
    return str(kind), config if isinstance(config, dict) else {}


def _is_own(storage: tuple[str, dict[str, Any]]) -> bool:
    kind, config = storage
    return kind == "custom" and (config.get("module"), config.get("class")) == OWN_STORAGE


def _read(file: Path) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DagsterHomeUnusable(file, "there is no such file", "Write one") from None
    except OSError as error:
        raise DagsterHomeUnusable(file, f"it cannot be read: {why(error)}", "Let this account read it") from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise DagsterHomeUnusable(file, "it is not YAML", "Correct it") from None
    return settings if isinstance(settings, dict) else {}


def _remedy() -> str:
    module, name = OWN_STORAGE
    return (
        "Write `storage: {postgres: {postgres_url: {env: DATALAB_POSTGRES_URL}}}`, or "
        f"`storage: {{custom: {{module: {module}, class: {name}, config: {{}}}}}}`"
    )


def _filled(config: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the configuration with the variables of the environment that it names.

    Raises:
        KeyError: one is not set.
    """
    filled: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict):
            filled[key] = environment[value["env"]] if set(value) == {"env"} else _filled(value, environment)
        else:
            filled[key] = value
    return filled


def _url(config: dict[str, Any]) -> URL:
    if "postgres_url" in config:
        return make_url(config["postgres_url"])
    part = config["postgres_db"]
    return URL.create(part.get("scheme", "postgresql"), host=part["hostname"], port=int(part.get("port", _PORT)))


def _has_driver(url: URL) -> bool:
    try:
        url.get_dialect().import_dbapi()
    except (ArgumentError, ImportError):
        return False
    return True


def _place(url: URL) -> tuple[str, int]:
    """Return host and port of a server; of one on a Unix socket, its directory."""
    host = url.host or url.query.get("host") or "localhost"
    host = host if isinstance(host, str) else host[0]
    return "localhost" if is_loopback(host) else host.lower(), int(url.port or url.query.get("port") or _PORT)  # type: ignore[arg-type]


def _shown(url: URL) -> str:
    host, port = _place(url)
    return f"{host}:{port}"
