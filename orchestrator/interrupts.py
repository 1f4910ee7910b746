"""How a run is asked to end: the first time in order, by closing everything; Ctrl-C after that ends it at once."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

INTERRUPTED = 130
"""Exit status, either way."""
ASKED = b"\nEnding in order; Ctrl-C again ends at once.\n"
AT_ONCE = b"\nEnded at once: what still ran is removed at the next start, and the same command goes on.\n"
REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a request to end, and a terminal that is closed."""


_clearing: list[Callable[[], None]] = []
"""What is done before an interrupt is told; a signal's handler is the process's, and so is this."""


@contextmanager
def cleared_first(clear: Callable[[], None]) -> Iterator[None]:
    """Have lines that live on the terminal taken away before an interrupt is told among them."""
    _clearing.append(clear)
    try:
        yield
    finally:
        _clearing.remove(clear)


def end_in_order() -> None:
    """Take each of these as Ctrl-C is taken by default, once."""
    for number in REQUESTS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # under `nohup` a closed terminal is nothing
            signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    for number in REQUESTS:
        # A terminal that is closed asks twice, a shell for itself: whoever means it at once presses a key.
        taken = signal.getsignal(number) is not signal.SIG_IGN
        signal.signal(number, _end_at_once if taken and number == signal.SIGINT else signal.SIG_IGN)
    for clear in _clearing:
        clear()
    os.write(2, ASKED)  # whatever was being printed when the signal came
    raise KeyboardInterrupt


def _end_at_once(_number: int, _frame: FrameType | None) -> None:
    os.write(2, AT_ONCE)
    os._exit(INTERRUPTED)
