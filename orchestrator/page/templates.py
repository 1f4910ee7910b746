"""What every page is made with: templates that escape what they are given, and checksums of what it may load."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent


def open_templates(folders: Sequence[Path] = ()) -> Environment:
    """Those of this folder, and of these."""
    return Environment(
        loader=FileSystemLoader((HERE, *folders)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def read_ours(*names: str | Path) -> Markup:
    """Styles, or scripts, that are put into a page as they are; names are those of this folder."""
    return Markup("".join((HERE / name).read_text(encoding="utf-8") for name in names))  # noqa: S704 - ours


def checksum(content: str) -> str:
    """The checksum of a style or script, as a page's policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
