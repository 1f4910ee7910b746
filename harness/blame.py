"""Whose fault is it?

By the traceback's text: the component named last in it. By frames, a bug in data.py inside a loader process would be
blamed on train.py, which only asked for the next batch. Where no component is named, the owner of the step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from traceback import StackSummary, TracebackException

from harness.report import shorten

HARNESS = str(Path(__file__).parent)
FRAME = re.compile(r'File "[^"\n]*components/(data|model|train)\.py", line')
NO_MEMORY = ("out of memory", "ALLOC_FAILED", "can't allocate memory")
"""CUDA; cuBLAS and cuDNN; torch's allocator on the CPU."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A crash, before it is known where it happened."""

    culprit: str | None
    error: str
    """One line: type and message."""
    traceback: str


class BrokenContractError(Exception):
    """Raised when a component is, or gives, something else than the contract says."""

    def __init__(self, culprit: str, message: str) -> None:
        super().__init__(message)
        self.culprit = culprit


def blame(error: BaseException, owner: str | None, folder: Path) -> Fault:
    """Tell what went wrong and who did it; paths are given relative to the folder that holds the components."""
    told = TracebackException.from_exception(error)
    _hide_harness(told)
    text = "".join(told.format()).replace(f"{folder}/", "")
    return Fault(
        culprit=error.culprit if isinstance(error, BrokenContractError) else culprit(text) or owner,
        error=_one_line(error),
        traceback=shorten(text),
    )


def culprit(traceback: str) -> str | None:
    """The component named last in a traceback."""
    named = FRAME.findall(traceback)
    return named[-1] if named else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a smaller batch could help: torch's own exception, or the words of CUDA's libraries and allocators."""
    import torch

    if isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY)


def _hide_harness(told: TracebackException | None) -> None:
    if told is None:
        return
    told.stack = StackSummary.from_list([frame for frame in told.stack if not frame.filename.startswith(HARNESS)])
    _hide_harness(told.__cause__)
    _hide_harness(told.__context__)


def _one_line(error: BaseException) -> str:
    """Type and message; of an error that came from a loader process, the message that it had there."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    if lines and lines[0].startswith("Caught ") and "DataLoader worker" in lines[0]:
        return lines[-1][:1000]
    name = "" if isinstance(error, BrokenContractError) else type(error).__name__
    return ": ".join(part for part in (name, lines[0] if lines else "") if part)[:1000]
