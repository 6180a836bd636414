"""/docs: the API's routes as a plain page from its OpenAPI description, without scripts or foreign files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request
from markupsafe import Markup
from starlette.responses import HTMLResponse

router = APIRouter()

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code { font: 0.9em ui-monospace, monospace; overflow-wrap: anywhere; }
section { border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent); padding: 0.5rem 0; }
h3 { margin: 0.5rem 0 0; font-size: 1rem; } p, ul { margin: 0.25rem 0; }
"""
_PAGE = Markup(
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Data Lab API</title>'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
    '<style nonce="{nonce}">{style}</style></head><body><h1>Data Lab API</h1>'
    "<p>Version {version}. Send an API token as <code>Authorization: Bearer …</code>. The whole description, with "
    'every model: <a href="/openapi.json">openapi.json</a>.</p>{parts}</body></html>'
)
_ROUTE = Markup(
    "<section><h3><code>{method} {path}</code></h3><p>{text}</p>{inputs}<p>Answers: {answers}</p></section>"
)


@router.get("/docs", include_in_schema=False)
def docs(request: Request) -> HTMLResponse:
    """Show every route of the API: its purpose, inputs and answers."""
    described = request.app.openapi()
    groups: dict[str, list[Markup]] = {}
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            group = (route.get("tags") or ["other"])[0]
            groups.setdefault(group, []).append(_route(method, path, route))
    parts = Markup("").join(
        Markup("<h2>{}</h2>{}").format(group.capitalize(), Markup("").join(routes)) for group, routes in groups.items()
    )
    nonce = request.state.csp_nonce
    version = described["info"]["version"]
    return HTMLResponse(_PAGE.format(nonce=nonce, style=Markup(_STYLE), version=version, parts=parts))


def _route(method: str, path: str, route: dict[str, Any]) -> Markup:
    inputs = Markup("").join(Markup("<li>{}</li>").format(line) for line in _inputs(route))
    answers = ", ".join(f"{status} {_shape(answer)}".strip() for status, answer in route["responses"].items())
    return _ROUTE.format(
        method=method.upper(),
        path=path,
        text=route.get("description") or route.get("summary") or "",
        inputs=Markup("<ul>{}</ul>").format(inputs) if inputs else "",
        answers=answers,
    )


def _inputs(route: dict[str, Any]) -> Iterator[Markup]:
    for given in route.get("parameters", []):
        need = "" if given.get("required") else ", optional"
        text = given.get("description") or given.get("schema", {}).get("description") or ""
        yield Markup("<code>{}</code> ({}{}) {}").format(given["name"], given["in"], need, text)
    if "requestBody" in route:
        content = route["requestBody"]["content"]
        yield Markup("body: {} {}").format(", ".join(content), _shape(route["requestBody"]))


def _shape(part: dict[str, Any]) -> str:
    """Return the name of the model of a body or answer, if it has one."""
    for content in part.get("content", {}).values():
        schema = content.get("schema", {})
        reference = schema.get("$ref") or schema.get("items", {}).get("$ref") or ""
        if name := reference.rpartition("/")[2]:
            return f"list of {name}" if "items" in schema else name
    return ""
