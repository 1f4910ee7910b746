"""What a job tells the host: `report.json` at its end and events while it runs. Written there, read here.

Everything read here may come from generated code, so `Report.parse` and `parse_event` are strict and bounded, and what
they return is shown and used as a hint; no score is ever computed from it.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

REPORT_BYTES = 1 << 20
"""A larger report is refused unread."""
EVENT_BYTES = 16 << 10
"""A larger event is refused unread."""
MOST = 1 << 53
"""A larger count is refused."""
CURVE_POINTS = 2000
"""Points of a learning curve that are kept; a curve that grows longer loses its oldest points."""
ANSWERED = "answer"
"""An event that no job can make: the host says so of an answer that has come whole."""
TEXT = 32 << 10
"""Characters kept of a traceback: a quarter of it from its head, the rest from its tail."""

COMPONENTS = ("data", "model", "train")


class InvalidReportError(ValueError):
    """Raised when a report or an event is not what the harness writes."""


@dataclass(frozen=True, kw_only=True)
class Crash:
    """Where a component failed."""

    phase: str
    """`check`, `fit` or `predict`."""
    step: str
    """What the harness was about: `import model`, `two steps of train` ..."""
    culprit: str | None
    """`data`, `model`, `train`, or None where nobody can be blamed."""
    error: str
    """One line: type and message."""
    traceback: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a job measured of itself."""

    crash: Crash | None = None
    stopped: str = ""
    """Why the harness ended `fit` early: `clock`; `hopeless`, beside the best run; else empty.

    Where it was hopeless, the last point of the curve that holds `rival_accuracy` says how far behind it was.
    """
    warnings: tuple[str, ...] = ()
    batch_halvings: int = 0
    """How often the batch size was halved because the GPU was out of memory."""
    parameters: int = 0
    """Trainable parameters of the network."""
    frozen: int = 0
    """Its other parameters."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Wall seconds by part: `import`, `check`, `fit`, `train` (inside the component's `train`), `predict`."""
    epoch_seconds: float | None = None
    """What `check` expects one epoch to take, or what the last epoch took."""
    peak_memory: int = 0
    """Bytes: of the GPU where there is one, else of the process."""
    curve: tuple[dict[str, float], ...] = ()
    """One point a `run.log`: its metrics with `epoch`, `seconds` since `train` began, and `tuning_accuracy`."""

    def dump(self) -> bytes:
        return json.dumps(asdict(self), allow_nan=False).encode()

    @classmethod
    def parse(cls, data: bytes) -> Report:
        """Read a report strictly.

        Raises:
            InvalidReportError: it is too large, no JSON, or not of this form.
        """
        raw = _object(data, REPORT_BYTES)
        crash = raw.get("crash")
        return cls(
            crash=None if crash is None else _crash(crash),
            stopped=_text(raw.get("stopped", ""), 100),
            warnings=tuple(_text(warning, 500) for warning in _list(raw.get("warnings", []), 100)),
            batch_halvings=_count(raw.get("batch_halvings", 0)),
            parameters=_count(raw.get("parameters", 0)),
            frozen=_count(raw.get("frozen", 0)),
            seconds=_metrics(raw.get("seconds", {})),
            epoch_seconds=None if raw.get("epoch_seconds") is None else _number(raw["epoch_seconds"]),
            peak_memory=_count(raw.get("peak_memory", 0)),
            curve=tuple(_metrics(point) for point in _list(raw.get("curve", []), CURVE_POINTS)),
        )


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of a job's progress."""

    kind: str
    """`phase` (a phase or step begins), `epoch` (a point of the curve), `pace` (in an epoch), `warning`; `ANSWERED`."""
    text: str = ""
    metrics: dict[str, float] = field(default_factory=dict)

    def dump(self) -> bytes:
        return json.dumps(asdict(self), allow_nan=False).encode()

    @classmethod
    def parse(cls, data: bytes) -> Event:
        """Read one event strictly.

        Raises:
            InvalidReportError: as for a report.
        """
        raw = _object(data, EVENT_BYTES)
        return cls(
            kind=_text(raw.get("kind", ""), 20),
            text=_text(raw.get("text", ""), 500),
            metrics=_metrics(raw.get("metrics", {})),
        )


def shorten(text: str, limit: int = TEXT) -> str:
    """Keep the head and the tail of a text, and say how much of the middle is gone."""
    if len(text) <= limit:
        return text
    head, tail = limit // 4, limit - limit // 4
    return f"{text[:head]}\n... {len(text) - limit} characters left out ...\n{text[-tail:]}"


def finite(metrics: dict[str, Any]) -> dict[str, float]:
    """The metrics that are finite numbers, as floats; what JSON cannot say is left out."""
    numbers = {}
    for name, value in metrics.items():
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError, RuntimeError):
            continue
        if math.isfinite(number):
            numbers[str(name)[:40]] = number
    return numbers


def _object(data: bytes, limit: int) -> dict[str, Any]:
    if len(data) > limit:
        raise InvalidReportError(f"{len(data)} bytes where at most {limit} are read")
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidReportError(f"no JSON: {type(error).__name__}") from None
    if not isinstance(raw, dict):
        raise InvalidReportError("no JSON object")
    return raw


def _crash(raw: Any) -> Crash:
    if not isinstance(raw, dict):
        raise InvalidReportError("crash is no object")
    culprit = raw.get("culprit")
    return Crash(
        phase=_text(raw.get("phase", ""), 20),
        step=_text(raw.get("step", ""), 100),
        culprit=culprit if culprit in COMPONENTS else None,
        error=_text(raw.get("error", ""), 1000),
        traceback=shorten(_text(raw.get("traceback", ""), REPORT_BYTES)),
    )


def _text(value: Any, limit: int) -> str:
    if not isinstance(value, str):
        raise InvalidReportError(f"a text was expected, not {type(value).__name__}")
    return printable(value[:limit])


def printable(text: str) -> str:
    """The text without terminal controls, bidirectional marks and lone surrogates; tabs and newlines stay."""
    return "".join(char for char in text if char in "\n\t" or char.isprintable())


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidReportError(f"a number was expected, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        raise InvalidReportError("a number beyond all bounds") from None
    if not math.isfinite(number):
        raise InvalidReportError("a number that is not finite")
    return number


def _count(value: Any) -> int:
    """What is counted; sums of such numbers stay numbers that can be read again."""
    number = int(_number(value))
    if not 0 <= number <= MOST:
        raise InvalidReportError("a count out of all bounds")
    return number


def _list(value: Any, limit: int) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidReportError(f"a list was expected, not {type(value).__name__}")
    return value[-limit:]


def _metrics(value: Any) -> dict[str, float]:
    if not isinstance(value, dict) or len(value) > 40:
        raise InvalidReportError("metrics are no small object")
    return {_text(name, 40): _number(number) for name, number in value.items()}
