"""What an agent is shown: titled sections, cut to the room that its model has, and what is not ours fenced off."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.report import printable, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORTEST = 300
"""Characters; what is cut below them says nothing any more."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A titled part of a prompt."""

    title: str
    text: str = ""
    """In our own words."""
    data: str = ""
    """What came from elsewhere: shown in a fence, after the text."""
    language: str = ""
    """Of the data, as a fence names it."""
    cut: Literal["never", "middle", "drop"] = "middle"
    """What happens where room is short: nothing, the middle of the longer part goes, all of it goes."""

    def __len__(self) -> int:
        return len(self.text) + len(self.data)

    def shortened(self) -> Section:
        """Half as long."""
        limit = max(SHORTEST // 2, len(self) // 2)
        if len(self.data) >= len(self.text):
            return Section(title=self.title, text=self.text, data=shorten(self.data, limit), language=self.language)
        return Section(title=self.title, text=shorten(self.text, limit), data=self.data, language=self.language)

    def render(self) -> str:
        parts = (self.text.strip(), fenced(self.data, self.language) if self.data.strip() else "")
        return "\n\n".join([f"## {self.title}", *filter(None, parts)])


def lay_out(sections: Sequence[Section], room: int) -> str:
    """The sections in their order, in about so many characters: droppable ones go first, the last of them before."""
    kept = [section for section in sections if (section.text + section.data).strip()]
    while sum(map(len, kept)) > room and (droppable := [section for section in kept if section.cut == "drop"]):
        kept.remove(droppable[-1])
    while sum(map(len, kept)) > room:
        longest = max((section for section in kept if section.cut == "middle"), key=len, default=None)
        if longest is None or len(longest) <= SHORTEST:
            break
        kept[kept.index(longest)] = longest.shortened()
    return "\n\n".join(section.render() for section in kept)


def fenced(text: str, language: str = "") -> str:
    """Text as data: in a fence longer than any inside it, without control characters."""
    clean = printable(text).strip("\n")
    longest = max(map(len, re.findall(r"`{3,}", clean)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{clean}\n{fence}"


def one_line(text: str, limit: int) -> str:
    """Text of others within a line of ours."""
    return " ".join(printable(text).split())[:limit]
