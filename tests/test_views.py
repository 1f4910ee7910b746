"""The views for programs and for who wants nothing but the answer."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from typing import Any

from harness.report import Event
from orchestrator.json_lines import JsonLines
from orchestrator.view import WARNINGS, Warned
from tests.pseudo_terminal import ROOT


def scripted(*flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.scripted_run", "--pause", "0", *flags]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)


def told(file: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.getvalue().splitlines()]


def test_quiet_is_the_answer_alone() -> None:
    done = scripted("--quiet")

    assert (done.stdout, done.stderr) == ("Test accuracy 0.7500 (95 % interval 0.7000 to 0.8000)\n", "")


def test_json_is_an_object_a_line_for_everything_that_happens() -> None:
    events = [json.loads(line) for line in scripted("--json").stdout.splitlines()]

    assert {"event", "time"} <= set.intersection(*(set(event) for event in events))
    kinds = [event["event"] for event in events]
    assert kinds[0] == "begin"
    assert kinds[-2:] == ["final", "answer"]
    assert kinds.count("iteration") == 6
    assert {"phase", "progress", "warning", "bill"} <= set(kinds)
    assert events[-1]["test"]["accuracy"] == 0.75
    iterations = [event for event in events if event["event"] == "iteration"]
    assert [event["accuracy"] for event in iterations] == [0.5, 0.6, 0.7, 0.8, 0.9, None]
    assert iterations[1]["gain"] == 0.1
    assert (iterations[5]["error"], iterations[0]["error"]) == ("NameError: torhc", None)


def test_json_holds_no_controls_of_others() -> None:
    texts = [str(json.loads(line)) for line in scripted("--json").stdout.splitlines()]

    assert [text for text in texts if "\\x1b" in text or "\u202e" in text] == []


def test_progress_is_told_once_a_second_at_the_most() -> None:
    now, file = [0.0], io.StringIO()
    view = JsonLines(file, clock=lambda: now[0])
    for tick in range(25):
        now[0] = tick / 10
        view.event(Event(kind="epoch", metrics={"epoch": float(tick)}))

    assert [event["metrics"]["epoch"] for event in told(file)] == [0, 10, 20]


def test_warnings_are_told_once_a_phase_and_not_without_end() -> None:
    warned = Warned()

    heard = [said for number in range(20) for said in (warned.told(f"{number}"), warned.told("0")) if said]

    assert heard[:WARNINGS] == ["0", "1", "2", "3", "4"]
    assert heard[WARNINGS:] == ["more warnings follow: the report of the training has them"]
    warned.begin()
    assert warned.told("0") == "0"
