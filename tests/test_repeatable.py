"""On one machine and CPU, equal seeds give equal logits, bit for bit, and other seeds others."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from orchestrator.blinding import Blinding
from orchestrator.components import Pipeline
from orchestrator.execute import USUAL, Executor, Terms
from orchestrator.job_files import LOGITS
from orchestrator.outcome import Trained
from prompts.recipe import read_recipe
from tests.harness_jobs import fit, pipeline, predict
from tests.hostile_cases import make_jobs, make_noise
from tests.sandboxes import open_real
from tests.test_recipes_run import SMALL

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.dataset import Dataset
    from sandbox.base import Sandbox

pytestmark = pytest.mark.torch

SLOW = "    time.sleep(0.005)\n    return image.float() / 255 + 0.01 * torch.rand(())\n"
"""An image that is worth loader processes."""
TABLE = """import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, task):
        super().__init__()
        self.table = nn.Parameter(torch.randn(256, 256) / 16)
        self.head = nn.Linear(256, task.num_classes)

    def forward(self, images):
        return self.head(self.table[(images.clamp(0, 1) * 255).long().flatten(1)].mean(1))


build_model = Model
"""
"""What it looks up gets its gradient from several threads at once."""


def costly() -> dict[str, str]:
    """The plain pipeline, with loader processes."""
    files = pipeline(
        data=("    return lambda image: image.float() / 255 + 0.01 * torch.rand(())\n", "    return slowly\n")
    )
    files["data"] = f"import time\n{files['data']}\n\ndef slowly(image):\n{SLOW}"
    return files


TWO_THREADS = pipeline(train=("run.batches(8)", "run.batches(8)\n    torch.set_num_threads(2)"))
PIPELINES = {"loader processes": costly(), "a table": TWO_THREADS | {"model": TABLE}}


@pytest.mark.parametrize("files", PIPELINES.values(), ids=PIPELINES)
def test_the_harness_gives_the_same_logits_for_the_same_seed(files: dict[str, str], tmp_path: Path) -> None:
    ran = [fit(tmp_path / f"{number}", files, cpus=2, workers=2, seed=seed) for number, seed in enumerate((1, 1, 2))]
    first, again, other = (predict(each).logits.tobytes() for each in ran)

    assert first == again
    assert first != other


def test_a_delay_changes_no_result_of_a_recipe(tmp_path: Path) -> None:
    small = {name: SMALL[name] for name in ("width", "blocks")} | {"epochs": 20}
    files: dict[str, str] = dict(read_recipe("tiny-grey").fill(small))  # type: ignore[arg-type] # literals are strings
    first = "    total, step"
    late = files | {"train": files["train"].replace(first, f"    __import__('time').sleep(1)\n{first}")}

    assert late["train"] != files["train"]
    assert fit(tmp_path / "a", files, seconds=40).weights == fit(tmp_path / "b", late, seconds=40).weights


@pytest.mark.bubblewrap
@pytest.mark.parametrize(
    ("recipe", "slowly"), [("tiny-grey", False), pytest.param("small-colour", True, marks=pytest.mark.long)]
)
def test_two_runs_in_a_sandbox_give_the_same_logits_for_the_same_seed(
    recipe: str, *, slowly: bool, tmp_path: Path
) -> None:
    known = {parameter.name for parameter in read_recipe(recipe).parameters}
    values = {name: value for name, value in SMALL.items() if name in known}
    chosen = Pipeline(**read_recipe(recipe).fill(values))
    chosen = chosen.with_component("data", costly()["data"]) if slowly else chosen
    dataset = make_noise(tmp_path / "dataset")
    with closing(open_real("bubblewrap")) as sandbox:
        first, again, other = (
            execute(chosen, dataset, sandbox, tmp_path / name, terms)
            for name, terms in {"first": USUAL, "again": USUAL, "other": Terms(seed=7)}.items()
        )

    assert first == again
    assert first != other


def execute(chosen: Pipeline, dataset: Dataset, sandbox: Sandbox, run: Path, terms: Terms) -> bytes:
    """In a run of its own, which shows the images in an order of its own; the logits in that of the split."""
    run.mkdir()
    blinding = Blinding(dataset, run)
    task = dataset.task(device="cpu", seed=1, seconds=60, weights=())
    with closing(Executor(make_jobs(run, sandbox, blinding), blinding, task, ahead=False)) as executor:
        outcome = executor.execute(chosen, run / "attempt", terms)
    assert isinstance(outcome, Trained), outcome
    return (run / "attempt" / LOGITS).read_bytes()
