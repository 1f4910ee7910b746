"""Where images come from: each module is one kind of source, behind the `Source` protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.sources.digits import Digits
from harness.sources.folders import scan

if TYPE_CHECKING:
    from harness.sources.source import Source


def open_source(location: str) -> Source:
    """Open a dataset by its name (`digits`) or its folder.

    Raises:
        UnusableDatasetError: there is no dataset.
    """
    return Digits() if location == "digits" else scan(Path(location))
