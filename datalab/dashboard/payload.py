"""Embeds data and scripts safely in the page: JSON that cannot close its element, and a policy for scripts."""

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
"""JSON up to this size is embedded in the page uncompressed; larger JSON is compressed."""
MOST_BYTES = 800_000
"""Compressed JSON up to this size is embedded in the page; larger JSON keeps only the largest segments that fit."""
HOPELESS_CELLS = 60_000
"""More counts of segments than this cannot fit even compressed, so the whole report is not compressed at all."""


@dataclass
class Download:
    """The report as embedded in the page."""

    text: Markup
    encoding: str
    """`json`, or `gzip` (gzip in base64)."""
    left_out: str = ""
    """The parts of the report that do not fit; empty: none."""


def inline_json(value: Any) -> Markup:
    """Return JSON for a script element; it contains no `<`, so that no value can close the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def download(report: dict[str, Any], largest: list[str]) -> Download:
    """Return the report for the page; a report that is too large keeps only those segments of `largest` that fit."""
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
    """Return the Content-Security-Policy of a page that runs only these scripts and fetches nothing.

    `unsafe-eval` is for tools that control browsers and wait by evaluating code in the page; the page does not need it.
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
