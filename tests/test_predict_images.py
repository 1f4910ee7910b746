"""New images and the model of a run to labels: on another machine, with files that are none, in folders that are odd."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from orchestrator.components import write_components
from orchestrator.compute import Compute
from orchestrator.jobs import Jobs
from orchestrator.log import open_log
from orchestrator.predict import load_model, predict
from tests.fakes import ScriptedJob, ScriptedSandbox, make_dataset, make_pipeline, perfect_logits

if TYPE_CHECKING:
    from pathlib import Path

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
