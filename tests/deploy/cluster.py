"""The files for Kubernetes, read and rendered; no test is here."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
import yaml

from tests.deploy.files import DEPLOY

VALUES: dict[str, Any] = yaml.safe_load((DEPLOY / "helm/values.yaml").read_text("utf-8"))
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text("utf-8"))


def rendered() -> list[dict[str, Any]]:
    """The manifests that `kubectl apply --kustomize` would send."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    done = subprocess.run(
        ["kubectl", "kustomize", DEPLOY / "kubernetes"], capture_output=True, text=True, check=True, timeout=60
    )
    return [dict(manifest) for manifest in yaml.safe_load_all(done.stdout)]


def written() -> list[dict[str, Any]]:
    """The manifests as they are in the files."""
    return [
        dict(manifest)
        for name in KUSTOMIZATION["resources"]
        for manifest in yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text("utf-8"))
    ]
