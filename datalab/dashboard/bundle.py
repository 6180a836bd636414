"""The charting library that is embedded in the page; `python -m datalab.dashboard.bundle` rebuilds it.

`static/` contains Vega, Vega-Lite and vega-embed in one file, made by vl-convert from the release for which altair
writes specifications. The file is stored in the repository because building it takes 1.4 s, 140 MB of memory and a
wheel of 84 MB.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

STATIC = Path(__file__).parent / "static"
BUNDLE = STATIC / "vega-bundle.js"
_GLOBALS = "window.vegaEmbed = vegaEmbed; window.vega = vega; window.vegaLite = vegaLite;"


@cache
def static_text(name: str) -> str:
    """Return a file of `static/` as text."""
    return (STATIC / name).read_text(encoding="utf-8")


def make_bundle() -> str:
    """Return the library as one script; needs vl-convert-python, which is installed for development only."""
    import vl_convert

    versions = f"Vega {vl_convert.get_vega_version()}, Vega-Lite {vl_convert.get_vegalite_versions()[-1]}"
    notice = (
        f"/* {versions}, vega-embed {vl_convert.get_vega_embed_version()}: BSD-3-Clause,"
        " copyright University of Washington Interactive Data Lab; d3 and topojson: ISC, copyright Mike Bostock;"
        " all licences: datalab/dashboard/static/LICENSE-vega.txt */\n"
    )
    bundle: str = vl_convert.javascript_bundle(_GLOBALS, vl_version=vl_convert.get_vegalite_versions()[-1])
    return notice + bundle.replace("</script", "<\\/script") + "\n"


if __name__ == "__main__":
    BUNDLE.write_text(make_bundle(), encoding="utf-8")
