"""log.jsonl in a run's folder: what happened behind the lines that people see, as events with fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

import structlog

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger, Processor


def open_log(file: TextIO) -> FilteringBoundLogger:
    """A logger of JSON lines with time and level; nothing is configured for the whole process."""
    processors: list[Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.dict_tracebacks,
        structlog.processors.JSONRenderer(),
    ]
    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(file), processors=processors, wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    return logger
