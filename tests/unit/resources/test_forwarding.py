"""Resources hand over what assets need: no method only forwards to one of the same name, every parameter is read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import resources

MODULES = sorted(Path(resources.__file__).parent.glob("*.py"))


def functions(source: str) -> Iterator[tuple[ast.FunctionDef, list[ast.stmt]]]:
    """Yield functions with what they do; those that only describe an interface do nothing."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            if body:
                yield node, body


def forwarding(source: str) -> list[str]:
    """Return the functions that only do what a function, or an attribute, of the same name does."""
    found = []
    for function, body in functions(source):
        value = body[0].value if len(body) == 1 and isinstance(body[0], ast.Return | ast.Expr) else None
        value = value.func if isinstance(value, ast.Call) else value
        if isinstance(value, ast.Attribute) and value.attr == function.name and _is_member(value.value):
            found.append(function.name)
    return found


def _is_member(value: ast.expr) -> bool:
    """Return whether an expression is a member of an object, such as `self._run`, not of a call."""
    return isinstance(value, ast.Name) or (isinstance(value, ast.Attribute) and _is_member(value.value))


def unread(source: str) -> list[str]:
    """Return the parameters that a function does not read; a library asks those that it overrides for theirs."""
    found = []
    for function, body in functions(source):
        if any(isinstance(mark, ast.Name) and mark.id == "override" for mark in function.decorator_list):
            continue
        names = {node.id for statement in body for node in ast.walk(statement) if isinstance(node, ast.Name)}
        arguments = function.args
        parameters = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
        found += [f"{function.name}({one})" for one in parameters if one not in ("self", "cls") and one not in names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_method_only_forwards_and_no_parameter_is_left_unread(path: Path) -> None:
    source = path.read_text()
    assert (forwarding(source), unread(source)) == ([], [])


def test_the_search_would_find_them() -> None:
    source = '''
class A:
    def content(self, lab, kind):
        """Return the content."""
        return self._run.content(kind)
    def definition(self):
        return self._run.definition
    def keep(self, *, text):
        """Keep it."""
    def size(self, kind):
        return self._registry.get(kind).size_bytes
'''
    assert forwarding(source) == ["content", "definition"] and unread(source) == ["content(lab)"]
