"""A table as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report import printable
from orchestrator.bench.paper.shown import HEAD, LEGEND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.bench.paper.shown import Shown

SIGNS = "\\`*[]<>|"
"""That would be read as more than themselves."""


def render_markdown(shown: Shown) -> str:
    lines = [
        *(f"# {_plain(shown.title)}", "", _plain(shown.conditions), ""),
        *_grid(HEAD, shown.rows),
        *("", LEGEND, ""),
        *(f"- {_plain(sentence)}" for sentence in shown.sentences),
        *("", f"{_plain(shown.source)}:", ""),
        *_grid(shown.paper[0], shown.paper[1:]),
        *("", "Before comparing:", ""),
        *(f"- {_plain(caveat)}" for caveat in shown.caveats),
    ]
    return "\n".join(lines) + "\n"


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    plain = [[_plain(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*plain, strict=True)]
    rule = ["-" * max(3, width) for width in widths]
    for row in (plain[0], rule, *plain[1:]):
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"


def _plain(text: str) -> str:
    """One line in which nothing is read as Markdown: names of folders and sentences of errors are anybody's."""
    line = " ".join(printable(text).split())
    return "".join(f"\\{sign}" if sign in SIGNS else sign for sign in line)
