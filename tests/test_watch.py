"""The page while a run goes on: over real HTTP on loopback, told of each change, and of no more than that."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from harness.report import Event
from orchestrator.errors import AutoModelError
from orchestrator.progress import Progress
from orchestrator.watch import Live, newest_run
from tests.made_runs import Made, make_run

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@contextmanager
def watching(made: Made, *arguments: str) -> Iterator[str]:
    """The address of `automodel watch`, while it serves."""
    command = [sys.executable, "-m", "orchestrator", "watch", *arguments, "--watch-port", "0"]
    command += ["--datasets-dir", str(made.datasets), "--runs-dir", str(made.run.parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as process:
        assert process.stdout
        try:
            said = ""
            while not (found := ADDRESS.search(said)):
                said = process.stdout.readline()
                assert said, "it ended"
            yield found.group()
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(30) in (0, 130)


def messages(response: httpx2.Response) -> Iterator[dict[str, Any]]:
    for line in response.iter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def test_the_page_is_served_and_listens(tmp_path: Path) -> None:
    made = make_run(tmp_path, finished=False)
    with watching(made, str(made.run)) as address:
        page = httpx2.get(f"{address}/")

    assert page.status_code == 200
    assert 'data-live="yes"' in page.text
    assert "connect-src 'self'" in page.text.replace("&#39;", "'")


def test_every_change_of_a_run_is_told_and_nothing_else(tmp_path: Path) -> None:
    made = make_run(tmp_path, finished=False)
    with (
        watching(made) as address,
        httpx2.stream("GET", f"{address}/events", timeout=60) as response,
        closing(Progress(made.run)) as progress,
    ):
        told = messages(response)
        assert {section["key"] for section in next(told)["sections"]} >= {"answer", "progress", "changes"}
        progress.phase("iteration 4: a wider stem")
        changed = next(told)
        assert (changed["status"], [section["key"] for section in changed["sections"]]) == (
            "iteration 4: a wider stem",
            ["now"],
        )
        progress.event(Event(kind="epoch", metrics={"epoch": 1.0, "tuning_accuracy": 0.625}))
        assert "0.625" in next(told)["sections"][0]["html"]


def test_another_host_is_not_answered(tmp_path: Path) -> None:
    made = make_run(tmp_path, finished=False)
    with watching(made, str(made.run)) as address:
        assert httpx2.get(f"{address}/", headers={"Host": "evil.example"}).status_code == 400


def test_a_folder_that_is_no_run_is_told_before_anything_is_served(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "orchestrator", "watch", str(tmp_path), "--watch-port", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"automodel: {tmp_path} is no run")


def test_only_what_differs_is_rendered_again(tmp_path: Path) -> None:
    made = make_run(tmp_path, finished=False)
    live = Live(made.run, made.datasets)
    sent = {section.key: section.digest for section in live.changes({})}

    assert live.changes(sent) == []
    with closing(Progress(made.run)) as progress:
        progress.phase("thinking")
    assert [section.key for section in live.changes(sent)] == ["now"]


def test_a_run_that_ended_says_so(tmp_path: Path) -> None:
    made = make_run(tmp_path)
    live = Live(made.run, made.datasets)
    [now] = [section for section in live.sections() if section.key == "now"]

    assert "This run is over" in now.html
    assert live.status == "This run is over."


def test_a_run_that_is_damaged_while_it_is_watched_is_told(tmp_path: Path) -> None:
    made = make_run(tmp_path)
    live = Live(made.run, made.datasets)
    live.sections()
    (made.run / "journal.jsonl").write_text("no JSON\n")

    with pytest.raises(AutoModelError, match="damaged"):
        live.sections()


def test_the_newest_run_is_the_one_that_began_last(tmp_path: Path) -> None:
    assert newest_run(tmp_path) is None
    for age, name in ((10, "b"), (5, "a"), (1, ".growing")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").touch()
        os.utime(tmp_path / name / "run.json", (time.time() - age,) * 2)

    assert newest_run(tmp_path) == tmp_path / "a"


def test_report_writes_the_newest_run_and_says_where(tmp_path: Path) -> None:
    made = make_run(tmp_path, finished=False)
    command = [sys.executable, "-m", "orchestrator", "report", "--runs-dir", str(made.run.parent)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])

    assert ended.stdout.strip() == str(made.run / "report.html")
    assert (made.run / "report.html").stat().st_size > 50_000


def test_without_a_run_report_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "orchestrator", "report", "--runs-dir", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1])

    assert (ended.returncode, ended.stderr) == (
        1,
        f"automodel: There is no run in {tmp_path}: name the folder of one, or set RUNS_DIR.\n",
    )
