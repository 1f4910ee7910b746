"""Pretrained weights as lines for a person to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.weights import available_weights, list_weights

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.timm_names import TimmNames
    from orchestrator.weights import Kept


def lines_of_kept(folder: Path, pattern: str = "") -> list[str]:
    """What is here, with sizes and what is wrong; where there is nothing, what that means."""
    lines = [line_of(kept) for kept in list_weights(folder) if pattern in kept.name]
    nothing = (
        f"No pretrained weights{f' with {pattern!r} in their names' if pattern else ''} in {folder}: without any, "
        "networks are trained from scratch. `automodel weights fetch NAME` has some from the Hugging Face hub, "
        "`automodel weights import FILE --as NAME` takes a file."
    )
    return lines or [nothing]


def line_of(kept: Kept, licence: str = "") -> str:
    size = f"{kept.bytes / 1e6:9.1f} MB"
    return "  ".join(filter(None, (f"{kept.name:<50}", size, kept.problem or "whole", licence)))


def lines_of_all(names: TimmNames, folder: Path, pattern: str = "") -> list[str]:
    """What could be fetched, with licences; marked where it is here."""
    here = set(available_weights(folder))
    lines = [
        f"{name:<50}  {names.licences[name] or 'unknown licence':<20}  {'here' if name in here else ''}".rstrip()
        for name in names.matching(pattern)
    ]
    return lines or [f"timm {names.timm} has no pretrained model with {pattern!r} in its name."]
