"""A second name for a file of weights: it takes no disk and no time where the file system can do it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def link_or_copy(source: Path, target: Path) -> None:
    """Link a file to a new name; copy it where that cannot be: across disks, on exFAT, or of another user.

    Raises:
        FileNotFoundError: `source` is not there.
        FileExistsError: `target` is.
    """
    try:
        target.hardlink_to(source)
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError:
        shutil.copyfile(source, target)
