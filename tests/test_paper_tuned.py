"""A cell that a grid designs: what is tried and chosen, that nothing is made twice, and all of it for real, once."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.bench.paper.grid import PAPER, TINY, Grid
from orchestrator.bench.paper.tuned import RECIPES, Tuner, tuned
from orchestrator.dataset import Dataset
from orchestrator.errors import AutoModelError
from prompts.recipe import read_recipe
from sandbox.base import SandboxError
from tests.endings import make_shades, make_weights, open_over
from tests.fakes import LABELS, ScriptedJob, ScriptedSandbox, Watcher, make_dataset
from tests.sandboxes import open_real
from tests.small_weights import settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestrator.bench.paper.grid import Method
    from orchestrator.bench.paper.measured import Measured
    from sandbox.base import Sandbox

METHODS: tuple[Method, ...] = ("full", "vpt-shallow", "vpt-deep")
THREE = replace(TINY, full_rates=(0.005, 0.001, 0.0005), decays=(0.01,))
RIGHT, HALF = LABELS["validation"], [0, 1, 1, 1]
WEIGHTS = {"weights.safetensors": make_weights(1.0)}
CRASH = ScriptedJob(status=1, log="RuntimeError: too high a rate")


def scripted(*predicted: Sequence[int], fits: Sequence[ScriptedJob] = ()) -> ScriptedSandbox:
    """What is predicted after each training; where there are no scripts of `fits`, every training ends well."""
    trained = list(fits) or [ScriptedJob(WEIGHTS) for _ in predicted]
    return ScriptedSandbox({"fit": trained, "predict": [ScriptedJob(answers=each) for each in predicted]})


def measure(folder: Path, sandbox: Sandbox, grid: Grid = THREE) -> Measured:
    """One cell of full fine-tuning on noise; called again, it goes on."""
    place = folder / "dataset"
    dataset = Dataset(place) if place.exists() else make_dataset(place)
    with open_over(folder, sandbox, dataset) as over:
        tuner = Tuner(method="full", grid=grid, executor=over.executor, journal=over.journal, view=Watcher())
        return tuner.measure()


def test_the_grid_is_that_of_the_paper() -> None:
    full, shallow, deep = (PAPER.points(method) for method in METHODS)
    assert (len(full), len(shallow), len(deep)) == (16, 240, 240)
    assert {point.values["optimizer"] for point in full} == {"adamw"}
    assert {point.values["dropout"] for point in shallow} == {0.0}
    assert {point.values["dropout"] for point in deep} == {0.1}
    sizes = {(point.values["prompts"], point.values["batch_size"]) for point in deep}
    assert sizes == {(1, 128), (5, 128), (10, 128), (50, 128), (100, 64), (200, 64)}
    assert len({point.key for point in deep}) == 240


@pytest.mark.parametrize("grid", [PAPER, TINY])
@pytest.mark.parametrize("method", METHODS)
def test_every_point_is_one_that_the_recipe_takes_and_no_two_are_the_same(grid: Grid, method: Method) -> None:
    recipe = read_recipe("vit", RECIPES)
    complete = [recipe.complete(point.values) for point in grid.points(method)]
    assert all(values not in complete[:place] for place, values in enumerate(complete))


def test_the_best_on_validation_is_trained_on_all_and_tested_once_and_of_equals_the_lowest_rate(tmp_path: Path) -> None:
    sandbox = scripted(HALF, RIGHT, RIGHT, LABELS["validation"], LABELS["test"])

    measured = measure(tmp_path, sandbox)

    assert measured.test
    assert measured.validation
    assert (measured.test.accuracy, measured.test.images) == (1.0, 5)
    assert (measured.validation.accuracy, measured.validation.images) == (1.0, 4)
    assert "best of 3 settings on validation: rate-0.0005-decay-0.01" in measured.notes
    assert "from scratch: no pretrained weights at this scale" in measured.notes
    assert measured.seconds == 9.0  # of four trainings and five predictions
    fits = [json.loads(given["task.json"]) for given in sandbox.inputs if "components/train.py" in given]
    assert [fit["hold_out"] for fit in fits] == [False] * 4
    assert [fit["train_size"] for fit in fits] == [30, 30, 30, 34]


def test_what_is_on_disk_is_not_made_again_and_weights_of_losers_are_not_kept(tmp_path: Path) -> None:
    first = measure(tmp_path, scripted(HALF, RIGHT, RIGHT, LABELS["validation"], LABELS["test"]))
    again = ScriptedSandbox({})

    assert measure(tmp_path, again) == first
    assert again.started == []
    assert {path.parent.name for path in (tmp_path / "run").rglob("weights.safetensors")} == {"refit", "test"}


def test_a_cell_that_the_sandbox_failed_goes_on_where_it_stopped(tmp_path: Path) -> None:
    fails = [ScriptedJob(WEIGHTS), ScriptedJob(WEIGHTS), ScriptedJob(fails=True), ScriptedJob(fails=True)]
    with pytest.raises(SandboxError):
        measure(tmp_path, scripted(HALF, RIGHT, fits=fails))

    rest = scripted(HALF, LABELS["validation"], LABELS["test"])
    measured = measure(tmp_path, rest)

    assert "rate-0.001-decay-0.01" in measured.notes
    assert rest.scripts["predict"] == []


def test_another_grid_of_the_same_cell_is_measured_anew(tmp_path: Path) -> None:
    measure(tmp_path, scripted(HALF, RIGHT, RIGHT, LABELS["validation"], LABELS["test"]))
    one = replace(THREE, full_rates=(0.001,), epochs=3)

    measured = measure(tmp_path, scripted(HALF, LABELS["validation"], LABELS["test"]), one)

    assert measured.validation
    assert measured.validation.accuracy == 0.5
    assert "best of 1 settings" in measured.notes


def test_a_setting_that_crashed_is_not_chosen_and_is_counted(tmp_path: Path) -> None:
    fits = [CRASH, ScriptedJob(WEIGHTS), ScriptedJob(WEIGHTS), ScriptedJob(WEIGHTS)]

    measured = measure(tmp_path, scripted(HALF, RIGHT, LABELS["validation"], LABELS["test"], fits=fits))

    assert measured.test
    assert "1 settings crashed" in measured.notes


def test_where_every_setting_crashed_the_cell_says_so_and_has_no_number(tmp_path: Path) -> None:
    measured = measure(tmp_path, scripted(fits=[CRASH, CRASH, CRASH]))

    assert measured.test is None
    assert measured.problem.startswith("No setting trained: ")


def test_a_refit_that_crashed_leaves_the_validation_number_alone(tmp_path: Path) -> None:
    fits = [*(ScriptedJob(WEIGHTS) for _ in range(3)), CRASH]

    measured = measure(tmp_path, scripted(HALF, RIGHT, RIGHT, fits=fits))

    assert measured.test is None
    assert measured.validation
    assert measured.problem.startswith("The best setting crashed on all images: ")


def test_without_the_pretrained_weights_the_papers_scale_is_refused_and_says_how_to_get_them(tmp_path: Path) -> None:
    wanted = "`automodel weights fetch vit_base_patch16_224.orig_in21k` gets them"
    with pytest.raises(AutoModelError, match=wanted):
        tuned("vpt-deep", settings(tmp_path), ScriptedSandbox({}), Watcher(), tmp_path / "cell")


@pytest.mark.torch
@pytest.mark.bubblewrap
@pytest.mark.long
def test_prompts_are_tuned_in_a_real_sandbox(tmp_path: Path) -> None:
    grid = replace(TINY, epochs=2, warm_up=1, rates=(0.5,))
    dataset = make_shades(tmp_path / "dataset")
    with (
        closing(open_real("bubblewrap")) as sandbox,
        open_over(tmp_path, sandbox, dataset) as over,
    ):
        tuner = Tuner(method="vpt-deep", grid=grid, executor=over.executor, journal=over.journal, view=Watcher())
        measured = tuner.measure()

    assert measured.problem == ""
    assert measured.test
    assert measured.test.images == 60
    assert "12,099 of 5,499,651 parameters trained" in measured.notes
