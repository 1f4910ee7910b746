"""A table as a page that loads nothing: the style of the page of a run is inside, and everything else is text."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from harness.report import printable
from orchestrator.bench.paper.shown import HEAD, LEGEND

if TYPE_CHECKING:
    from orchestrator.bench.paper.shown import Shown

HERE = Path(__file__).parent
STYLE = HERE.parents[1] / "page" / "page.css"
MORE = HERE / "table.css"


def render_page(shown: Shown) -> str:
    style = "".join(path.read_text(encoding="utf-8") for path in (STYLE, MORE))
    checksum = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["printable"] = printable
    return environment.get_template("table.html").render(
        shown=shown,
        head=HEAD,
        legend=LEGEND,
        style=Markup(style),  # noqa: S704 - ours
        policy=f"default-src 'none'; style-src 'sha256-{checksum}'; base-uri 'none'; form-action 'none'",
    )
