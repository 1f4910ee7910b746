"""Each kind of mistake is found in the check, and blamed on the component that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness_jobs import fit, pipeline

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness_jobs import Ran

pytestmark = pytest.mark.torch

EVAL = "return lambda image: image.float() / 255\n"
TRAIN = "return lambda image: image.float() / 255 + 0.01 * torch.rand(())"

MISTAKES = {
    "syntax error": ("model", "import nn", "import nn nn", "model", "SyntaxError"),
    "no such package": ("data", "import torch", "import torch, cv2", "data", "No module named 'cv2'"),
    "missing function": ("data", "def eval_transform", "def evaluate", "data", "must define eval_transform(task)"),
    "no function": ("train", "def train(", "train = 3\ndef learn(", "train", "train is no function"),
    "wrong parameters": ("model", "build_model(task)", "build_model(task, width)", "model", "build_model(task, width)"),
    "exit at import": ("train", "EPOCHS = 3", "raise SystemExit(0)", "train", "SystemExit"),
    "death at import": ("data", "import torch", "import os; os._exit(0)", "data", "exit status 0"),
    "death by signal": ("model", "from torch", "import os; os.kill(os.getpid(), 6)\nfrom torch", "model", "SIGABRT"),
    "endless import": ("model", "from torch", "while True: pass\nfrom torch", "model", "took too long"),
    "integers out of data": ("data", TRAIN, "return lambda image: image", "data", "not torch.uint8"),
    "arrays out of data": ("data", TRAIN, "return lambda image: image.numpy()", "data", "not ndarray"),
    "two shapes out of data": ("data", EVAL, "return lambda image: image.float()[:, 1:]\n", "data", "(1, 7, 8)"),
    "infinite pixels": ("data", EVAL, "return lambda image: image.float() / 0\n", "data", "not finite"),
    "random evaluation": ("data", EVAL, f"{TRAIN}\n", "data", "deterministic"),
    "error in a transform": ("data", TRAIN, "return lambda image: image.flaot()", "data", "flaot"),
    "undefined name in model": ("model", "nn.ReLU", "nnn.ReLU", "model", "NameError: name 'nnn' is not defined"),
    "no network": ("model", "return nn.Sequential", "return tuple", "model", "TypeError"),
    "wrong channel count": ("model", "task.channels", "task.channels + 2", "model", "channels"),
    "wrong class count": ("model", "task.num_classes", "task.num_classes + 1", "model", "wanted (8, 3)"),
    "not a number": ("model", "nn.ReLU()", "nn.Threshold(9e9, float('nan'))", "model", "not finite"),
    "no gradient": (
        "model",
        "return nn.Sequential(",
        "return nn.Sequential(nn.Flatten(), nn.Linear(64, 3)).requires_grad_(False)\n    nn.Sequential(",
        "model",
        "does not require grad",
    ),
    "train raises": ("train", "loss.backward()", "loss.bakward()", "train", "bakward"),
    "train diverges": (
        "train",
        "loss = cross",
        "loss = float('inf') * cross",
        "train",
        "not finite after the first steps",
    ),
    "train does not": ("train", "range(EPOCHS)", "range(0)", "train", "without asking for a batch"),
    "train leaves": ("train", "loss.backward()", "import sys; sys.exit()", "train", "SystemExit"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_blamed_on_the_component_that_made_it(mistake: str, tmp_path: Path) -> None:
    component, old, new, culprit, words = MISTAKES[mistake]
    ran = fit(tmp_path / "job", pipeline(**{component: (old, new)}), check_seconds=3)

    assert ran.report.crash is not None
    assert culprit == ran.report.crash.culprit
    assert words in ran.report.crash.error
    assert ran.report.crash.phase == "check"
    assert ran.status == 1


def test_a_missing_file_is_blamed_on_itself(tmp_path: Path) -> None:
    files = pipeline()
    del files["train"]

    assert "train.py is missing" in error_of(fit(tmp_path / "job", files))


def test_a_traceback_shows_the_component_alone_and_no_path_of_the_machine(tmp_path: Path) -> None:
    ran = fit(tmp_path / "job", pipeline(train=("loss.backward()", "loss.bakward()")))

    assert ran.report.crash is not None
    assert 'File "components/train.py", line 14, in train' in ran.report.crash.traceback
    assert "harness/" not in ran.report.crash.traceback
    assert str(tmp_path) not in ran.report.crash.traceback


def test_targets_of_another_form_are_blamed_on_data(tmp_path: Path) -> None:
    bad = "def batch_transform(task):\n    return lambda images, labels: (images, labels.float())\n\n\ndef eval_"

    assert "targets int64 (8,) or float (8, 3)" in error_of(fit(tmp_path / "job", pipeline(data=("def eval_", bad))))


def test_weights_of_another_length_are_blamed_on_data(tmp_path: Path) -> None:
    bad = "def sample_weights(task, labels):\n    return torch.ones(3)\n\n\ndef eval_"

    assert "sample_weights must give" in error_of(fit(tmp_path / "job", pipeline(data=("def eval_", bad))))


def test_a_prediction_that_fails_for_a_single_image_is_found(tmp_path: Path) -> None:
    bad = "def predict(model, images):\n    return model(images).squeeze()\n\n\ndef build_"

    assert "wanted (1, 3)" in error_of(fit(tmp_path / "job", pipeline(model=("def build_", bad))))


def test_a_network_that_hides_state_is_found(tmp_path: Path) -> None:
    files = pipeline()
    files["model"] = (
        "import itertools\nfrom torch import nn\n\n\ncount = itertools.count()\n\n\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.linear, self.scale = nn.Linear(64, 3), next(count)\n"
        "    def forward(self, images):\n        return self.linear(images.flatten(1)) * (1 + self.scale)\n\n\n"
        "def build_model(task):\n    return Net()\n"
    )

    assert "parameters and buffers" in error_of(fit(tmp_path / "job", files))


def test_the_check_is_not_part_of_the_curve_and_leaves_no_file(tmp_path: Path) -> None:
    ran = fit(tmp_path / "job", pipeline())

    assert len(ran.report.curve) == 3
    assert {"events.jsonl", "report.json", "weights.safetensors"} == {file.name for file in ran.out.iterdir()}


def test_what_follows_the_last_epoch_is_tried_too(tmp_path: Path) -> None:
    """In the check the clock is over after one short epoch, and a loop that looks at the clock ends by itself."""
    patient = ("for epoch in range(EPOCHS):", "while run.seconds_left() > 0:")
    files = pipeline(train=patient)
    files["train"] += "    finish()\n"

    assert "finish" in error_of(fit(tmp_path / "job", files))


def error_of(ran: Ran) -> str:
    assert ran.report.crash is not None
    return ran.report.crash.error


@pytest.mark.parametrize("own", ["torch.rand((), generator=OWN)", "__import__('secrets').randbelow(99)"])
def test_random_numbers_that_no_seed_sets_are_warned_of(own: str, tmp_path: Path) -> None:
    files = pipeline(data=("torch.rand(())", own))
    files["data"] = files["data"].replace("import torch\n", "import torch\n\nOWN = torch.Generator()\n", 1)

    assert "equal seeds will not give equal results" in fit(tmp_path / "job", files).report.warnings[0]
