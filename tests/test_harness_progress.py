"""What a job tells while it trains: points of the curve, which last, and the pace within an epoch, which does not."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from harness.progress import METRICS, PACE_BYTES, Progress
from harness.report import Event

if TYPE_CHECKING:
    from pathlib import Path


def events(folder: Path) -> list[Event]:
    return [Event.parse(line) for line in (folder / "events.jsonl").read_bytes().splitlines()]


def point(within: Any = None, **metrics: Any) -> bytes:
    return json.dumps({"point": metrics} | ({} if within is None else {"within": within})).encode()


def test_the_pace_within_an_epoch_is_an_event_and_no_point_of_the_curve(tmp_path: Path) -> None:
    with closing(Progress(tmp_path)) as progress:
        progress.hear(point(within=True, epoch=1, images_per_second=12.5))
        progress.hear(point(epoch=1, loss=0.5))
        progress.hear(point(within="yes", epoch=2))

    assert [(event.kind, event.metrics) for event in events(tmp_path)] == [
        ("pace", {"epoch": 1.0, "images_per_second": 12.5}),
        ("epoch", {"epoch": 1.0, "loss": 0.5}),
        ("epoch", {"epoch": 2.0}),
    ]
    assert progress.report.curve == ({"epoch": 1.0, "loss": 0.5}, {"epoch": 2.0})


def test_the_pace_leaves_room_for_the_curve_and_is_bounded(tmp_path: Path) -> None:
    with closing(Progress(tmp_path)) as progress:
        for _ in range(PACE_BYTES // 500):
            progress.hear(point(within=True, **{f"metric {number}": 1.0 for number in range(100)}))
        progress.hear(point(epoch=1))

    told = events(tmp_path)
    assert PACE_BYTES < (tmp_path / "events.jsonl").stat().st_size < PACE_BYTES + 2000
    assert told[-1].kind == "epoch"
    assert len(told[0].metrics) == METRICS


@pytest.mark.torch
def test_the_pace_is_due_every_ten_seconds() -> None:
    pytest.importorskip("torch", reason="needs the harness extra")
    from harness.batches import Pace  # noqa: PLC0415 - it imports torch

    now = [0.0]
    pace = Pace(clock=lambda: now[0])
    due = []
    for second in range(25):
        now[0] = float(second)
        due += [second] if pace.due() else []

    assert due == [11, 22]
