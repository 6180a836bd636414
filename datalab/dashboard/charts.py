"""The charts of the page, declared with altair; in the browser, they get their data from the tables of the page.

`static/charts.json` holds what the declarations say, because altair takes longer to say it than to compute a small
lab; after a change, `python -m datalab.dashboard.charts` writes it again. Altair is installed for development only.

Colours are CSS variables, so that one chart works in light, dark and print. A row has the fields `name` (and `side`),
`value` (the length of the bar), `all` (the same for all users) and their texts.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from datalab.dashboard.bundle import STATIC, static_text

if TYPE_CHECKING:
    import altair as alt

Spec = dict[str, Any]

MAX_BARS = 100
"""Maximum number of segments drawn; the table lists more."""
MAX_SIDES = 5
"""Maximum number of genders drawn, the largest first."""
_STORED = "charts.json"
FONT = '"Helvetica Neue", Arial, "Liberation Sans", sans-serif'


@cache
def specs() -> dict[str, Spec]:
    """Return the specification of every chart by name, without data and without any URL.

    `pyramid` consists of columns: the browser draws one `side` per gender next to each other, the first one mirrored.
    """
    stored: dict[str, Spec] = json.loads(static_text(_STORED))
    return stored


def make_specs() -> dict[str, Spec]:
    """Return the same as `specs`, from the declarations below."""
    return {
        "segments": _finished(_segments()),
        "per_user": _finished(_per_user()),
        "pyramid-left": _finished(_side(left=True)),
        "pyramid-right": _finished(_side(left=False)),
    }


def _segments() -> alt.LayerChart | alt.FacetChart:
    """Return the chart of users per segment, with all users behind the matchable ones."""
    import altair as alt

    rows = alt.Chart(alt.NamedData("rows"))
    name = alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=190, ticks=False, domain=False))
    tooltip = [
        alt.Tooltip("name:N", title="Segment"),
        alt.Tooltip("text:N", title="Users"),
        alt.Tooltip("share:N", title="Share"),
    ]
    count = alt.Axis(labelExpr="format(datum.value, '~s')", tickCount=5, orient="top", domain=False, ticks=False)
    x: dict[str, Any] = {"title": None, "stack": None, "axis": count, "scale": _from_zero(nice=True)}
    behind = rows.mark_bar(fill="var(--bar-behind)").encode(x=alt.X("all:Q", **x), y=name, tooltip=tooltip)
    front = rows.mark_bar(fill="var(--bar)").encode(x=alt.X("value:Q", **x), y=name, tooltip=tooltip)
    return alt.layer(behind, front).add_params(_top()).properties(width="container", height=alt.Step(19))


def _per_user() -> alt.LayerChart | alt.FacetChart:
    """Return the chart of users by number of segments; a tick marks all users if the bars show matchable ones."""
    import altair as alt

    rows = alt.Chart(alt.NamedData("rows"))
    x = alt.X("name:N", sort=None, title="Segments per user", axis=alt.Axis(labelAngle=0, labelOverlap=True))
    axis = alt.Axis(format=".0%", tickCount=5, domain=False, ticks=False)
    y: dict[str, Any] = {"title": "Share of users", "stack": None, "axis": axis, "scale": _from_zero(nice=True)}
    tooltip = [
        alt.Tooltip("name:N", title="Segments"),
        alt.Tooltip("text:N", title="Users"),
        alt.Tooltip("share:N", title="Share"),
        alt.Tooltip("allShare:N", title="All users"),
    ]
    bars = rows.mark_bar(fill="var(--bar)").encode(x=x, y=alt.Y("value:Q", **y), tooltip=tooltip)
    marks = rows.mark_tick(fill="var(--ink)", thickness=2).encode(x=x, y=alt.Y("mark:Q", **y))
    return alt.layer(bars, marks).add_params(_top()).properties(width="container", height=300)


def _top() -> alt.Parameter:
    """Return the parameter for the largest value of the scale; the browser sets it."""
    import altair as alt

    return alt.param(name="top", value=1)


def _from_zero(*, reverse: bool = False, nice: bool = False) -> alt.Scale:
    import altair as alt

    return alt.Scale(domain=[0, alt.ExprRef("top")], reverse=reverse, nice=nice)


def _side(left: bool) -> alt.LayerChart | alt.FacetChart:
    """Return one gender of the pyramid: shares by age, on a scale that all columns share (`top`)."""
    import altair as alt

    rows = alt.Chart(alt.NamedData("rows"))
    axis_y = alt.Axis(ticks=False, domain=False, labelAlign="center", labelPadding=34, minExtent=68)
    y = alt.Y("name:N", sort=None, title=None, axis=None if left else axis_y)
    axis = alt.Axis(format=".0%", tickCount=3, domain=False, ticks=False)
    x: dict[str, Any] = {"title": None, "stack": None, "axis": axis, "scale": _from_zero(reverse=left)}
    tooltip = [
        alt.Tooltip("side:N", title="Gender"),
        alt.Tooltip("name:N", title="Age"),
        alt.Tooltip("text:N", title="Users"),
        alt.Tooltip("share:N", title="Share"),
        alt.Tooltip("allShare:N", title="All users"),
    ]
    bars = rows.mark_bar(fill="var(--bar)" if left else "var(--bar-2)")
    marks = rows.mark_tick(fill="var(--ink)", thickness=2)
    layers = (bars.encode(x=alt.X("value:Q", **x), y=y, tooltip=tooltip), marks.encode(x=alt.X("mark:Q", **x), y=y))
    return alt.layer(*layers).add_params(_top()).properties(width="container", height=alt.Step(24))


def _finished(chart: alt.LayerChart | alt.FacetChart) -> Spec:
    """Return the specification as a dict, with the fonts and colours of the page."""
    spec: Spec = chart.to_dict()
    spec.pop("$schema", None)
    spec["config"] = _config()
    spec["padding"] = {"left": 0, "right": 6, "top": 2, "bottom": 2}
    return spec


def _config() -> Spec:
    return {
        "background": "transparent",
        "font": FONT,
        "aria": False,
        "view": {"stroke": None},
        "axis": {
            "labelColor": "var(--ink-2)",
            "titleColor": "var(--ink-2)",
            "gridColor": "var(--line)",
            "domainColor": "var(--line-strong)",
            "tickColor": "var(--line-strong)",
            "labelFontSize": 12,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titlePadding": 8,
        },
        "axisY": {"labelPadding": 8},
        "bar": {"discreteBandSize": {"band": 0.78}},
        "tick": {"bandSize": 16},
    }


if __name__ == "__main__":
    (STATIC / _STORED).write_text(json.dumps(make_specs(), indent=1) + "\n", encoding="utf-8")
