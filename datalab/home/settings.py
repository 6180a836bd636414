"""The settings of a deployment: every key of `datalab.yaml`, every variable, with default, meaning, check.

Nothing else reads them. The first of these that gives a value is used: options of a command, environment,
`datalab.yaml`, default. docs/settings.md is generated from these classes.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from datalab.home import rules
from datalab.home.errors import SettingsWrong, sentences
from datalab.home.rules import cron, is_loopback, limits, storage_url, time_zone, web_address
from datalab.home.sources import Variable, VariablesSource, is_secret, read_file, variable_of
from datalab.kinds import DatasetKind

FILE_NAME = "datalab.yaml"
HOME = "DATALAB_HOME"
DAGSTER_HOME = "DAGSTER_HOME"
UP = "DATALAB_UP"
USER = "DATALAB_USER"
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True, use_attribute_docstrings=True
    )


class _Root(BaseSettings):
    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_by_name=True, use_attribute_docstrings=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use only the values passed; `read` and `load_settings` read the sources."""
        return (init_settings,)


class StoreSettings(_Part):
    """Where encrypted datasets are stored."""

    url: Annotated[str, Variable("DATALAB_STORE_URL"), AfterValidator(storage_url)] = ""
    """A directory or an fsspec URL; empty: that of `storage`, or without it `store` in the home directory."""
    options: dict[str, Any] = {}
    """Arguments of the fsspec driver, such as `endpoint_url`."""


class StorageSettings(_Part):
    """Where everything durable is stored that is not in the database: datasets, validated rows, reports, results."""

    url: Annotated[str, Variable("DATALAB_STORAGE_URL"), AfterValidator(storage_url)] = ""
    """A directory or an fsspec URL such as `s3://bucket/prefix`; empty: the home directory."""
    options: dict[str, Any] = {}
    """Arguments of the fsspec driver; for S3, endpoint and credentials can be in its usual environment variables."""


class FreshnessSettings(_Part):
    """How old a result may be."""

    days: int = Field(default=30, ge=1)
    """The check `fresh` of a lab fails in Dagster when its current result is older than this many days."""


class EngineSettings(_Part):
    """The SQL engine of a run, which computes the statistics."""

    memory: Annotated[str, AfterValidator(rules.memory)] = "1200MiB"
    """How much memory it may use; what does not fit is in private files until the run ends."""


class Automation(StrEnum):
    """What starts the runs of changed labs."""

    SENSOR = "sensor"
    CONDITIONS = "conditions"


class DropZone(_Part):
    """Files that are provisioned automatically when they appear."""

    lab: str
    """Id or name of the lab."""
    dataset: DatasetKind
    """The slot that the file fills."""
    pattern: str
    """An fsspec URL with wildcards in its last part, such as `s3://drop/segments-*.csv`."""
    options: dict[str, Any] = {}
    """Arguments of the fsspec driver."""


class EmailHook(_Part):
    """An e-mail on failure."""

    to: list[str] = Field(min_length=1)
    """Addresses of the recipients."""
    sender: str
    """Address of the sender."""
    host: str = "localhost"
    """Mail server."""
    port: int = 25
    """Port of the mail server."""


class FailureHooks(_Part):
    """Who is notified when a run is interrupted or a lab fails validation."""

    webhook: str | None = None
    """URL that gets a POST with JSON; empty: none."""
    email: EmailHook | None = None
    """The e-mail to send; empty: none."""


def login_name() -> str | None:
    """Return the name of this login; None: a user id without a name, as in some containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return None


class PortalSettings(_Part):
    """How the portal is served: its address, the host names it accepts, lifetimes of sessions and limits.

    >>> PortalSettings().is_loopback, PortalSettings(host="0.0.0.0").is_loopback
    (True, False)
    >>> PortalSettings(public_url="https://labs.publisher.example").is_secure
    True
    """

    host: str = "127.0.0.1"
    """Address to listen on; any other than loopback needs a user first (`datalab user add`)."""
    port: int = Field(default=8000, ge=1, le=65535)
    """Port to listen on."""
    public_url: Annotated[str | None, AfterValidator(web_address)] = None
    """Its address for people, if it is behind a proxy; with `https://`, cookies are sent over TLS only."""
    allowed_hosts: frozenset[str] = frozenset()
    """Further host names that it accepts."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses of proxies that are trusted to name a client's address."""
    dagster_url: Annotated[str | None, AfterValidator(web_address)] = None
    """Address of Dagster's pages, for links; empty: the one of `datalab up`."""
    local_owner: Annotated[str, Variable(USER)] = Field(default_factory=lambda: login_name() or "owner")
    """Name of the owner, who signs in with the token of `datalab up` while there are no users; empty: login name."""
    session_lifetime: timedelta = Field(default=timedelta(hours=12), gt=timedelta(0))
    """Time after which a user signs in again, in seconds or as `PT12H`."""
    session_idle: timedelta = Field(default=timedelta(hours=2), gt=timedelta(0))
    """The same for a user who has not opened a page."""
    max_body_bytes: int = Field(default=1024**2, ge=1)
    """Largest request that is not an upload, in bytes."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)

    @property
    def is_secure(self) -> bool:
        """Whether people use it over TLS, so that cookies must not be sent without it."""
        return (self.public_url or "").startswith("https://")

    @property
    def hosts(self) -> frozenset[str] | None:
        """The names that a request may give as its host; None: any, because everyone must sign in."""
        named = {host.lower() for host in self.allowed_hosts}
        if self.public_url:
            named.add(urlsplit(self.public_url).hostname or "")
        if not self.is_loopback and not named:
            return None
        return frozenset(named | LOOPBACK_NAMES | {self.host.lower()})


class Settings(_Root):
    """The keys of `datalab.yaml`; every one has a default.

    >>> Settings().keep_results
    10
    """

    storage: StorageSettings = StorageSettings()
    """Where everything durable is stored that is not in the database."""
    store: StoreSettings = StoreSettings()
    """Where encrypted datasets are stored."""
    drop_zones: list[DropZone] = []
    """Places whose new files are provisioned automatically."""
    keep_results: int = Field(default=10, ge=1)
    """Number of results kept per lab; the current one is always kept. Trends keep their headline numbers."""
    nightly: Annotated[str, AfterValidator(cron)] = "0 3 * * *"
    """When labs that are out of date are validated again, as cron."""
    sweep: Annotated[str, AfterValidator(cron)] = "30 4 * * *"
    """When results beyond `keepResults`, abandoned uploads and files of deleted labs are removed, as cron."""
    timezone: Annotated[str, AfterValidator(time_zone)] = "UTC"
    """Time zone of these schedules, and of those of labs that are set without one."""
    automation: Automation = Automation.SENSOR
    """What starts the runs of changed labs in Dagster: a sensor, or automation conditions of the assets."""
    freshness: FreshnessSettings = FreshnessSettings()
    """How old a result may be."""
    on_failure: FailureHooks = FailureHooks()
    """Who is notified when a run is interrupted or a lab fails validation."""
    statistics_version: int = Field(default=2, ge=1, le=2)
    """Format of the statistics; 1 writes the old format."""
    minimum_count: int = Field(default=0, ge=0)
    """Counts below it are hidden on the dashboard."""
    thresholds: Annotated[dict[str, float], AfterValidator(limits)] = {}
    """Limits of findings that differ from the defaults."""
    engine: EngineSettings = EngineSettings()
    """The SQL engine of a run."""
    engine_memory: Annotated[str, AfterValidator(rules.memory)] = Field(default="", validate_default=False)
    """The name that `engine.memory` had in earlier versions; used if that key is not given."""
    portal: PortalSettings = Field(default_factory=PortalSettings)
    """How the portal is served."""

    @property
    def memory_of_engine(self) -> str:
        """How much memory the SQL engine of a run may use."""
        earlier = "" if "memory" in self.engine.model_fields_set else self.engine_memory
        return earlier or self.engine.memory


class Environment(_Root):
    """The variables that have no key in a file: which deployment is used, and its secrets."""

    home: Annotated[str, Variable(HOME)] = ".datalab"
    """The home directory."""
    postgres_url: Annotated[str, Variable("DATALAB_POSTGRES_URL")] = Field(default="", repr=False)
    """URL of PostgreSQL, with user and password; empty: a server of its own under the home directory."""
    master_key: Annotated[str, Variable("DATALAB_MASTER_KEY")] = Field(default="", repr=False)
    """The master key: base64url of 32 bytes, during a rotation `new,old`; empty: `master.key` in the home directory."""
    api_url: Annotated[str, Variable("DATALAB_API_URL")] = ""
    """The deployment that the Python SDK uses; empty: the one in the home directory."""
    dagster_home: Annotated[str, Variable(DAGSTER_HOME)] = ""
    """The directory of your own `dagster.yaml`, which is never written over; empty: `dagster` in the home directory."""
    up: Annotated[str, Variable(UP)] = ""
    """Set by `datalab up` for the processes that it starts; do not set it."""

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Return the variables of the environment."""
        return cls(_build_sources=((VariablesSource(cls, environment),), {}))

    @classmethod
    def secrets(cls) -> set[str]:
        """Return the variables whose values are secret.

        >>> sorted(Environment.secrets())
        ['DATALAB_MASTER_KEY', 'DATALAB_POSTGRES_URL']
        """
        return {name for field in cls.model_fields.values() if is_secret(field) and (name := variable_of(field))}


def load_settings(
    home: Path, environment: Mapping[str, str] = os.environ, options: Mapping[str, Any] | None = None
) -> Settings:
    """Read the settings of the deployment in `home`; without file, environment and options all have their defaults.

    Args:
        home: the home directory, where `datalab.yaml` may be.
        environment: has priority over the file.
        options: of the command, as keys and values; they have priority over both.

    Raises:
        SettingsWrong: some settings cannot be used; lists all.
        InputUnreadable: the file cannot be read.
    """
    path = home / FILE_NAME
    given = InitSettingsSource(Settings, dict(options or {}))
    variables = VariablesSource(Settings, environment)
    file = InitSettingsSource(Settings, read_file(path, Settings))
    try:
        return Settings(_build_sources=((given, variables, file), {}))
    except ValidationError as error:
        raise SettingsWrong(path, sentences(error, Settings, variables.used)) from None
