"""Many paths in little more than the letters of their names, where a list of `str` takes 70 bytes more for each."""

from __future__ import annotations

import os
from array import array
from bisect import bisect
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Paths:
    """A list of paths that grows at its end, a folder at a time."""

    def __init__(self) -> None:
        self._folders: list[str] = []
        self._firsts: list[int] = []
        """Number of each folder's first path."""
        self._letters = bytearray()
        self._ends = array("I", [0])

    def extend(self, folder: str, names: Iterable[str]) -> int:
        """Add what is in a folder, or in none (an empty one); return how many they were."""
        first = len(self)
        self._folders.append(folder)
        self._firsts.append(first)
        for name in names:
            self._letters += os.fsencode(name)
            self._ends.append(len(self._letters))
        return len(self) - first

    def only(self, numbers: Iterable[int]) -> Paths:
        """Those with these numbers, which ascend."""
        kept = Paths()
        for folder, some in groupby(numbers, self._folder):
            kept.extend(folder, map(self._name, some))
        return kept

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __iter__(self) -> Iterator[str]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, index: int) -> str:
        folder, name = self._folder(index), self._name(index)
        return f"{folder}/{name}" if folder else name

    def _folder(self, index: int) -> str:
        return self._folders[bisect(self._firsts, index) - 1]

    def _name(self, index: int) -> str:
        return os.fsdecode(bytes(self._letters[self._ends[index] : self._ends[index + 1]]))
