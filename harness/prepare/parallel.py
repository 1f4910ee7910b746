"""Many images on a few threads: in order, with little in flight, and those that cannot be read gathered.

Pillow and hashlib release the interpreter's lock while they decode and hash, so threads are enough.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NoReturn, TypeVar

from harness.prepare.guess import explain
from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from harness.sources.source import Content, Images

T = TypeVar("T")
R = TypeVar("R")

MOST_THREADS = 8
"""Eight large photos being decoded at once are memory enough."""
CHUNK = 16
"""Images per task: a task costs 50 us to hand over, a small image 100 us to decode."""
NAMED = 10
"""Files that one refusal names."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An image that cannot be decoded."""

    where: str
    reason: str


def in_order(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Map on threads; results come in the items' order, at most 2 tasks a thread ahead of who takes them."""

    def run(chunk: list[T]) -> list[R]:
        return [function(item) for item in chunk]

    threads = min(MOST_THREADS, len(os.sched_getaffinity(0)))
    rest = iter(items)
    ahead: deque[Future[list[R]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        while chunk := list(islice(rest, CHUNK)):
            ahead.append(pool.submit(run, chunk))
            if len(ahead) > 2 * threads:
                yield from ahead.popleft().result()
        while ahead:
            yield from ahead.popleft().result()


def attempt(images: Images, function: Callable[[Content], R], index: int) -> R | Unreadable:
    """Apply the function to one image's content."""
    try:
        return function(images.read(index))
    except Exception as error:  # noqa: BLE001 - Pillow's readers raise whatever a broken file makes them meet
        return Unreadable(images.where(index), explain(error))


def refuse_unreadable(unreadable: Sequence[Unreadable]) -> NoReturn:
    """Name what cannot be read.

    Raises:
        UnusableDatasetError: always.
    """
    named = ", ".join(f"{image.where} ({image.reason})" for image in unreadable[:NAMED])
    more = f" and {len(unreadable) - NAMED} more" if len(unreadable) > NAMED else ""
    count = "1 image" if len(unreadable) == 1 else f"{len(unreadable)} images"
    raise UnusableDatasetError(f"{count} cannot be read: {named}{more}; replace or remove what is broken.")
