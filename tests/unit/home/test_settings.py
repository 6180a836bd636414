"""Settings: what a file and the environment may say, which of them decides, and what is said about errors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from datalab.engines import DEFAULT_MEMORY_LIMIT
from datalab.errors import InputUnreadable
from datalab.home.directory import home_directory
from datalab.home.errors import SecretUnreadable, SettingsWrong, model_in
from datalab.home.reference import settings_document
from datalab.home.settings import DropZone, Environment, PortalSettings, Settings, load_settings
from datalab.home.sources import variable_of
from datalab.kinds import DatasetKind
from datalab.statistics.findings import Thresholds

TEN_KEYS = """
store: {url: "s3://labs/store", options: {endpoint_url: "http://127.0.0.1:9000"}}
dropZones:
  - {lab: Sports, dataset: segments, pattern: "s3://drop/segments-*.csv"}
keepResults: 3
nightly: "15 2 * * mon-fri"
timezone: Europe/Berlin
onFailure: {webhook: "https://hooks.example/x", email: {to: [me@x.example], sender: lab@x.example}}
statisticsVersion: 1
minimumCount: 10
thresholds: {max_drop_share: 0.3}
engineMemory: 2GiB
"""
OUR_VARIABLES = ("HOME", "STORAGE_URL", "STORE_URL", "POSTGRES_URL", "MASTER_KEY", "USER", "API_URL", "UP")
VARIABLES = {*(f"DATALAB_{name}" for name in OUR_VARIABLES), "DAGSTER_HOME"}


def load(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> Settings:
    (tmp_path / "datalab.yaml").write_text(text)
    return load_settings(tmp_path, environment or {})


def wrong(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(SettingsWrong) as caught:
        load(tmp_path, text, environment)
    assert str(tmp_path / "datalab.yaml") in str(caught.value)
    return caught.value.mistakes


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A class of settings and all its parts."""
    yield model
    for field in model.model_fields.values():
        if (part := model_in(field.annotation)) is not None:
            yield from models(part)


class TestReading:
    def test_a_file_of_the_version_before_is_read_as_before(self, tmp_path: Path) -> None:
        settings = load(tmp_path, TEN_KEYS)
        assert (settings.store.url, settings.store.options) == (
            "s3://labs/store",
            {"endpoint_url": "http://127.0.0.1:9000"},
        )
        zone = DropZone(lab="Sports", dataset=DatasetKind.SEGMENTS, pattern="s3://drop/segments-*.csv")
        assert settings.drop_zones == [zone]
        assert (settings.keep_results, settings.nightly, settings.timezone) == (3, "15 2 * * mon-fri", "Europe/Berlin")
        assert settings.on_failure.webhook == "https://hooks.example/x"
        assert settings.on_failure.email is not None and settings.on_failure.email.to == ["me@x.example"]
        assert (settings.statistics_version, settings.minimum_count, settings.memory_of_engine) == (1, 10, "2GiB")
        assert settings.thresholds == {"max_drop_share": 0.3}

    def test_the_memory_of_the_engine_has_an_earlier_name(self, tmp_path: Path) -> None:
        assert load(tmp_path, "").memory_of_engine == DEFAULT_MEMORY_LIMIT == "1200MiB"
        assert load(tmp_path, "engine: {memory: 4GiB}").memory_of_engine == "4GiB"
        assert load(tmp_path, "engineMemory: 2GiB\nengine: {memory: 4GiB}").memory_of_engine == "4GiB"
        assert load(tmp_path, "engineMemory: 2GiB\nengine: {}").memory_of_engine == "2GiB"

    def test_keys_may_be_written_as_in_python(self, tmp_path: Path) -> None:
        assert load(tmp_path, "keep_results: 4\nportal: {public_url: 'https://x.example'}").keep_results == 4

    @pytest.mark.parametrize("text", ["", "# nothing yet\n", "{}", "﻿keepResults: 10\n"])
    def test_a_file_that_says_nothing_leaves_the_defaults(self, tmp_path: Path, text: str) -> None:
        assert load(tmp_path, text) == Settings() == load_settings(tmp_path / "none", {})

    def test_a_drop_zone_may_have_a_scheme_that_only_a_connector_knows(self, tmp_path: Path) -> None:
        text = "dropZones: [{lab: x, dataset: segments, pattern: 'shelf://s/*.csv'}]"
        assert load(tmp_path, text).drop_zones[0].pattern == "shelf://s/*.csv"

    def test_what_is_not_asked_for_is_not_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("TIMEZONE", "NIGHTLY", "DATALAB_TIMEZONE", "DATALAB_PORTAL_PORT", "keepResults"):
            monkeypatch.setenv(name, "nonsense")
        assert Settings().timezone == "UTC" and PortalSettings().port == 8000

    def test_times_and_lists_of_the_portal(self, tmp_path: Path) -> None:
        portal = load(tmp_path, "portal: {sessionIdle: 600, sessionLifetime: PT8H, allowedHosts: [a.example]}").portal
        assert (portal.session_idle, portal.session_lifetime) == (timedelta(minutes=10), timedelta(hours=8))
        assert portal.hosts is not None and "a.example" in portal.hosts


class TestOrder:
    def test_the_environment_decides_over_the_file_and_an_option_over_both(self, tmp_path: Path) -> None:
        text = "store: {url: file-store, options: {a: 1}}\nportal: {local_owner: filed, port: 9000}"
        environment = {"DATALAB_STORE_URL": "s3://there", "DATALAB_USER": "me@publisher.example"}
        settings = load(tmp_path, text, environment)
        assert (settings.store.url, settings.store.options) == ("s3://there", {"a": 1})
        assert (settings.portal.local_owner, settings.portal.port) == ("me@publisher.example", 9000)
        portal = load_settings(tmp_path, environment, {"portal": {"port": 9001, "localOwner": "given"}}).portal
        assert (portal.local_owner, portal.port) == ("given", 9001)

    def test_an_empty_variable_says_nothing(self, tmp_path: Path) -> None:
        assert load(tmp_path, "store: {url: here}", {"DATALAB_STORE_URL": ""}).store.url == "here"
        assert home_directory({"DATALAB_HOME": ""}) == Path(".datalab").absolute()

    def test_no_other_variable_is_read(self) -> None:
        names = {
            name
            for root in (Settings, Environment)
            for model in models(root)
            for field in model.model_fields.values()
            if (name := variable_of(field))
        }
        assert names == VARIABLES

    def test_secrets_are_not_shown(self) -> None:
        secret = Environment.read(
            {"DATALAB_MASTER_KEY": "planted", "DATALAB_POSTGRES_URL": "postgresql://u:planted@h/d"}
        )
        assert secret.master_key == "planted" and "planted" not in repr(secret)

    def test_a_secret_may_be_in_a_file_that_a_variable_names(self, tmp_path: Path) -> None:
        (tmp_path / "key").write_text("planted\n")
        named = {"DATALAB_MASTER_KEY_FILE": str(tmp_path / "key")}
        assert Environment.read(named).master_key == "planted"
        assert Environment.read({**named, "DATALAB_MASTER_KEY": "first"}).master_key == "first"
        assert Environment.read({**named, "DATALAB_MASTER_KEY": ""}).master_key == "planted"
        assert Environment.read({"DATALAB_HOME_FILE": str(tmp_path / "key")}).home == ".datalab"
        (tmp_path / "key").write_text("\n")
        assert Environment.read(named).master_key == ""

    @pytest.mark.parametrize(("content", "reason"), [(None, "No such file"), (b"\xff\xfe", "it is not text")])
    def test_a_file_of_a_secret_that_cannot_be_read_is_named(
        self, tmp_path: Path, content: bytes | None, reason: str
    ) -> None:
        file = tmp_path / "url"
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(SecretUnreadable, match=f"DATALAB_POSTGRES_URL_FILE names {file}.*{reason}"):
            Environment.read({"DATALAB_POSTGRES_URL_FILE": str(file)})


class TestWrong:
    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ('nightly: "99 3 * * *"', "nightly: '99' is not a minute; write 0 to 59, or * for every."),
            ('sweep: "0 25 * * *"', "sweep: '25' is not an hour; write 0 to 23, or * for every."),
            ('nightly: "0 3 * *"', "nightly: '0 3 * *' must have five fields (minute, hour, day of the month, "),
            ('nightly: "@daily"', "nightly: '@daily' must have five fields"),
            ('nightly: "0 3 31 4 *"', "nightly: '0 3 31 4 *' names a day that never comes"),
            ("timezone: Mars/Base", "timezone: 'Mars/Base' is not a time zone; write an IANA name, such as Europe"),
            ("timezone: Europe/Berln", "timezone: 'Europe/Berln' is not a time zone; did you mean 'Europe/Berlin'?"),
            ("timezone: Europe", "timezone: 'Europe' is not a time zone"),
            ("timezone: ../passwd", "timezone: '../passwd' is not a time zone"),
            ("timezone: ''", "timezone: '' is not a time zone"),
            ("keepResult: 3", "keepResult: unknown key; did you mean 'keepResults'?"),
            (
                "zzz: 3",
                "zzz: unknown key; known keys: storage, store, dropZones, keepResults, nightly, sweep, timezone, ",
            ),
            ("store: {optons: {}}", "store.optons: unknown key; did you mean 'options'?"),
            ("onFailure: {email: {too: []}}", "onFailure.email.too: unknown key; did you mean 'to'?"),
            ("dropZones: [{lab: x, dataset: segments, patern: y}]", "dropZones.0.patern: unknown key; did you mean"),
            ("dropZones: [{lab: x, dataset: segmts, pattern: y}]", "dropZones.0.dataset: must be 'identifiers', "),
            ("dropZones: {lab: x}", "dropZones: must be a list."),
            ("portal: {sesionIdle: 3}", "portal.sesionIdle: unknown key; did you mean 'sessionIdle'?"),
            ("portal: {port: 0}", "portal.port: must be at least 1."),
            ("portal: {publicUrl: labs.example}", "portal.publicUrl: is not the address of a site; write it with its"),
            ("thresholds: {max_drop_shar: 1}", "thresholds.max_drop_shar: unknown key; did you mean 'max_drop_share'?"),
            ("thresholds: {max_drop_share: 3}", "thresholds.max_drop_share: must be at most 1."),
            ("thresholds: {max_drop_share: much}", "thresholds.max_drop_share: must be a number."),
            ("engineMemory: lots", "engineMemory: 'lots' is not a size of memory; write a number and a unit, such as"),
            ("engine: {memory: lots}", "engine.memory: 'lots' is not a size of memory; write a number and a unit"),
            ("engineMemory: 100", "engineMemory: must be text; put it in quotes."),
            ("automation: eager", "automation: must be 'sensor' or 'conditions'."),
            ("keepResults: 0", "keepResults: must be at least 1."),
            ("keepResults: many", "keepResults: must be a whole number."),
            ("statisticsVersion: 3", "statisticsVersion: must be at most 2."),
            ("store: {url: 'ssh3://u:planted@h/*'}", "store.url: 'ssh3' is not a scheme of storage"),
            ("store: here", "store: must hold keys and values."),
            ("- nightly", "It must hold keys and values, such as 'keepResults: 10'."),
            ("1: 2", "It must hold keys and values"),
            ("a: [", "It is not YAML: see line 1."),
        ],
    )
    def test_the_key_and_the_rule_are_named(self, tmp_path: Path, text: str, sentence: str) -> None:
        (found,) = [one for one in wrong(tmp_path, text) if "missing" not in one]
        assert found.startswith(sentence) and found[-1] in ".?" and not found.endswith("?.")

    def test_all_errors_are_named_at_once(self, tmp_path: Path) -> None:
        found = wrong(tmp_path, 'nightly: "99 3 * * *"\ntimezone: Mars/Base\nthresholds: {a: 1, min_segments: -1}\n')
        assert [one.split(":")[0] for one in found] == [
            "nightly",
            "timezone",
            "thresholds.min_segments",
            "thresholds.a",
        ]

    def test_addresses_are_not_repeated(self, tmp_path: Path) -> None:
        assert "planted" not in "".join(wrong(tmp_path, "portal: {dagsterUrl: 'ftp://u:planted@h'}"))

    def test_a_file_that_cannot_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "datalab.yaml").mkdir()
        with pytest.raises(InputUnreadable):
            load_settings(tmp_path, {})

    def test_another_encoding_is_not_yaml(self, tmp_path: Path) -> None:
        (tmp_path / "datalab.yaml").write_bytes("lab: käse".encode("latin-1"))
        with pytest.raises(SettingsWrong, match="It is not YAML"):
            load_settings(tmp_path, {})


class TestDescribed:
    @pytest.mark.parametrize("model", [*models(Settings), Environment, Thresholds], ids=lambda model: model.__name__)
    def test_each_field_says_what_it_means(self, model: type[BaseModel]) -> None:
        without = [name for name, field in model.model_fields.items() if not (field.description or "").strip()]
        assert without == []

    def test_each_key_and_variable_is_in_the_reference(self) -> None:
        text = settings_document()
        for root in (Settings, Thresholds):
            for model in models(root):
                for name, field in model.model_fields.items():
                    assert f"| `{field.alias or name}` |" in text
        assert all(f"`{name}`" in text for name in VARIABLES)
