"""Every recipe trains and predicts, through the real harness, at its defaults and with everything turned on.

The networks are as small as the recipes allow: this shows that they run, not how good they are.
"""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from harness.report import Report
from prompts.recipe import read_recipe, recipe_names
from tests.harness_jobs import predict, run_job, write_encoded, write_job

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from prompts.recipe import Value
    from tests.harness_jobs import Ran

pytestmark = pytest.mark.torch

SMALL: dict[str, Value] = {
    "side": 32,
    "common_side": 12,
    "width": 8,
    "blocks": 1,
    "architecture": "mobilenetv3_small_100",
    "resolution": 32,
    "epochs": 2,
    "batch_size": 16,
}
STRONG: dict[str, Value] = {
    "shift": 0.3,
    "rotate": 180.0,
    "zoom": 0.5,
    "flip": True,
    "jitter": 1.0,
    "erase": 0.7,
    "mixup": 1.0,
    "cutmix": 1.0,
    "smallest_crop": 0.05,
    "policy": "rand",
    "dropout": 0.5,
    "drop_path": 0.5,
    "views": "shifts",
    "flip_views": True,
    "warm_up": 0.5,
    "label_smoothing": 0.3,
    "average": 20.0,
    "class_weights": 1.0,
    "patience": 1,
}
OFF: dict[str, Value] = {
    name: {float: 0.0, bool: False, int: 0}.get(type(value), "none") for name, value in STRONG.items()
} | {"smallest_crop": 1.0}
PHOTOS: dict[str, Any] = {"channels": 3, "image_size": None, "mean": [0.4] * 3, "std": [0.3] * 3}
TUNED = ("test_vit.r160_in1k", "test_convnext.r160_in1k", "test_efficientnet.r160_in1k")
"""The smallest networks of timm with exact names of weights; here their weights are random."""


def lay_out(folder: Path, recipe_name: str, *settings: Mapping[str, Value], encoded: bool = False, **task: Any) -> Path:
    """Lay out a job that trains a recipe, as small as it can be, with these settings."""
    recipe = read_recipe(recipe_name)
    small = SMALL | ({"width": 1} if recipe_name == "many-classes" else {})
    wanted = {name: value for each in (small, *settings) for name, value in each.items()}
    values = {parameter.name: wanted[parameter.name] for parameter in recipe.parameters if parameter.name in wanted}
    files: dict[str, str] = dict(recipe.fill(values))  # type: ignore[arg-type] # literals are strings
    write_job(folder, files, **{"cpus": 2, "check_seconds": 60, "grace_seconds": 10, **task})
    if encoded:
        write_encoded(folder / "train", 60)
        write_encoded(folder / "images", 10)
    return folder


def assert_trained(report: Report) -> None:
    assert report.crash is None
    assert report.warnings == ()
    assert 1 <= len(report.curve) <= 2
    assert {"loss", "accuracy", "learning_rate", "tuning_accuracy"} <= report.curve[-1].keys()


def assert_predicts(ran: Ran) -> None:
    assert_trained(ran.report)
    predicted = predict(ran)
    assert predicted.report.crash is None
    assert predicted.logits.shape == (10, 3)


def fine_tuned(folder: Path) -> Report:
    """Run a job with weights in a process that has imported nothing: where they lie is read when timm is imported."""
    writer = multiprocessing.get_context("forkserver").Process(target=_write_weights, args=(folder / "weights",))
    writer.start()
    writer.join()
    subprocess.run([sys.executable, "-m", "harness", "fit", "--root", str(folder)], check=False)
    return Report.parse((folder / "out" / "report.json").read_bytes())


def _write_weights(folder: Path) -> None:
    """Random weights, where timm looks for pretrained ones."""
    import timm  # noqa: PLC0415 - in the process that has it
    from safetensors.torch import save_model  # noqa: PLC0415

    for name in TUNED:
        repository = folder / f"models--timm--{name}"
        (repository / "snapshots" / "first").mkdir(parents=True)
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text("first")
        save_model(timm.create_model(name), str(repository / "snapshots" / "first" / "model.safetensors"))


from_scratch = pytest.mark.parametrize("recipe", [name for name in recipe_names() if not name.startswith("fine-tune")])


@from_scratch
def test_trains_on_small_grey_images_with_everything_turned_on(recipe: str, tmp_path: Path) -> None:
    assert_predicts(run_job("fit", lay_out(tmp_path, recipe, STRONG)))


@from_scratch
def test_trains_on_colour_images_of_many_sizes_with_everything_turned_off(recipe: str, tmp_path: Path) -> None:
    assert_predicts(run_job("fit", lay_out(tmp_path, recipe, OFF, encoded=True, **PHOTOS)))


@pytest.mark.parametrize("backbone", TUNED)
def test_fine_tunes_each_kind_of_network_on_photos(backbone: str, tmp_path: Path) -> None:
    choice: dict[str, Value] = {"backbone": backbone}
    job = lay_out(tmp_path, "fine-tune-photos", choice, encoded=True, weights=TUNED, **PHOTOS)
    assert_trained(fine_tuned(job))


def test_fine_tunes_on_small_grey_images_with_everything_turned_on(tmp_path: Path) -> None:
    assert_trained(fine_tuned(lay_out(tmp_path, "fine-tune-small", STRONG, weights=TUNED)))


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    first, second = (run_job("fit", lay_out(tmp_path / name, "tiny-grey", cpus=1)).weights for name in "ab")
    assert first == second
