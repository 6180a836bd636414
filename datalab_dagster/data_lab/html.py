"""A summary of a lab as HTML for notebooks: its state, its datasets and headline numbers, all of them aggregates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from datalab.errors import DatalabError
from datalab.formats import name_or_unnamed, number
from datalab_dagster.service import LabState
from datalab_dagster.service.models import LabInfo, ResultInfo, SharedLab
from datalab_dagster.service.protocol import LabService

_COLOURS = {LabState.READY: "#1a7f37", LabState.FAILED: "#b42318", LabState.VALIDATING: "#1f5fa8"}
_OTHER = "#8a6100"
_MOST_NUMBERS = 24


def lab_html(service: LabService, lab_id: str, name: str) -> str:
    """Return the HTML for a lab, or the error if the deployment does not answer."""
    try:
        if (shared := service.shared_labs) is not None:
            return _shared(next((lab for lab in shared.all() if lab.id == lab_id), None), name)
        lab = service.lab(lab_id)
        current = service.current_result(lab_id)
    except DatalabError as error:
        return f"<p><b>{escape(name or lab_id)}</b>: {escape(str(error))}</p>"
    return "".join(_parts(lab, current))


def _shared(lab: SharedLab | None, name: str) -> str:
    """Return what a vendor's admin sees of a lab."""
    verdict = f"{lab.status}, computed at {lab.computed_at:%Y-%m-%d %H:%M}" if lab and lab.computed_at else "no result"
    return f"<p><b>{escape(name or 'Data Lab')}</b>: {verdict}. Statistics are in get_statistics_report().</p>"


def _parts(lab: LabInfo, current: ResultInfo | None) -> Iterable[str]:
    colour = _COLOURS.get(lab.state.state, _OTHER)
    yield '<div style="font-family:system-ui,sans-serif;line-height:1.4;max-width:46em">'
    yield f'<div><b style="font-size:1.15em">{escape(name_or_unnamed(lab.name, lab.created_at))}</b> '
    yield f'<span style="border:1px solid {colour};color:{colour};border-radius:1em;padding:0 .6em">'
    yield f"{escape(lab.state.title)}</span> <code>{escape(lab.id)}</code></div>"
    yield f"<p>{escape(lab.state.reason)} {escape(lab.state.next_step)}</p>"
    held = {slot.kind: slot for slot in lab.slots}
    yield _table(
        ("Dataset", "Provisioned", "By", "Since"),
        [
            (
                kind.value,
                held[kind].dataset_name,
                held[kind].provisioned_by,
                f"{held[kind].provisioned_at:%Y-%m-%d %H:%M}",
            )
            if kind in held
            else (kind.value, "–", "", "")
            for kind in lab.definition.datasets
        ],
    )
    if current is not None:
        yield _numbers(current.summary)
    yield "</div>"


def _numbers(summary: Mapping[str, Any]) -> str:
    rows = [(_words(name), number(value)) for name, value in summary.items() if isinstance(value, (int, float))]
    if not rows:
        return ""
    shown = _table(("Headline number", ""), rows[:_MOST_NUMBERS])
    left = len(rows) - _MOST_NUMBERS
    return shown + (f"<p>{left} more are in get_statistics_report().</p>" if left > 0 else "")


def _words(metric: str) -> str:
    *subjects, figure = metric.split(".")
    return " · ".join([*subjects, figure.replace("_", " ")])


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    style = 'style="text-align:left;padding:.15em .8em .15em 0"'
    top = "".join(f"<th {style}>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td {style}>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
