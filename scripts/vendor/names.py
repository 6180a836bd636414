"""Compares tests/sdk/surface.py with the vendor's package, and prints as JSON where the table is wrong.

Run by the interpreter that has the vendor's package; the command line names the table. tests/sdk/test_surface.py
compares this package with the table.
"""

from __future__ import annotations

import importlib
import json
import runpy
import sys
from typing import Any

ROOT = "decentriq_platform"
table = runpy.run_path(sys.argv[1])
wrong: list[str] = []


def found(dotted: str) -> Any:
    return table["found"](ROOT, dotted)


def expect(what: str, theirs: Any, ours: Any) -> None:
    if theirs != ours:
        wrong.append(f"{what}\n  theirs: {theirs}\n  table:  {ours}")


for member, signature in table["SIGNATURES"].items():
    theirs = table["spelled"](found(member))
    if "client_id=?" in signature:
        theirs = theirs.replace(repr(importlib.import_module(f"{ROOT}.client").DECENTRIQ_CLIENT_ID), "?")
    expect(member, theirs, signature)
for module, names in table["NAMES"].items():
    home = importlib.import_module(f"{ROOT}.{module}" if module else ROOT)
    expect(module, [name for name in names if hasattr(home, name)], names)
for enumeration, members in table["MEMBERS"].items():
    expected = {name: name if value is None else value for name, value in members.items()}
    expect(enumeration, {member.name: member.value for member in found(enumeration)}, expected)
for model, keys in table["REPORT_KEYS"].items():
    expect(model, list(getattr(found("data_lab.api"), model).model_fields), keys)

json.dump(wrong, sys.stdout)
