"""Which private names of Dagster a module uses, and the import contract: one module alone uses any; no test here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

_PRIVATE = re.compile(r"(?<![\w.])dagster\w*(?:\.\w+)*?\._(?!_)\w+(?:\.\w+)*")
_SHORT_NAME = "dg"
"""The name under which modules import Dagster."""


def private_names(text: str) -> set[str]:
    """Return the private names of Dagster that a module imports, takes from `dg`, or names in a string.

    >>> sorted(private_names("from dagster._core import x\\nrun('-m dagster._daemon')\\ndg._utils.y\\ndg.__version__"))
    ['dagster._core', 'dagster._core.x', 'dagster._daemon', 'dagster._utils']
    """
    return {found for name in _names(ast.parse(text)) for found in _PRIVATE.findall(name)}


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == _SHORT_NAME:
            yield f"dagster.{node.attr}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


class PrivateNames(Contract):
    """Only the module `allowed` uses private names of Dagster; import-linter itself sees `dagster` as one module."""

    allowed = fields.ModuleField()

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        del graph, verbose
        used: dict[str, list[str]] = {}
        for package in self.session_options["root_packages"]:
            for path in sorted(Path(package).rglob("*.py")):
                names = private_names(path.read_text("utf-8"))
                if names and ".".join(path.with_suffix("").parts) != self.allowed.name:  # type: ignore[attr-defined]
                    used[str(path)] = sorted(names)
        return ContractCheck(kept=not used, metadata={"used": used})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for path, names in check.metadata["used"].items():
            output.print_error(f"{path} uses {', '.join(names)}", bold=False)
