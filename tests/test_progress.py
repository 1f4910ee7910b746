"""What a run is doing right now: told in a small file, which may be read at any moment."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from harness.report import Event
from orchestrator.progress import PROGRESS, PROGRESS_BYTES, Now, Progress, read_progress

if TYPE_CHECKING:
    from pathlib import Path


def point(epoch: int) -> Event:
    return Event(kind="epoch", metrics={"epoch": float(epoch), "tuning_accuracy": 0.5})


def test_what_is_told_is_read(tmp_path: Path) -> None:
    with closing(Progress(tmp_path)) as progress:
        progress.phase("iteration 3: a wider stem")
        progress.event(Event(kind="phase", text="fit: train"))
        for epoch in (1, 2):
            progress.event(point(epoch))

    now = read_progress(tmp_path)
    assert (now.phase, now.step) == ("iteration 3: a wider stem", "fit: train")
    assert [[each["epoch"] for each in curve] for curve in now.curves] == [[1.0, 2.0]]


def test_jobs_side_by_side_have_a_curve_each(tmp_path: Path) -> None:
    with closing(Progress(tmp_path)) as progress:
        for job, epoch in ((1, 1), (0, 1), (1, 2)):
            progress.event(point(epoch), job)

    assert [len(curve) for curve in read_progress(tmp_path).curves] == [1, 2]


def test_what_begins_takes_the_place_of_what_is_over(tmp_path: Path) -> None:
    with closing(Progress(tmp_path)) as progress:
        progress.event(point(1))
        progress.phase("the next")

    assert read_progress(tmp_path) == Now(phase="the next")


def test_a_long_curve_stays_in_bounds_and_keeps_its_end(tmp_path: Path) -> None:
    with closing(Progress(tmp_path)) as progress:
        progress.phase("long")
        for epoch in range(10_000):
            progress.event(point(epoch))

    now = read_progress(tmp_path)
    assert (tmp_path / PROGRESS).stat().st_size <= PROGRESS_BYTES
    assert (now.phase, now.curves[0][-1]["epoch"]) == ("long", 9999.0)


def test_a_torn_or_foreign_line_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / PROGRESS).write_bytes(b'[]\n\xff\n{"kind": "epoch"}\n{"kind": 3, "job": 0}\n{"kind": "run", "te')

    assert read_progress(tmp_path) == Now()


def test_without_a_file_nothing_is_going_on(tmp_path: Path) -> None:
    assert read_progress(tmp_path) == Now()


def test_events_after_the_end_are_no_error(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    progress.close()
    progress.event(point(1))
    progress.phase("late")

    assert read_progress(tmp_path) == Now()
