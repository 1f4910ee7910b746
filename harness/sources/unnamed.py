"""Images that lie beside a table and that no row of it names: nobody said what they show."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from harness.names import EXTENSIONS, JUNK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.sources.table import Table
    from harness.sources.unlabelled import Unlabelled


def count_unnamed(table: Table, unlabelled: Unlabelled | None) -> int:
    """How many images of its folder are neither labelled nor wanted in a submission."""
    named = _count_images(table.files) + _count_images(unlabelled.files() if unlabelled else ())
    return max(0, _count_images(_files(str(table.root))) - named)


def _count_images(files: Iterable[str]) -> int:
    return sum(os.path.splitext(file)[1].lower() in EXTENSIONS for file in files)  # noqa: PTH122 - millions of them


def _files(root: str) -> Iterator[str]:
    for _, folders, files in os.walk(root):
        folders[:] = [name for name in folders if _counts(name)]
        yield from filter(_counts, files)


def _counts(name: str) -> bool:
    return not name.startswith(".") and name.casefold() not in JUNK
