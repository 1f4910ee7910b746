"""Prompts: files of plain words with named blanks, `$name`; a dollar sign is written `$$`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Template

FOLDER = Path(__file__).parent


def render(name: str, /, **blanks: str) -> str:
    """Fill in the blanks of a prompt.

    Raises:
        KeyError: a blank was not given.
    """
    return _template(name).substitute(blanks).strip()


@cache
def _template(name: str) -> Template:
    return Template((FOLDER / f"{name}.md").read_text(encoding="utf-8"))
