"""Classes that a mirror image, a turn or another size would change, told by their names and the user's description.

Names are all that is looked at, so what is said is a warning. Not covered: names in other languages than English.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DIRECTED = re.compile(
    r"\b(digits?|numbers?|letters?|characters?|orientation|direction|rotation|angle|arrows?)\b", re.IGNORECASE
)
"""Words that forbid mirror images."""
TURNED = re.compile(r"\b(orientation|rotation|angle|direction)\b", re.IGNORECASE)
"""Words that forbid rotations."""
_MIRRORED = ("left right", "clockwise counterclockwise", "clockwise anticlockwise", "east west")
_MIRRORED_SIGNS = ("b d", "p q")
_TURNED = ("up down", "upward downward", "upwards downwards", "top bottom", "north south")
_TURNED_SIGNS = ("6 9", "b q", "d p", "n u", "m w")
_WORD = re.compile(r"[a-z]+|\d+")


def forbids_mirrors(classes: Sequence[str], description: str) -> bool:
    """Whether a mirror image may be of another class or of none."""
    return bool(
        DIRECTED.search(description)
        or _are_signs(classes)
        or _speak_of(DIRECTED, classes)
        or _pairs(classes, _MIRRORED)
    )


def forbids_turns(classes: Sequence[str], description: str) -> bool:
    """Whether a turned image may be of another class."""
    return bool(TURNED.search(description) or _speak_of(TURNED, classes))


def direction_notes(classes: Sequence[str], description: str) -> list[str]:
    """A sentence for each thing that augmentation has to leave alone; without any of the user's words."""
    return [*_mirror_note(classes, description), *_turn_note(classes, description), *_case_note(classes)]


def _mirror_note(classes: Sequence[str], description: str) -> Iterator[str]:
    if pairs := _pairs(classes, _MIRRORED):
        yield f"Classes differ by {', '.join(pairs)} alone: a mirror image is of another class, so no flips."
    elif _are_signs(classes):
        told = "".join(f" ({pair})" for pair in _pairs(classes, _MIRRORED_SIGNS))
        yield (
            "All class names are numbers, letters or codes of at most two characters: where the images show such "
            f"signs, a mirror image is another one{told} or none, so no flips."
        )
    elif forbids_mirrors(classes, description):
        yield "Names or description speak of signs or directions: flips may change the class."


def _turn_note(classes: Sequence[str], description: str) -> Iterator[str]:
    signs = _TURNED_SIGNS if _are_signs(classes) or _speak_of(DIRECTED, classes) else ()
    if pairs := _pairs(classes, (*_TURNED, *signs)):
        yield f"Classes differ by {', '.join(pairs)}: turned by half, or upside down, one may be the other."
    if forbids_turns(classes, description):
        yield "Names or description speak of orientation: rotations may change the class."


def _case_note(classes: Sequence[str]) -> Iterator[str]:
    if same := len(classes) - len({name.casefold() for name in classes}):
        yield (
            f"{same} class name{'s differ' if same > 1 else ' differs'} from another by upper and lower case alone: "
            "where the images show letters, size and place tell c from C, so no strong crops or zooms."
        )


def _are_signs(classes: Sequence[str]) -> bool:
    return all(len(name) <= 2 for name in classes)


def _speak_of(words: re.Pattern[str], classes: Sequence[str]) -> bool:
    """Whether at least half of the names do: an arrow among a thousand things is one of them."""
    return 2 * sum(bool(words.search(name.replace("_", " "))) for name in classes) >= len(classes)


def _pairs(classes: Sequence[str], pairs: Sequence[str]) -> list[str]:
    """Those pairs that two names differ by: `turn left` and `turn right`, `6` and `9`; a `right whale` has no twin."""
    names = {" ".join(_WORD.findall(name.casefold())) for name in classes}
    found = []
    for pair in pairs:
        one, other = pair.split()
        if any(_swapped(name, {one: other}) in names for name in names if one in name.split()):
            found.append(f"{one}/{other}")
    return found


def _swapped(name: str, words: Mapping[str, str]) -> str:
    return " ".join(words.get(word, word) for word in name.split())
