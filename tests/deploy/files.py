"""The files of deploy/, read; no test is here."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CONTAINERS = (ROOT / "docs/containers.md").read_text("utf-8")
CONTAINERFILE = (DEPLOY / "Containerfile").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
WORKSPACE: dict[str, Any] = yaml.safe_load((DEPLOY / "kubernetes/workspace.yaml").read_text("utf-8"))

UID = 10001
DAGSTER_HOME = "/opt/datalab/dagster"
HOME = "/srv/datalab"


def code_server() -> dict[str, Any]:
    """Where the daemon and the pages look for the code."""
    (location,) = WORKSPACE["load_from"]
    return dict(location["grpc_server"])


def secret_with_key(name: str, key: str) -> str:
    """A secret of compose as the docs make it with a key."""
    [made] = re.findall(rf"printf '(.*)' \"\$key\" \\\n *> secrets/{name}$", CONTAINERS, re.MULTILINE)
    return str(made).replace("\\n", "\n").replace("%s", key)


def instruction(name: str) -> str:
    """The last instruction of the Containerfile with a name, its lines joined."""
    return re.findall(rf"^{name} ((?:.*\\\n)*.*)$", CONTAINERFILE.replace("\\\\", ""), re.MULTILINE)[-1]


def entrypoint() -> list[str]:
    return list(json.loads(instruction("ENTRYPOINT")))
