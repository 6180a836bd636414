"""Scripts for the vendor's package find every name, parameter and value; nothing heavy is imported for the command."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import datalab_dagster as dq
from datalab import collaboration, id_types
from datalab_dagster.elsewhere import NotOffered
from tests.sdk import surface


def found(dotted: str) -> Any:
    return surface.found("datalab_dagster", dotted)


@pytest.mark.parametrize("member", surface.SIGNATURES)
def test_signatures(member: str) -> None:
    expected = surface.ADDED.get(member, surface.SIGNATURES[member])
    got = surface.spelled(found(member))
    if "client_id=?" in expected:  # the vendor's own id is of no use here
        assert "client_id='datalab'" in got
        expected = expected.replace("client_id=?", "client_id='datalab'")
    assert got == expected


@pytest.mark.parametrize("member", surface.ADDED)
def test_additions_do_not_change_how_scripts_call(member: str) -> None:
    required = [
        name
        for name, parameter in inspect.signature(found(member)).parameters.items()
        if parameter.default is inspect.Parameter.empty
    ]
    vendors = [part.split("=")[0] for part in surface.SIGNATURES[member].split(", ")]
    assert set(required) <= set(vendors)


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in surface.NAMES.items() for name in names]
)
def test_names(module: str, name: str) -> None:
    home = importlib.import_module(f"datalab_dagster.{module}" if module else "datalab_dagster")
    assert getattr(home, name) is not None
    if hasattr(home, "__all__"):
        assert name in home.__all__


@pytest.mark.parametrize("enumeration", surface.MEMBERS)
def test_members(enumeration: str) -> None:
    expected = {name: name if value is None else value for name, value in surface.MEMBERS[enumeration].items()}
    assert {member.name: member.value for member in found(enumeration)} == expected


@pytest.mark.parametrize("enumeration", surface.TEXT_ENUMERATIONS)
def test_members_that_are_strings(enumeration: str) -> None:
    for member in found(enumeration):
        assert member == member.value
        assert str(member) == f"{enumeration.split('.')[-1]}.{member.name}"


@pytest.mark.parametrize("model", surface.REPORT_KEYS)
def test_keys_of_reports(model: str) -> None:
    from datalab_dagster.data_lab import api

    assert list(getattr(api, model).model_fields) == surface.REPORT_KEYS[model]


def test_identifier_and_collaboration_types_are_those_of_the_domain() -> None:
    from datalab_dagster.types import CollaborationType, IdType

    assert [entry.value for entry in IdType] == [entry.value for entry in id_types.IdType]
    assert {entry.name for entry in CollaborationType} == {entry.value for entry in collaboration.CollaborationType}


def test_the_lab_and_its_interface_are_abstract_where_the_vendors_are() -> None:
    from datalab_dagster.data_lab import ComputeJob, DataLab, DataLabInterface

    assert issubclass(DataLab, DataLabInterface)
    assert ComputeJob.__abstractmethods__ == {"result"}
    with pytest.raises(TypeError, match="abstract"):
        DataLabInterface()  # type: ignore[abstract]


@pytest.mark.parametrize("module", ["analytics", "authentication", "data_connectors", "legacy"])
def test_what_is_not_about_labs_says_so(module: str) -> None:
    home = importlib.import_module(f"datalab_dagster.{module}")
    with pytest.raises(NotOffered, match=rf"datalab_dagster\.{module}\.MediaDcr does not exist.*decentriq_platform"):
        _ = home.MediaDcr
    assert not hasattr(home, "__wrapped__")


@pytest.mark.parametrize("name", ["EnclaveSpecifications", "Endorser", "Session", "enclave_specifications"])
def test_what_is_about_enclaves_says_so(name: str) -> None:
    with pytest.raises(NotOffered, match=f"datalab_dagster.{name} does not exist: there are no enclaves"):
        getattr(dq, name)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = dq.nonsense


HEAVY = {"dagster", "duckdb", "fsspec", "httpx", "pandas", "pandera", "pyarrow", "pydantic", "sqlalchemy"}


def test_importing_the_package_is_light() -> None:
    code = f"import sys, datalab_dagster; print(sorted({HEAVY!r} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.strip() == "[]"


def test_scripts_need_no_dagster_until_they_validate() -> None:
    code = (
        "import sys; from datalab_dagster.data_lab import DataLabBuilder; import datalab_dagster as dq; "
        "dq.create_client; print(sorted({'dagster', 'pandas', 'pandera', 'duckdb'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.strip() == "[]"


def test_the_package_tells_that_it_is_typed() -> None:
    assert (Path(dq.__file__).parent / "py.typed").exists()
