"""Where what is made grows until it is whole: a folder that is locked as long as its process lives, or a file."""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

PREFIX = ".preparing-"


@contextmanager
def growing_folder(beside: Path) -> Iterator[Path]:
    """A new folder beside what is whole, gone afterwards; those that killed processes left behind go first."""
    beside.mkdir(parents=True, exist_ok=True)
    folder = beside / f"{PREFIX}{uuid.uuid4().hex[:8]}"
    with ExitStack() as held:
        with locked(beside / ".lock"):  # nobody may sweep between a folder's making and its locking
            _sweep(beside)
            folder.mkdir()
            held.callback(shutil.rmtree, folder, ignore_errors=True)
            held.enter_context(locked(folder / "lock"))
        yield folder


def _sweep(beside: Path) -> None:
    for folder in beside.glob(PREFIX + "[0-9a-f]" * 8):
        with suppress(OSError), locked(folder / "lock", fcntl.LOCK_EX | fcntl.LOCK_NB):  # a living process holds it
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def growing_file(path: Path, errors: str = "strict") -> Iterator[TextIO]:
    """A text file that takes its place when it is whole, or never; `errors`: what becomes of odd letters."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", errors=errors, newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())  # or after a power cut it may have the name and not the content
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, how: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Hold a file's lock, which ends with its process whatever ends that."""
    with path.open("a") as file:
        fcntl.flock(file, how)
        yield
