"""Puts data and code safely inside the page: JSON that cannot close its element, and what scripts may run."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from datalab.formats import counted

PLAIN_BYTES = 400_000
"""JSON up to this size stands in the page as it is; larger JSON is compressed."""
MOST_BYTES = 800_000
"""Compressed JSON up to this size stands in the page; of larger JSON only as many of the largest segments as fit."""
HOPELESS_CELLS = 60_000
"""More counts of segments than this do not fit even compressed: it is not tried."""


@dataclass
class Download:
    """The report as it stands in the page."""

    text: Markup
    encoding: str
    """`json`, or `gzip` (base64 of it)."""
    left_out: str = ""
    """What of the report does not fit."""


def inline_json(value: Any) -> Markup:
    """Return JSON for a script element: no `<` stands in it, so that nothing can close the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def download(report: dict[str, Any], largest: list[str]) -> Download:
    """Return the report for the page; one that is too large keeps, of its segments, as many of `largest` as fit."""
    counts = (report["segment_statistics"] or {}).get("segment_user_counts") or {}
    cells = sum(map(len, counts.values()))
    whole = _packed(report) if cells <= HOPELESS_CELLS else None
    while whole is None or (len(whole.text) > MOST_BYTES and largest):
        kept = set(largest)
        fewer = {m: {name: cells for name, cells in named.items() if name in kept} for m, named in counts.items()}
        slim = {**report, "segment_statistics": {**report["segment_statistics"], "segment_user_counts": fewer}}
        lost = max(map(len, counts.values())) - len(kept)
        whole = _packed(slim, f"the {counted(lost, 'smallest segment')}")
        largest = largest[: len(largest) // 2]
    if len(whole.text) > MOST_BYTES:
        slim = {**report, "segment_statistics": None, "demographic_statistics": None}
        return _packed(slim, "all segments and demographics")
    return whole


def _packed(report: dict[str, Any], left_out: str = "") -> Download:
    text = inline_json(report)
    raw = text.encode()
    if len(raw) <= PLAIN_BYTES:
        return Download(text, "json", left_out)
    packed = base64.b64encode(gzip.compress(raw, 7, mtime=0)).decode()
    return Download(Markup(packed), "gzip", left_out)


def content_policy(scripts: list[str]) -> str:
    """Return the Content-Security-Policy of a page that runs exactly these scripts and fetches nothing.

    `unsafe-eval` is for tools that drive browsers, which wait by evaluating in the page; the page itself does not.
    """
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'" for s in scripts]
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(hashes)} 'unsafe-eval'",
            "style-src 'unsafe-inline'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
