"""New images and the model of a run to labels: on another machine, with odd files, in odd folders."""

from __future__ import annotations

import io
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.components import write_components
from orchestrator.compute import Compute
from orchestrator.errors import AutoModelError
from orchestrator.jobs import Jobs
from orchestrator.log import open_log
from orchestrator.predict import IMAGE_BYTES, load_model, predict
from tests.fakes import ScriptedJob, ScriptedSandbox, make_dataset, make_pipeline, perfect_logits

if TYPE_CHECKING:
    from orchestrator.predict import Prediction


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder, trained on a GPU, with weights at hand."""
    folder = tmp_path / "run"
    (folder / "best").mkdir(parents=True)
    write_components(make_pipeline(), folder / "best" / "components")
    task = make_dataset(tmp_path / "dataset").task(device="cuda", seed=0, seconds=60, weights=("resnet18.a1_in1k",))
    (folder / "best" / "task.json").write_text(json.dumps({**asdict(task), "cpus": 2}))
    (folder / "best" / "weights.safetensors").write_text("w")
    (folder / "run.json").write_text(json.dumps({"preparation": {"max_side": 512, "ceiling": 255.0}}))
    return folder


def classify(run: Path, images: list[Path], readable: int, *, gpu: bool = False) -> tuple[list[Prediction], str]:
    """Predict each readable image as `cat`, in a scripted sandbox; also give the task that the job was told."""
    prepared = ScriptedJob({"unreadable.json": b"{}"})
    logits = ScriptedJob({"logits.f32": perfect_logits([0] * readable)})
    sandbox = ScriptedSandbox({"prepare": [prepared], "predict": [logits]})
    folder = run.parent / "predicting"
    jobs = Jobs(
        sandbox=sandbox,
        compute=Compute(cpus=2, memory=1 << 30, output=1 << 20, gpu=gpu),
        weights=None,
        folder=folder,
        on_event=lambda _: None,
        log=open_log(io.StringIO()),
    )
    predictions = predict(load_model(run), images, sandbox, jobs)
    return predictions, sandbox.inputs[-1].get("task.json", "")


@pytest.mark.parametrize(("gpu", "device"), [(False, "cpu"), (True, "cuda")])
def test_a_model_predicts_on_the_device_of_this_machine(run: Path, gpu: bool, device: str) -> None:
    (run.parent / "a.png").write_text("a")

    [prediction], task = classify(run, [run.parent / "a.png"], 1, gpu=gpu)

    assert prediction.label == "cat"
    assert json.loads(task)["device"] == device
    assert json.loads(task)["weights"] == ["resnet18.a1_in1k"]  # the network is chosen by them


def test_what_is_no_regular_file_or_absurdly_large_is_a_problem_of_its_own(run: Path) -> None:
    home = run.parent
    (home / "a.png").write_text("a")
    os.mkfifo(home / "pipe")
    with (home / "large.png").open("wb") as file:
        file.truncate(IMAGE_BYTES + 1)
    images = [home / "pipe", home / "a.png", Path("/dev/zero"), home, home / "large.png", home / "none"]

    predictions, _ = classify(run, images, 1)

    problems = [prediction.problem for prediction in predictions]
    odd = "no regular file"
    assert problems == [odd, "", odd, odd, "larger than 2048 MiB", "No such file or directory"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("run.json", "{}"),
        ("run.json", "[]"),
        ("run.json", '{"preparation": {"max_side": 512}}'),
        ("best/task.json", '{"classes": ["cat", "dog"]}'),
        ("best/task.json", "7"),
        ("best/weights.safetensors", None),
    ],
)
def test_a_run_that_cannot_be_read_is_refused_in_one_sentence(run: Path, file: str, text: str | None) -> None:
    (run / file).unlink()
    if text is not None:
        (run / file).write_text(text)

    with pytest.raises(AutoModelError, match=f"{run} holds no trained model"):
        load_model(run)
