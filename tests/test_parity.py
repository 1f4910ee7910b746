"""What is exported gives the logits of the run, or is not given out: real jobs in a real sandbox."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest

from orchestrator.errors import AutoModelError
from orchestrator.export import lay_out
from orchestrator.parity import CLOSE, TOLD, _told, check_parity, compare
from sandbox.base import Ended, Verdict
from tests.exports import make_jobs, make_source
from tests.harness_jobs import pipeline
from tests.sandboxes import open_real

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.parity import Parity
    from sandbox.base import Sandbox

pytestmark = [pytest.mark.torch, pytest.mark.bubblewrap]

BRANCH = """
class Branch(nn.Module):
    def forward(self, images):
        return images if float(images.mean()) > 0.01 else images * 2


def build_model(task):
    return nn.Sequential(Branch(), build(task))
"""
SHAKY = "import torch\n\n\ndef predict(model, images):\n    return model(images) + torch.rand(()) * SCALE\n"
LIAR = """
import torch


def predict(model, images):
    return model(images) + float(torch.compiler.is_exporting())
"""
TOURIST = """
from pathlib import Path


def predict(model, images):
    return model(images) + (1.0 if Path("/job/exported").exists() else 0.0)
"""
AVERAGE = "\n\ndef predict(model, images):\n    return model(images) + model(images.flip(3))\n"
EXIT = """
import os
import torch


def predict(model, images):
    if torch.compiler.is_exporting():
        LEAVE
    return model(images)
"""
FORGER = """
import os
from pathlib import Path

import torch

TOLD, GRAPH = Path("/job/out/onnx.json"), Path("/job/out/model.onnx")
FINE = '{"problem": ""}'


def predict(model, images):
    if torch.compiler.is_exporting():
        TOLD.write_text(SAYS)
        LEAVE
        os._exit(0)
    return model(images)
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with closing(open_real("bubblewrap")) as opened:
        yield opened


def model(more: str, **replaced: str) -> dict[str, str]:
    """The plain pipeline with more in its model.py."""
    files = pipeline()
    for old, new in replaced.items():
        more = more.replace(old.upper(), new)
    return files | {"model": f"{files['model']}\n\n{more}"}


def check(folder: Path, files: dict[str, str], sandbox: Sandbox, *, sizes: bool = False) -> Parity:
    source = make_source(folder, files, sizes=sizes)
    lay_out(source, folder / "export")
    jobs, told = make_jobs(folder / "work", sandbox), list[str]()
    parity = check_parity(source.recorded.model, source.dataset, folder / "export", jobs, folder / "check", told.append)
    assert len(told) == 3
    return parity


def test_equal_logits_agree() -> None:
    logits = np.array([[1, 2], [3, 1]], np.float32)

    agreement = compare(logits, logits)

    assert agreement.close
    assert (agreement.images, agreement.difference, agreement.same) == (2, 0.0, 2)


@pytest.mark.parametrize(
    ("found", "difference", "same"), [([[1, 2.002], [3, 1]], 0.002, 2), ([[2.0004, 2], [3, 1]], 0.0004, 1)]
)
def test_a_large_difference_or_another_class_is_no_agreement(
    found: list[list[float]], difference: float, same: int
) -> None:
    wanted = [[2, 2.0002], [3, 1]] if same == 1 else [[1, 2], [3, 1]]

    agreement = compare(np.array(found, np.float32), np.array(wanted, np.float32))

    assert not agreement.close
    assert agreement.difference == pytest.approx(difference, rel=1e-2)
    assert agreement.same == same


def test_the_exported_folder_and_its_graph_give_the_logits_of_the_run(tmp_path: Path, sandbox: Sandbox) -> None:
    parity = check(tmp_path, model(AVERAGE), sandbox)

    assert parity.predictor.images == 60
    assert parity.predictor.difference < 1e-5
    assert parity.onnx is not None
    assert parity.onnx.difference < CLOSE
    assert parity.told.input == (1, 8, 8)
    assert (tmp_path / "export" / "model.onnx").stat().st_size > 1000


def test_images_of_many_sizes_are_given_as_files(tmp_path: Path, sandbox: Sandbox) -> None:
    resize = "    return lambda image: torch.nn.functional.interpolate(image[None].float() / 255, (12, 10))[0]\n"
    files = pipeline(data=("    return lambda image: image.float() / 255\n", resize))

    parity = check(tmp_path, files, sandbox, sizes=True)

    assert parity.predictor.difference < 1e-5
    assert parity.onnx is not None
    assert parity.told.input == (1, 12, 10)


def test_what_cannot_become_a_graph_is_exported_without_one(tmp_path: Path, sandbox: Sandbox) -> None:
    files = model(BRANCH) | {}
    files["model"] = files["model"].replace("def build_model", "def build", 1)

    parity = check(tmp_path, files, sandbox)

    assert parity.predictor.close
    assert parity.onnx is None
    assert "data-dependent" in parity.problem.lower()
    assert not (tmp_path / "export" / "model.onnx").exists()


def test_a_model_that_draws_by_chance_is_refused(tmp_path: Path, sandbox: Sandbox) -> None:
    files = model(SHAKY.replace("torch.rand(())", "torch.rand((), generator=GENERATOR)"), scale="1.0")
    files["model"] += "\n\nGENERATOR = torch.Generator().manual_seed(int.from_bytes(__import__('os').urandom(4)))\n"

    with pytest.raises(AutoModelError, match="does not give the run's own logits"):
        check(tmp_path, files, sandbox)


def test_a_model_that_is_another_one_in_the_exported_folder_is_refused(tmp_path: Path, sandbox: Sandbox) -> None:
    with pytest.raises(AutoModelError, match=r"logits differ by 1\.0e\+00"):
        check(tmp_path, model(TOURIST), sandbox)


def test_a_graph_that_is_another_network_is_left_out(tmp_path: Path, sandbox: Sandbox) -> None:
    parity = check(tmp_path, model(LIAR), sandbox)

    assert parity.predictor.close
    assert parity.onnx is None
    assert parity.problem.startswith("onnxruntime gives other logits: logits differ by 1.0e+00")
    assert not (tmp_path / "export" / "model.onnx").exists()


@pytest.mark.parametrize(
    ("code", "says"),
    [
        pytest.param("os._exit(0)", "ended early (finished, status 0)", marks=pytest.mark.long),
        pytest.param("raise SystemExit(3)", "ended early (finished, status 3)", marks=pytest.mark.long),
        ("os.abort()", "ended early (finished, status 134)"),
        ("raise ValueError('a\\nb\\x1b[31m' + '\\u202e' * 9999)", "ValueError: a"),
    ],
)
def test_a_model_that_breaks_the_export_costs_the_graph_alone(
    code: str, says: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    parity = check(tmp_path, model(EXIT, leave=code), sandbox)

    assert parity.predictor.close
    assert parity.onnx is None
    assert says in parity.problem
    assert len(parity.problem) <= 300
    assert parity.problem.isprintable()


@pytest.mark.parametrize(
    ("told", "leave", "says"),
    [
        pytest.param("'{\"problem\": 7}'", "pass", "ended early", marks=pytest.mark.long),
        pytest.param("FINE", "pass", "it was not made", marks=pytest.mark.long),
        ("FINE", "GRAPH.symlink_to('/etc/passwd')", "not a regular file"),
        ("FINE", "GRAPH.write_bytes(b'no')", "onnxruntime failed on validation images"),
        ("FINE", "os.truncate(os.open(GRAPH, os.O_CREAT | os.O_RDWR), 200 << 20)", "allowed"),
    ],
)
def test_what_a_hostile_model_leaves_is_read_strictly(
    told: str, leave: str, says: str, tmp_path: Path, sandbox: Sandbox
) -> None:
    parity = check(tmp_path, model(FORGER, says=told, leave=leave), sandbox)

    assert parity.predictor.close
    assert parity.onnx is None
    assert says in parity.problem
    assert not os.path.lexists(tmp_path / "export" / "model.onnx")


@pytest.mark.parametrize(
    "told", ['{"problem": "' + "x" * 5000 + '"}', "[" * 9000, '{"problem": "\ud800"}', '{"problem": 7}', "{}"]
)
def test_what_it_says_of_itself_is_read_strictly(told: str, tmp_path: Path) -> None:
    (tmp_path / TOLD).write_bytes(told.encode(errors="surrogatepass"))
    ended = Ended(verdict=Verdict.FINISHED, status=0, seconds=1.0, log="", files={TOLD: tmp_path / TOLD})

    assert _told(ended).problem == "the job that makes it ended early (finished, status 0)"


def test_a_model_that_fails_outside_of_its_run_is_refused(tmp_path: Path, sandbox: Sandbox) -> None:
    files = pipeline()
    files["model"] += "\n\nimport os\nif os.path.exists('/job/exported'):\n    raise RuntimeError('not here')\n"

    with pytest.raises(AutoModelError, match=r"The exported predict\.py failed .* RuntimeError: not here"):
        check(tmp_path, files, sandbox)
