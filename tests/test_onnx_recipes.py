"""Every recipe becomes a graph that gives its logits: the jobs' programs, in processes that have imported torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from orchestrator.export import lay_out
from orchestrator.parity import compare, write_sample
from orchestrator.scoring import read_logits
from prompts.recipe import read_recipe, recipe_names
from tests.exports import forked, make_source
from tests.harness_jobs import run_job, write_job
from tests.test_recipes_run import SMALL, STRONG, TUNED

if TYPE_CHECKING:
    from pathlib import Path

    from prompts.recipe import Value

pytestmark = pytest.mark.torch

CASES = [(name, sizes, "") for name in recipe_names() if not name.startswith("fine-tune") for sizes in (False, True)]
CASES += [("fine-tune-photos", True, backbone) for backbone in TUNED] + [("fine-tune-small", False, TUNED[0])]

USUAL = {("tiny-grey", False), ("large-photos", True)}
"""Tried in `make test`, with one kind of network that is fine-tuned."""


def filled(name: str, backbone: str) -> dict[str, str]:
    recipe = read_recipe(name)
    wanted = SMALL | {"views": STRONG["views"], "flip_views": True} | ({"width": 1} if name == "many-classes" else {})
    wanted |= {"backbone": backbone} if backbone else {}
    values: dict[str, Value] = {
        parameter.name: wanted[parameter.name] for parameter in recipe.parameters if parameter.name in wanted
    }
    return dict(recipe.fill(values))  # type: ignore[arg-type] # literals are strings


@pytest.mark.parametrize(
    ("name", "sizes", "backbone"),
    [pytest.param(*case, marks=() if case[:2] in USUAL or case[2] == TUNED[0] else pytest.mark.long) for case in CASES],
)
def test_a_recipe_becomes_a_graph_that_gives_its_logits(name: str, sizes: bool, backbone: str, tmp_path: Path) -> None:
    files = filled(name, backbone)
    source = make_source(tmp_path / "source", files, sizes=sizes, weights=(backbone,) if backbone else ())
    lay_out(source, tmp_path / "model")
    images = write_sample(source.dataset, tmp_path / "images")
    (tmp_path / "out").mkdir()
    forked(_make_and_run, tmp_path)

    wanted = harness_logits(tmp_path / "job", files, source, tmp_path / "images")
    found = read_logits(tmp_path / "out" / "logits.f32", images, 3)
    graph = read_logits(tmp_path / "out" / "onnx" / "logits.f32", images, 3)
    assert compare(found, wanted).close
    assert compare(graph, wanted).close, compare(graph, wanted).sentence


def harness_logits(folder: Path, files: dict[str, str], source: Any, images: Path) -> Any:
    """What the harness's own way gives."""
    task = vars(source.recorded.model.task)
    write_job(folder, files, **{name: value for name, value in task.items() if name != "seconds"})
    (folder / "input" / "weights.safetensors").write_bytes(source.recorded.model.weights.read_bytes())
    (folder / "images" / "images.npy").unlink()
    for path in images.iterdir():
        path.rename(folder / "images" / path.name)
    return np.array(run_job("predict", folder).logits)


def _make_and_run(folder: Path) -> None:
    from harness.export import make_onnx, run_onnx  # noqa: PLC0415 - in the process that has torch

    places = ["--exported", str(folder / "model"), "--images", str(folder / "images")]
    make_onnx.main([*places, "--out", str(folder / "out")])
    (folder / "out" / "onnx").mkdir()
    graph = ["--model", str(folder / "out" / "model.onnx")]
    run_onnx.main([*places, *graph, "--out", str(folder / "out" / "onnx")])
