"""Reads pages as people do: their text, links and forms; no test is here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from tests.portal.clients import TestClient

_VOID = {"input", "meta", "link", "br", "hr"}
_UNREAD = {"script", "style", "head", "noscript"}


@dataclass
class Form:
    """A form and the values that it would send."""

    method: str
    action: str
    fields: dict[str, Any] = field(default_factory=dict)
    """Name → value; a list where several fields of one name are ticked."""

    def add(self, name: str, value: str) -> None:
        known = self.fields.get(name)
        if known is None:
            self.fields[name] = value
        else:
            self.fields[name] = [*(known if isinstance(known, list) else [known]), value]


class Read(HTMLParser):
    """One page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._inside: list[str] = []
        self._words: list[str] = []
        self._select = ""
        self.feed(html)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self._words))

    def form(self, action: str) -> Form:
        return next(form for form in self.forms if form.action == action)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag not in _VOID:
            self._inside.append(tag)
        if tag == "a":
            self.links.append(found.get("href") or "")
        if tag == "form":
            self.forms.append(Form(found.get("method") or "get", found.get("action") or ""))
        name = found.get("name")
        if tag == "select":
            self._select = name or ""
        if tag == "option" and "selected" in found and self.forms:
            self.forms[-1].fields[self._select] = found.get("value") or ""
        if tag == "input" and name and self.forms and "disabled" not in found:
            ticked = found.get("type") not in ("checkbox", "radio") or "checked" in found
            if ticked and found.get("type") != "file":
                self.forms[-1].add(name, found.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not _UNREAD & set(self._inside):
            self._words.append(data)


def read(client: TestClient, address: str, status: int = 200) -> Read:
    """Open a page as a browser does."""
    answer = client.get(address, headers={"Accept": "text/html"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    return Read(answer.text)


def send(client: TestClient, page: Read, action: str, **fields: Any) -> Read:
    """Send a form of a page with some fields filled in, follow where it leads, and return the page after it."""
    form = page.form(action)
    assert form.method == "post"
    headers = {"Accept": "text/html", "Origin": str(client.base_url)}
    answer = client.post(action, data={**form.fields, **fields}, headers=headers)
    if answer.status_code == 303:
        where = answer.headers["location"].partition("#")[0]
        return read(client, where)
    found = Read(answer.text)
    found.tags.append(("status", {"code": str(answer.status_code)}))
    return found
