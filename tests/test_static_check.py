"""A component that could not be imported, or would raise for certain, is refused before a container is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.static_check import LARGEST, InvalidComponentError, check_component

if TYPE_CHECKING:
    from orchestrator.components import ComponentName

TRAIN = "def train(model, task, run):\n    pass\n"
MODEL = "def build_model(task):\n    return {}\n"


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("train", TRAIN),
        ("train", "def train(m, t, r, extra=1):\n    pass\n"),
        ("train", "def train(*everything):\n    pass\n"),
        ("model", "def build_model(task):\n    pass\ndef predict(model, images):\n    pass\n"),
    ],
)
def test_what_the_contract_allows_is_accepted(name: ComponentName, source: str) -> None:
    check_component(name, source)


@pytest.mark.parametrize(
    ("name", "source", "says"),
    [
        ("train", "def train(model, task, run)\n    pass\n", "does not parse"),
        ("train", "x = 1\n", r"lacks the function train\(model, task, run\)"),
        ("train", "def train(model, task):\n    pass\n", r"must take \(model, task, run\)"),
        ("train", "def train(model, task, run, more):\n    pass\n", "must take"),
        ("train", "def train(model, task, run, *, more):\n    pass\n", "must take"),
        ("model", "class build_model:\n    pass\n", "lacks the function build_model"),
        ("model", "def build_model(task):\n    pass\ndef predict(images):\n    pass\n", "predict must take"),
        ("data", "\0", "NUL"),
        ("data", "#" * (LARGEST + 1), "larger"),
        ("data", "(" * 5000, "does not parse"),
    ],
)
def test_what_it_does_not_is_refused_in_one_sentence(name: ComponentName, source: str, says: str) -> None:
    with pytest.raises(InvalidComponentError, match=says):
        check_component(name, source)


@pytest.mark.parametrize(
    ("head", "body", "says"),
    [
        ("", "your_model", r"uses what is never defined: your_model in line 2"),
        ("", "nn.Linear(1, 2)", "never defined: nn in line 2"),
        ("import cv2\n", "cv2", "imports what is not installed: cv2 in line 1"),
        ("from sklearn import svm\n", "svm", "not installed: sklearn in line 1"),
        ("from .data import side\n", "side", "not installed: .data in line 1"),
        ("from components.data import side\n", "side", "not installed: components.data in line 1"),
    ],
)
def test_undefined_names_and_foreign_imports_are_refused_with_their_line(head: str, body: str, says: str) -> None:
    with pytest.raises(InvalidComponentError, match=says):
        check_component("model", head + MODEL.format(body))


LOSS = """from torch import nn
from torch.nn import functional


def train(model, task, run):
    x = model(task)
    {}
"""


@pytest.mark.parametrize(
    "loss",
    [
        "functional.cross_entropy(x.softmax(1), task)",
        "functional.cross_entropy(functional.softmax(x, dim=1), task)",
        "nn.CrossEntropyLoss()(nn.Softmax(1)(x), task)",
        "criterion = nn.CrossEntropyLoss(); p = x.softmax(1); criterion(p, task)",
    ],
)
def test_probabilities_that_go_into_cross_entropy_are_refused(loss: str) -> None:
    with pytest.raises(InvalidComponentError, match="cross entropy, which takes the softmax itself: line 7"):
        check_component("train", LOSS.format(loss))


@pytest.mark.parametrize(
    "loss",
    [
        "functional.cross_entropy(x, task.softmax(1))",
        "functional.nll_loss(x.softmax(1).log(), task)",
        "functional.cross_entropy(x.log_softmax(1), task)",
        "p = x.softmax(1); p = x; functional.cross_entropy(p, task)",
    ],
)
def test_a_softmax_elsewhere_is_no_fault(loss: str) -> None:
    check_component("train", LOSS.format(loss))


def test_many_faults_are_one_short_sentence() -> None:
    body = ", ".join(f"name{number}" for number in range(100))

    with pytest.raises(InvalidComponentError) as caught:
        check_component("model", MODEL.format(f"[{body}]"))

    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "source",
    [
        "from __future__ import annotations\ndef build_model(task: Task) -> nn.Module:\n    x: X = 1\n    return x\n",
        "def build_model(task: 'Task') -> 'nn.Module':\n    return 1\n",
        "try:\n    import cv2\nexcept ImportError:\n    cv2 = None\n" + MODEL.format("cv2"),
        MODEL.format("1") + "if __name__ == '__main__':\n    import pandas\n",
    ],
)
def test_what_never_runs_is_no_fault(source: str) -> None:
    check_component("model", source)


@pytest.mark.parametrize(
    "tail", ["return 1\n", "break\n", "def f():\n    nonlocal q\n", "from __future__ import division\n"]
)
def test_what_only_the_compiler_sees_is_refused(tail: str) -> None:
    with pytest.raises(InvalidComponentError, match="does not parse"):
        check_component("model", MODEL.format("1") + tail)


@pytest.mark.parametrize(
    "head",
    [
        "import torch, torchvision, timm, numpy as np\nfrom PIL import Image\nfrom torch import nn\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from torch import Tensor\n    import pandas\n",
        "from harness.contract import Task\n",
        "import math, copy, functools\nunused = 1\n",
    ],
)
def test_what_is_installed_and_what_is_never_run_may_be_imported(head: str) -> None:
    check_component("model", head + MODEL.format("task"))
