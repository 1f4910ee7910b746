"""The real thing, small: `automodel` as a user calls it, in both sandboxes, on real digits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.sandboxes import skip_without

if TYPE_CHECKING:
    from pathlib import Path

BACKENDS = ("docker", "bubblewrap")
NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere.sock"}
LEARNT = 0.3
"""Accuracy that no chance gives among ten classes; a busy machine trains little within the clock of a test."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Datasets and runs of these tests."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    skip_without(name)
    return name


def mostly(usual: str) -> pytest.MarkDecorator:
    """Parametrize by the sandboxes, of which `make test` has this one."""
    params = [pytest.param(name, marks=() if name == usual else pytest.mark.long) for name in BACKENDS]
    return pytest.mark.parametrize("backend", params, indirect=True)


def environment(home: Path, backend: str, **knobs: str) -> dict[str, str]:
    keys = {f"{name}_{what}": "" for name in ("OPENAI", "ANTHROPIC") for what in ("API_KEY", "BASE_URL")}
    return {
        **os.environ,
        **keys,
        "LLM_PROVIDER": "auto",
        "DATASETS_DIR": str(home / "datasets"),
        "RUNS_DIR": str(home / backend),
        "SANDBOX_BACKEND": backend,
        "RUN_FIT_MINUTES": "0.1",
        "RUN_FINALS": "0",
        **knobs,
    }


def automodel(
    *arguments: str, home: Path, backend: str = "bubblewrap", **knobs: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestrator", *arguments],
        env=environment(home, backend, **knobs),
        capture_output=True,
        text=True,
        check=False,
    )


def only_run(home: Path, backend: str) -> Path:
    [run] = (home / backend).glob("[!.]*")
    return run


@mostly("bubblewrap")
def test_a_run_ends_with_a_model_that_predicts(home: Path, backend: str, tmp_path: Path) -> None:
    ends = {"RUN_FINALS": "2", "RUN_FINAL_SEEDS": "1", "RUN_AVERAGE": "true", "RUN_REFIT": "true"}

    done = automodel("run", "digits", home=home, backend=backend, RUN_ITERATIONS="1", **ends)

    assert done.returncode == 0, done.stderr
    run = only_run(home, backend)
    summary = json.loads((run / "summary.json").read_text())
    assert summary["test"]["accuracy"] > LEARNT
    assert summary["test"]["images"] == 359
    assert summary["iterations"] <= 1  # none where the draft has every validation image right
    assert summary["zero_shot"]["test"]["accuracy"] > LEARNT
    assert ["flips" in note or "upside down" in note for note in summary["dataset_notes"]] == [True, True]
    assert summary["seeds"]["test"]["seeds"][:2] == [0, 1]  # and one more where a change had to be confirmed
    assert summary["ending"]["kind"] in {"average", "refit"}
    assert f"Test accuracy {summary['test']['accuracy']:.4f}" in done.stdout
    assert not (run / "jobs").exists()
    assert not (run / "presented").exists()
    checked = automodel("verify", str(run), home=home, backend=backend)
    assert (checked.returncode, checked.stdout.split(", ")[1]) == (0, "no problems found.\n"), checked.stdout

    [dataset] = (home / "datasets").glob("digits-*")
    images = np.load(dataset / "test" / "images.npy")
    labels = np.load(dataset / "hidden" / "test.npy")
    files = []
    for index in range(20):
        files.append(str(tmp_path / f"{index}.png"))
        Image.fromarray(images[index, 0]).save(files[-1])
    (tmp_path / "broken.png").write_bytes(b"no image")
    told = automodel("predict", str(run), *files, str(tmp_path / "broken.png"), home=home, backend=backend)

    assert told.returncode == 1, told.stderr
    assert "broken.png cannot be read: no image inside" in told.stderr
    assert "1 of 21 images could not be read" in told.stderr
    _, *lines = told.stdout.splitlines()
    assert [line.split()[-1] for line in lines] == files
    right = sum(line.split()[0] == str(label) for line, label in zip(lines, labels, strict=False))
    assert right > LEARNT * 20

    written = tmp_path / "predictions.csv"
    options = ("--format", "csv", "--output", str(written))
    told = automodel("predict", str(run), files[0], *options, home=home, backend=backend)
    assert (told.returncode, told.stdout) == (0, "")
    assert f"Written to {written}: 1 predictions." in told.stderr
    assert written.read_text().startswith(f"file,label,probability\n{files[0]},")


@mostly("docker")
def test_interrupted_it_leaves_nothing_running_and_goes_on(home: Path, backend: str) -> None:
    home = home / "interrupted"
    command = [sys.executable, "-u", "-m", "orchestrator", "run", "digits"]
    knobs = environment(home, backend, RUN_ITERATIONS="0")
    said = ""
    with subprocess.Popen(command, env=knobs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            said += line
            if "iteration 0: recipe" in line:
                time.sleep(2)  # into its start, or its training
                process.send_signal(signal.SIGINT)

    assert process.returncode == 130, said
    assert "The same command goes on from there: make run DATASET=digits" in said
    run = only_run(home, backend)
    assert not (run / "jobs").exists()
    assert processes_with(str(run)) == []

    done = automodel("run", "digits", "--json", home=home, backend=backend, RUN_ITERATIONS="0")

    assert done.returncode == 0, done.stderr
    assert only_run(home, backend) == run
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"begin", "phase", "progress", "iteration", "answer"} <= {event["event"] for event in told}
    assert {"waiting for the sandbox to start"} <= {event["text"] for event in told if event["event"] == "progress"}
    summary = json.loads((run / "summary.json").read_text())
    assert told[-1]["event"] == "answer"
    assert told[-1]["test"]["accuracy"] == summary["test"]["accuracy"]
    kinds = [json.loads(line)["kind"] for line in (run / "journal.jsonl").read_text().splitlines()]
    assert kinds == ["begin", "begin", "execution", "iteration", "final", "end"]


@mostly("bubblewrap")
def test_interrupted_twice_it_ends_at_once_and_the_next_start_clears_up(home: Path, backend: str) -> None:
    home = home / "twice"
    command = [sys.executable, "-u", "-m", "orchestrator", "run", "digits"]
    knobs = environment(home, backend, RUN_ITERATIONS="0")
    with subprocess.Popen(command, env=knobs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if "iteration 0: recipe" in line or "Ending in order" in line:
                process.send_signal(signal.SIGINT)

    assert process.returncode == 130
    run = only_run(home, backend)

    done = automodel("run", "digits", "--quiet", home=home, backend=backend, RUN_ITERATIONS="0")

    assert (done.returncode, done.stderr) == (0, "")
    assert only_run(home, backend) == run
    answer = done.stdout.splitlines()
    assert answer[0] == "All 0 iterations are done."
    assert [line for line in answer if line.startswith("Test accuracy ")] == [answer[1]]
    assert not (run / "jobs").exists()
    assert processes_with(str(run)) == []


def test_interrupted_early_it_says_how_to_go_on(home: Path, backend: str) -> None:
    command = [sys.executable, "-u", "-m", "orchestrator", "prepare", "digits"]
    knobs = environment(home / "early", backend)
    with subprocess.Popen(command, env=knobs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert "preparing digits" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate()

    assert process.returncode == 130
    assert "Interrupted; what was finished is kept: the same command does the rest." in told
    assert "Traceback" not in told


def processes_with(text: str) -> list[str]:
    """Command lines of processes that name this folder: bubblewrap's do, and an engine's shims."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout  # noqa: S607
    return [line for line in listed.splitlines() if text in line]


@pytest.mark.parametrize(
    ("arguments", "knobs", "status", "says"),
    [
        (("run",), {"RUN_ITERATIONS": "many"}, 2, "RUN_ITERATIONS is 'many'"),
        (("run", "/nowhere"), {}, 3, "/nowhere is neither the name of a dataset"),
        (("prepare", "/nowhere"), {"SANDBOX_BACKEND": "docker"} | NO_ENGINE, 3, "/nowhere is"),
        (("run",), {"LLM_PROVIDER": "openai", "SANDBOX_BACKEND": "docker"} | NO_ENGINE, 2, "OPENAI_API_KEY"),
        (("run", "digits"), {"SANDBOX_BACKEND": "docker"} | NO_ENGINE, 4, "engine"),
        (("predict", "/nowhere", "x.png"), {}, 1, "holds no trained model"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(
    home: Path, arguments: tuple[str, ...], knobs: dict[str, str], status: int, says: str
) -> None:
    done = automodel(*arguments, home=home, **knobs)

    assert done.returncode == status
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_no_dataset_is_refused_by_name(home: Path, backend: str, tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for index in range(12):
            Image.new("RGB", (9, 9), (index, 0, 0)).save(tmp_path / name / f"{index}.png")
    (tmp_path / "dog" / "3.png").write_bytes(b"no image")

    done = automodel("run", str(tmp_path), home=home, backend=backend)

    assert done.returncode == 3
    assert "dog/3.png" in done.stderr
    assert not list((home / "datasets").glob(".preparing-*"))


def test_help_names_every_command() -> None:
    told = subprocess.run([sys.executable, "-m", "orchestrator", "--help"], capture_output=True, text=True, check=True)

    assert all(command in told.stdout for command in ("run", "prepare", "predict", "setup", "doctor"))
