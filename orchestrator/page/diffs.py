"""What an iteration changed, as a unified diff against the pipeline that it was changed from."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from harness.report import printable
from orchestrator.components import COMPONENTS

if TYPE_CHECKING:
    from orchestrator.components import Pipeline

WIDTH = 200
SOURCE = 2000
"""Lines of a component that are compared: difflib takes seconds for many more; the recipes have 40 to 140."""

Kind: TypeAlias = Literal["same", "added", "removed", "place"]
KINDS: dict[str, Kind] = {"+": "added", "-": "removed", "@": "place"}


@dataclass(frozen=True)
class Line:
    """One line, with its mark."""

    kind: Kind
    text: str


@dataclass(frozen=True, kw_only=True)
class Diff:
    """Of one component."""

    component: str
    lines: tuple[Line, ...]
    more: int
    """Lines that are not shown."""
    added: int
    removed: int


@lru_cache(maxsize=256)
def diff_pipelines(before: Pipeline | None, after: Pipeline, limit: int) -> tuple[Diff, ...]:
    """Of each component that differs; without a `before` all of it is new. `limit`: lines of each that are shown.

    Kept, for a page that is watched is rendered again and again, and most iterations of a run are of the past.
    """
    olds = {name: before[name] if before else "" for name in COMPONENTS}
    return tuple(_diff(name, olds[name], after[name], limit) for name in COMPONENTS if olds[name] != after[name])


def parse_diff(text: str, limit: int) -> tuple[Line, ...]:
    """The lines of a unified diff that was made already."""
    return tuple(map(_line, text.split("\n")[:limit]))


def _diff(name: str, old: str, new: str, limit: int) -> Diff:
    lines = _lines(old, new)
    return Diff(
        component=f"{name}.py",
        lines=tuple(map(_line, lines[:limit])),
        more=max(0, len(lines) - limit),
        added=sum(line.startswith("+") for line in lines),
        removed=sum(line.startswith("-") for line in lines),
    )


def _lines(old: str, new: str) -> list[str]:
    """The lines of the diff, without the two that name the files."""
    olds, news = ([line[: WIDTH + 1] for line in text.split("\n")[:SOURCE]] for text in (old, new))
    return list(unified_diff(olds, news, lineterm=""))[2:]


def _line(text: str) -> Line:
    shown = printable(text) if len(text) <= WIDTH else f"{printable(text[:WIDTH])} ..."
    return Line(KINDS.get(text[:1], "same"), shown)
