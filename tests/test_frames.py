"""The host believes nothing that comes out of a sandbox: whatever is not exactly PID 1's language ends the reading."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import report
from sandbox import pid1
from sandbox.base import Job, Limits, SandboxError, Verdict
from sandbox.frames import EVENTS_MOST, BrokenFramesError, End, Receiver
from sandbox.running import Remains, verdict
from sandbox.tail import HEAD, TAIL, Tail

if TYPE_CHECKING:
    from pathlib import Path

    from harness.report import Event


def frame(kind: bytes, payload: object) -> bytes:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return struct.pack(">cI", kind, len(data)) + data


GOOD = (
    frame(b"E", {"kind": "phase", "text": "fit"})
    + frame(b"F", {"name": "a", "size": 5})
    + frame(b"D", b"123")
    + frame(b"D", b"45")
    + frame(b"F", {"name": "b", "size": 0})
    + frame(b"R", ["'x': not wanted", "\x1b[2J"])
    + frame(b"Z", {"status": 3, "why": "ended", "oom": 0})
)


def receive(folder: Path, *pieces: bytes) -> tuple[Receiver, list[Event]]:
    events: list[Event] = []
    receiver = Receiver(folder, {"a": 10, "b": 10}, events.append)
    try:
        for piece in pieces:
            receiver.feed(piece)
    finally:
        receiver.close()
    return receiver, events


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_frames_are_read_however_they_are_cut(tmp_path: Path, size: int) -> None:
    receiver, events = receive(tmp_path, *(GOOD[at : at + size] for at in range(0, len(GOOD), size)))

    assert receiver.end == End(status=3, why="ended", oom=0)
    assert [event.text for event in events] == ["fit"]
    assert receiver.files["a"].read_bytes() == b"12345"
    assert receiver.files["b"].read_bytes() == b""
    assert receiver.refused == ["'x': not wanted", "[2J"]


@pytest.mark.parametrize(
    "data",
    [
        frame(b"Q", b""),
        struct.pack(">cI", b"E", pid1.FRAME_BYTES + 1),
        frame(b"D", b"1"),
        frame(b"F", {"name": "c", "size": 1}),
        frame(b"F", {"name": "../a", "size": 1}),
        frame(b"F", {"name": "a", "size": 11}),
        frame(b"F", {"name": "a", "size": -1}),
        frame(b"F", {"name": "a", "size": "1"}),
        frame(b"F", {"name": "a", "size": 0}) * 2,
        frame(b"F", {"name": "a", "size": 1}) + frame(b"D", b"12"),
        frame(b"F", {"name": "a", "size": 1}) + frame(b"Z", {}),
        frame(b"F", b"[" * 100_000),
        frame(b"R", {}),
        frame(b"Z", {"status": 0}),
        frame(b"Z", {"status": 256, "why": "ended", "oom": 0}),
        frame(b"Z", {"status": 0, "why": "ended", "oom": 0}) + frame(b"E", {}),
    ],
)
def test_whatever_does_not_fit_ends_the_reading(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BrokenFramesError):
        receive(tmp_path, data)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.binary(max_size=200), kind=st.sampled_from([b"E", b"F", b"R", b"Z", b"D"]))
def test_noise_is_refused_or_waited_for_and_never_written(tmp_path: Path, data: bytes, kind: bytes) -> None:
    receiver = Receiver(tmp_path, {"a": 10}, lambda _: None)
    try:
        receiver.feed(frame(kind, data))
    except BrokenFramesError:
        pass
    finally:
        receiver.close()

    assert receiver.files.keys() <= {"events.jsonl"}


def test_a_file_that_was_cut_short_is_not_left(tmp_path: Path) -> None:
    receiver, _ = receive(tmp_path, frame(b"F", {"name": "a", "size": 5}), frame(b"D", b"123"))

    assert receiver.files == {}
    assert receiver.refused == ["a: cut short"]
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_never_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(FileExistsError):
        receive(tmp_path, frame(b"F", {"name": "a", "size": 5}))


def test_events_are_bounded_in_number(tmp_path: Path) -> None:
    _, events = receive(tmp_path, frame(b"E", {"kind": "epoch"}) * (EVENTS_MOST + 5))

    assert len(events) == EVENTS_MOST


def answered(folder: Path, *pieces: bytes) -> list[Event]:
    events: list[Event] = []
    receiver = Receiver(folder, {"a": 10}, events.append, answer_bytes=3)
    try:
        for piece in pieces:
            receiver.feed(piece)
    finally:
        receiver.close()
    return events


def answer(number: int, data: bytes) -> bytes:
    return frame(b"F", {"name": f"answer-{number:06}", "size": len(data)}) + (frame(b"D", data) if data else b"")


def test_answers_come_one_after_the_other_and_each_is_told_when_it_is_whole(tmp_path: Path) -> None:
    first, second = answer(1, b"one"), answer(2, b"")

    events = answered(tmp_path, first[:-1], first[-1:] + second, frame(b"F", {"name": "a", "size": 0}), answer(3, b"3"))

    assert [(event.kind, event.text) for event in events] == [
        (report.ANSWERED, f"answer-{number:06}") for number in (1, 2, 3)
    ]
    assert (tmp_path / "answer-000001").read_bytes() == b"one"


@pytest.mark.parametrize("data", [answer(2, b"1"), answer(1, b"1") * 2, answer(1, b"four"), answer(0, b"1")])
def test_an_answer_out_of_turn_or_too_large_ends_the_reading(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BrokenFramesError):
        answered(tmp_path, data)


def test_nobody_who_is_not_asked_answers(tmp_path: Path) -> None:
    with pytest.raises(BrokenFramesError):
        receive(tmp_path, answer(1, b"1"))


def test_no_job_can_say_that_it_has_answered(tmp_path: Path) -> None:
    _, events = receive(tmp_path, frame(b"E", {"kind": report.ANSWERED, "text": "answer-000001"}))

    assert events == []


def test_pid_1_and_the_report_agree_on_the_size_of_an_event() -> None:
    assert pid1.EVENT_BYTES == report.EVENT_BYTES


@pytest.mark.parametrize("pieces", [1, 1000])
def test_a_log_keeps_its_head_and_its_tail(pieces: int) -> None:
    data = b"head" + b"x" * (HEAD + TAIL + 100) + b"tail"
    tail = Tail()
    for at in range(0, len(data), len(data) // pieces):
        tail.add(data[at : at + len(data) // pieces])

    text = tail.text()
    assert text.startswith("head")
    assert text.endswith("tail")
    assert "\n... 108 bytes left out ...\n" in text


def test_a_short_log_is_whole() -> None:
    tail = Tail()
    tail.add("grün\n".encode())
    tail.add(b"\xff")

    assert tail.text() == "grün\n\\xff"


@pytest.mark.parametrize(
    ("stopped", "end", "remains", "expected"),
    [
        (Verdict.LOG_OVERFLOW, (0, "ended", 0), (0, False), Verdict.LOG_OVERFLOW),
        (None, (137, "deadline", 1), (137, True), Verdict.DEADLINE),
        (None, (137, "ended", 1), (137, False), Verdict.OUT_OF_MEMORY),
        (None, (1, "ended", 0), (1, True), Verdict.OUT_OF_MEMORY),
        (None, (0, "ended", 1), (0, True), Verdict.FINISHED),
        (None, (137, "ended", 0), (137, False), Verdict.KILLED),
        (None, (1, "ended", 0), (1, False), Verdict.FINISHED),
        (None, None, (137, True), Verdict.OUT_OF_MEMORY),
        (None, None, (137, False), Verdict.KILLED),
    ],
)
def test_the_verdict_believes_the_host_before_the_kernel_before_pid_1(
    tmp_path: Path,
    stopped: Verdict | None,
    end: tuple[int, str, int] | None,
    remains: tuple[int, bool],
    expected: Verdict,
) -> None:
    last = None if end is None else End(status=end[0], why=end[1], oom=end[2])

    assert verdict(job(tmp_path), stopped, last, Remains(status=remains[0], oom=remains[1])) is expected


@pytest.mark.parametrize("end", [None, End(status=137, why="idle", oom=0), End(status=0, why="unkillable", oom=0)])
def test_a_sandbox_that_did_not_do_its_work_is_an_error(tmp_path: Path, end: End | None) -> None:
    with pytest.raises(SandboxError):
        verdict(job(tmp_path), None, end, Remains(status=1, oom=False))


def job(folder: Path) -> Job:
    return Job(name="fit", arguments=(), input=folder, output=folder, limits=Limits(seconds=1))
