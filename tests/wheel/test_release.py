"""What a release consists of: wheel and sdist, their metadata, the README as an index shows it, the changelog."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import readme_renderer.markdown
from packaging.metadata import Metadata

from datalab import __version__
from tests.wheel.conftest import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")


def metadata(wheel: Path) -> Metadata:
    """Raises an ExceptionGroup if a field does not fit the standard."""
    with zipfile.ZipFile(wheel) as archive:
        return Metadata.from_email(archive.read(f"datalab-{__version__}.dist-info/METADATA"), validate=True)


def test_the_changelog_begins_with_this_version() -> None:
    (first, *_) = re.findall(r"^## (\S+)", CHANGELOG, re.MULTILINE)
    assert first == __version__


def test_the_readme_is_shown_as_a_page() -> None:
    shown = readme_renderer.markdown.render((ROOT / "README.md").read_text("utf-8"))
    assert shown is not None and "<h1" in shown and "<pre" in shown and "```" not in shown


def test_a_readme_that_cannot_be_shown_is_noticed() -> None:
    assert "```" in (readme_renderer.markdown.render("text\n\n    ```\n    never closed\n") or "")


@pytest.mark.long
def test_the_metadata_are_valid_and_complete(wheel: Path) -> None:
    found = metadata(wheel)
    assert (found.name, str(found.version), found.license_expression) == ("datalab", __version__, "Apache-2.0")
    assert found.description == (ROOT / "README.md").read_text("utf-8")
    assert found.description_content_type == "text/markdown" and found.license_files == ["LICENSE"]
    assert set(found.provides_extra or ()) == {"dev", "kubernetes", "lookalike", "lookalike-boosting"}


@pytest.mark.long
def test_the_sdist_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    (sdist,) = wheel.parent.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    assert source.name == f"datalab-{__version__}"
    uv = [Path(sys.executable).with_name("uv"), "build", "--wheel", "--no-build-isolation", "--offline", "--quiet"]
    subprocess.run([*uv, "--python", sys.executable, "--out-dir", tmp_path / "again", source], check=True)
    (again,) = (tmp_path / "again").glob("*.whl")
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        record = f"datalab-{__version__}.dist-info/RECORD"
        assert sorted(one.read(record).decode().splitlines()) == sorted(other.read(record).decode().splitlines())
