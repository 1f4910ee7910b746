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
    "one image for all": ("data", EVAL, "return lambda image: torch.zeros(1, 8, 8)\n", "data", "for different images"),
    "channels last": ("data", EVAL, "return lambda image: image.float().permute(1, 2, 0)\n", "data", "come first"),
    "probabilities": (
        "model",
        "task.num_classes),",
        "task.num_classes), nn.Softmax(1),",
        "model",
        "leave the softmax out",
    ),
    "the same logits for all": (
        "model",
        "nn.Flatten(),",
        "nn.Flatten(), nn.Threshold(9e9, 0),",
        "model",
        "the same logits",
    ),
    "everything dropped": ("model", "nn.Flatten(),", "nn.Flatten(), nn.Dropout(1.0),", "model", "everything dropped"),
    "an endless forward": (
        "model",
        "nn.ReLU(),",
        "type('Endless', (nn.Module,), {'forward': lambda self, images: any(False for _ in iter(int, 1))})(),",
        "model",
        "took too long and was killed: forward two images",
    ),
    "a rate that is far too large": ("train", "lr=0.02", "lr=1e15", "train", "is the rate far too large?"),
    "no step": ("train", "            optimizer.step()\n", "", "train", "not one weight changed"),
    "no learning rate": ("train", "lr=0.02", "lr=0.0", "train", "not one weight changed"),
    "a loop beside the batches": (
        "train",
        "    for epoch in",
        "    while True: pass\n    for epoch in",
        "train",
        "beside its steps",
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
    ran = fit(tmp_path / "job", pipeline(**{component: (old, new)}), check_seconds=6)

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


LABELS = {
    "shuffled": "labels[torch.randperm(len(labels))]",
    "reversed": "labels.flip(0)",
    "counted from one": "(labels + 1) % task.num_classes",
    "of one class": "labels * 0",
}


@pytest.mark.parametrize("damage", LABELS)
def test_labels_that_are_not_those_of_the_images_are_blamed_on_data(damage: str, tmp_path: Path) -> None:
    bad = f"def batch_transform(task):\n    return lambda images, labels: (images, {LABELS[damage]})\n\n\ndef eval_"

    assert "batch_transform gives" in error_of(fit(tmp_path / "job", pipeline(data=("def eval_", bad))))


def test_a_batch_transform_that_is_none_is_blamed_on_data(tmp_path: Path) -> None:
    bad = "def batch_transform(task):\n    pass\n\n\ndef eval_"

    assert "must give a function, not NoneType" in error_of(fit(tmp_path / "job", pipeline(data=("def eval_", bad))))


def test_a_class_that_is_never_drawn_is_blamed_on_data(tmp_path: Path) -> None:
    bad = "def sample_weights(task, labels):\n    return (labels > 0).float()\n\n\ndef eval_"

    assert "never draws an image of 1 classes: [0]" in error_of(
        fit(tmp_path / "job", pipeline(data=("def eval_", bad)))
    )


def test_layers_that_are_not_registered_are_found(tmp_path: Path) -> None:
    files = pipeline()
    files["model"] = (
        "from torch import nn\n\n\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.layers, self.last = [nn.Linear(64, 8)], nn.Linear(8, 3)\n"
        "    def forward(self, images):\n        return self.last(self.layers[0](images.flatten(1)))\n\n\n"
        "def build_model(task):\n    return Net()\n"
    )

    assert "Net.layers holds layers in a plain list" in error_of(fit(tmp_path / "job", files))


def test_images_that_the_network_was_not_promised_are_blamed_on_data(tmp_path: Path) -> None:
    files = pipeline()
    files["data"] = files["data"].replace("image.float() / 255", "image.float().repeat(3, 1, 1) / 255")
    ran = fit(tmp_path / "job", files)

    assert "takes images of (1, 8, 8), and not of (3, 8, 8)" in error_of(ran)
    assert ran.report.crash is not None
    assert ran.report.crash.culprit == "data"


CUT = "type('Cut', (nn.Module,), {'forward': lambda self, features: features.detach()})()"
ODD = {
    "eval mode": ("train", "    for epoch", "    model.eval()\n    for epoch", "train.py: all steps of an epoch"),
    "the first layer alone": ("train", "model.parameters()", "model[0].parameters()", "train.py: 59% of the weights"),
    "frozen layers": (
        "model",
        "nn.Conv2d(task.channels, 8, 3, padding=1),",
        "nn.Conv2d(task.channels, 64, 3, padding=1).requires_grad_(False), nn.Conv2d(64, 8, 1),",
        "model.py: 50% of the weights",
    ),
    "detached layers": (
        "model",
        "nn.Conv2d(task.channels, 8, 3, padding=1),",
        f"nn.Conv2d(task.channels, 64, 3, padding=1), {CUT}, nn.Conv2d(64, 8, 1),",
        "model.py: 50% of the weights",
    ),
    "mirrored": (
        "data",
        EVAL,
        "return lambda image: image.float().flip(2) / 255\n",
        "eval_transform gives images mirrored",
    ),
    "an average that never moves": (
        "train",
        "run.log(",
        "run.save(__import__('copy').deepcopy(first))\n        run.log(",
        "train.py: run.save got the weights that the network had before",
    ),
    "prediction in train mode": (
        "model",
        "nn.Linear(32, task.num_classes),\n    )",
        "nn.Linear(32, task.num_classes),\n    )\n\n\ndef predict(model, images):\n    return model.train()(images)",
        "model.py: in eval mode the logits of an image change",
    ),
    "scaled twice": (
        "data",
        EVAL,
        "return lambda image: image.float() / 255 / 255\n",
        "data.py: eval_transform leaves",
    ),
    "not scaled": ("data", EVAL, "return lambda image: image.float()\n", "normalize both alike"),
}


@pytest.mark.parametrize("oddity", ODD)
def test_what_may_be_meant_but_seldom_is_gives_a_warning_that_names_the_file(oddity: str, tmp_path: Path) -> None:
    component, old, new, words = ODD[oddity]
    files = pipeline(**{component: (old, new)})
    if "first" in new:
        files["train"] = files["train"].replace(
            "    batches =", "    first = __import__('copy').deepcopy(model)\n    batches ="
        )
    report = fit(tmp_path / "job", files).report

    assert report.crash is None
    assert any(words in warning for warning in report.warnings)


def test_weights_in_a_file_that_nobody_keeps_are_told(tmp_path: Path) -> None:
    file = tmp_path / "best.pth"
    own = f"__import__('os').chdir({str(tmp_path)!r}); torch.save(model.state_dict(), {file.name!r})"
    files = pipeline(train=("accuracy = run.validate(model)", f"accuracy = run.validate(model); {own}"))

    assert any("it wrote best.pth and did not call run.save" in each for each in warnings_of(tmp_path, files))
    file.unlink()
    files["train"] = files["train"].replace("torch.save", "run.save(model); torch.save")
    assert warnings_of(tmp_path / "again", files) == ()


def test_gradients_that_are_added_up_over_some_batches_are_no_fault(tmp_path: Path) -> None:
    files = pipeline(train=("for images, targets in batches:", "for number, (images, targets) in enumerate(batches):"))
    files["train"] = files["train"].replace(
        "optimizer.zero_grad()", "optimizer.zero_grad() if number % 5 == 0 else None"
    )
    files["train"] = files["train"].replace("optimizer.step()", "optimizer.step() if number % 5 == 4 else None")
    report = fit(tmp_path / "job", files).report

    assert (report.crash, report.warnings) == (None, ())


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


def warnings_of(folder: Path, files: dict[str, str]) -> tuple[str, ...]:
    report = fit(folder / "job", files).report
    assert report.crash is None
    return report.warnings


def error_of(ran: Ran) -> str:
    assert ran.report.crash is not None
    return ran.report.crash.error


@pytest.mark.parametrize("own", ["torch.rand((), generator=OWN)", "__import__('secrets').randbelow(99)"])
def test_random_numbers_that_no_seed_sets_are_warned_of(own: str, tmp_path: Path) -> None:
    files = pipeline(data=("torch.rand(())", own))
    files["data"] = files["data"].replace("import torch\n", "import torch\n\nOWN = torch.Generator()\n", 1)

    assert "equal seeds will not give equal results" in fit(tmp_path / "job", files).report.warnings[0]
