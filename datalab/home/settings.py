"""The settings of a deployment: `datalab.yaml` in its home, every mistake named; secrets stay in the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from datalab.errors import ConfigurationError, InputUnreadable, suggestion
from datalab.kinds import DatasetKind
from datalab.scratch import why

FILE_NAME = "datalab.yaml"
STORE_URL = "DATALAB_STORE_URL"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True)


class StoreSettings(_Part):
    """Where encrypted datasets lie."""

    url: str = Field(default="", description="A directory or fsspec URL; default: `store` in the home directory")
    options: dict[str, Any] = Field(default_factory=dict, description="What the fsspec driver needs")


class DropZone(_Part):
    """Files that are provisioned by themselves when they appear."""

    lab: str = Field(description="Id or name of the lab")
    dataset: DatasetKind
    pattern: str = Field(description="fsspec URL, its last part with wildcards, such as s3://drop/segments-*.csv")
    options: dict[str, Any] = Field(default_factory=dict, description="What the fsspec driver needs")


class EmailHook(_Part):
    """An e-mail on failure."""

    to: list[str] = Field(min_length=1)
    sender: str
    host: str = "localhost"
    port: int = 25


class FailureHooks(_Part):
    """Who is told when a run breaks off or a lab fails validation."""

    webhook: str | None = Field(default=None, description="URL that gets a POST with JSON")
    email: EmailHook | None = None


def _cron(text: str) -> str:
    if len(text.split()) != 5:
        raise ValueError("a schedule has five fields, such as '0 3 * * *'")
    return text


class Settings(_Part):
    """All settings; every one has a default.

    >>> Settings().keep_results
    10
    """

    store: StoreSettings = StoreSettings()
    drop_zones: list[DropZone] = []
    keep_results: int = Field(
        default=10, ge=1, description="How many results of a lab are kept; the current one always"
    )
    nightly: Annotated[str, AfterValidator(_cron)] = Field(
        default="0 3 * * *", description="When stale labs are validated again, as cron"
    )
    timezone: str = Field(default="UTC", description="Of that schedule")
    on_failure: FailureHooks = FailureHooks()
    statistics_version: int = Field(default=2, ge=1, le=2, description="Format of the statistics; 1: old consumers")
    minimum_count: int = Field(default=0, ge=0, description="Counts below it are hidden on the dashboard")
    thresholds: dict[str, float] = Field(default_factory=dict, description="Limits of findings that differ")
    engine_memory: str = Field(default="1500MiB", description="What the SQL engine may keep in memory")


def load_settings(home: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of the deployment in `home`; without a file all have their defaults.

    Raises:
        ConfigurationError: the file has mistakes; names all.
        InputUnreadable: the file cannot be read.
    """
    path = home / FILE_NAME
    data: Any = {}
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8-sig")) or {}
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputUnreadable(path, why(error)) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ConfigurationError(str(path), ["It is not YAML."]) from None
    if not isinstance(data, dict):
        raise ConfigurationError(str(path), ["It must hold names and values, such as 'keepResults: 10'."])
    if url := environment.get(STORE_URL):
        data = {**data, "store": {**(data.get("store") or {}), "url": url}}
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise ConfigurationError(str(path), [_sentence(detail) for detail in error.errors()]) from None


def _sentence(detail: Any) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in Settings.model_fields.items()]
        return f"'{where}' is unknown{suggestion(where, known)}."
    return f"'{where}': {detail['msg']}."
