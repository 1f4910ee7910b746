"""A table as a page that loads nothing: the style of the page of a run is inside, and everything else is text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.report import printable
from orchestrator.bench.paper.shown import HEAD, LEGEND
from orchestrator.page.templates import checksum, open_templates, read_ours

if TYPE_CHECKING:
    from orchestrator.bench.paper.shown import Shown

HERE = Path(__file__).parent


def render_page(shown: Shown) -> str:
    style = read_ours("page.css", HERE / "table.css")
    environment = open_templates([HERE])
    environment.filters["printable"] = printable
    return environment.get_template("table.html").render(
        shown=shown,
        head=HEAD,
        legend=LEGEND,
        style=style,
        policy=f"default-src 'none'; style-src '{checksum(style)}'; base-uri 'none'; form-action 'none'",
    )
