"""What an agent is shown: titled sections, cut to the room that its model has, and what is not ours fenced off."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.report import printable, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORTEST = 300
"""Characters; a section that is cut below them says nothing any more."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A titled part of a prompt."""

    title: str
    text: str
    """An empty one is left out."""
    cut: Literal["never", "middle", "drop"] = "middle"
    """What happens where room is short: nothing, the middle goes, all of it goes."""


def lay_out(sections: Sequence[Section], room: int) -> str:
    """The sections in their order, in about so many characters: droppable ones go first, the last of them before."""
    kept = [section for section in sections if section.text.strip()]
    while _length(kept) > room and (droppable := [section for section in kept if section.cut == "drop"]):
        kept.remove(droppable[-1])
    texts = {section.title: section.text.strip() for section in kept}
    while sum(map(len, texts.values())) > room:
        cuttable = [section.title for section in kept if section.cut == "middle"]
        longest = max(cuttable, key=lambda title: len(texts[title]), default="")
        if not longest or len(texts[longest]) <= SHORTEST:
            break
        texts[longest] = shorten(texts[longest], max(SHORTEST // 2, len(texts[longest]) // 2))
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in texts.items())


def fenced(text: str, language: str = "") -> str:
    """Text as data: in a fence longer than any inside it, without control characters."""
    clean = printable(text).strip("\n")
    longest = max(map(len, re.findall(r"`{3,}", clean)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{clean}\n{fence}"


def _length(sections: Sequence[Section]) -> int:
    return sum(len(section.text) for section in sections)
