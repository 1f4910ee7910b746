"""How far preparing is, told to the host as events."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from harness.report import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

T = TypeVar("T")

INTERVAL = 0.5
"""Seconds between two events."""


@dataclass(frozen=True)
class Progress:
    """Appends to `events.jsonl`, where there is a folder for it."""

    folder: Path
    clock: Callable[[], float] = time.monotonic

    def count(self, items: Iterable[T], verb: str, total: int) -> Iterator[T]:
        """Pass the items on and tell now and then how many went by."""
        told = self.clock() - INTERVAL
        for number, item in enumerate(items, start=1):
            if self.clock() - told >= INTERVAL or number == total:
                told = self.clock()
                self.tell(f"{verb} {number} of {total} images")
            yield item

    def tell(self, text: str) -> None:
        """Append one event."""
        if self.folder.is_dir():
            with (self.folder / "events.jsonl").open("ab") as file:
                file.write(Event(kind="phase", text=text).dump() + b"\n")
