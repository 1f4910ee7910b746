"""A fit that is hopeless beside the best run ends as if its clock had rung; and training with nothing held out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harness_jobs import IMAGES, fit, labels_of, pipeline

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness_jobs import Ran

pytestmark = pytest.mark.torch

RIVAL = [[0.0, 1.0], [0.1, 1.0]]
"""It knew everything at once."""
LOG = "run.log(loss=loss, accuracy=accuracy)"
DARK = (
    "def train_transform(task):\n    return lambda image: image.float() * 1e-9\n\n\neval_transform = train_transform\n"
)
"""Next to nothing can be learnt from images that are next to black; the check refuses those that are all alike."""


def hopeless(folder: Path, *, files: dict[str, str] | None = None, **settings: Any) -> Ran:
    """One that would train for ever, and learns nothing."""
    endless = pipeline(train=("EPOCHS = 3", "EPOCHS = 10**9")) | {"data": DARK} | (files or {})
    return fit(folder, endless, images=2 * IMAGES, **({"rival": RIVAL, "seconds": 6} | settings))


def test_a_hopeless_fit_ends_before_its_clock_and_its_weights_count(tmp_path: Path) -> None:
    ran = hopeless(tmp_path / "job")
    last = ran.report.curve[-1]

    assert ran.report.crash is None
    assert ran.report.stopped == "hopeless"
    assert last["seconds"] >= 0.6 * 6
    assert (last["rival_accuracy"], round(last["tuning_accuracy"], 2)) == (1.0, 0.33)
    assert "its tuning accuracy was 0.333 where the best had 1.000" in ran.report.warnings[-1]
    assert (ran.out / "weights.safetensors").exists()


def test_without_a_rival_it_goes_on_to_the_end_of_its_clock(tmp_path: Path) -> None:
    assert hopeless(tmp_path / "job", rival=[], seconds=0.5).report.stopped == "clock"


def test_one_that_learns_is_not_stopped(tmp_path: Path) -> None:
    ran = fit(tmp_path / "job", pipeline(), images=2 * IMAGES, rival=RIVAL, seconds=0.5)

    assert ran.report.stopped != "hopeless"


def test_a_component_that_holds_on_ends_with_its_next_batch(tmp_path: Path) -> None:
    holding = pipeline(train=("EPOCHS = 3", "EPOCHS = 10**9"))["train"]
    holding = holding.replace(
        "accuracy = run.validate(model)", "try: accuracy = run.validate(model)\n        except BaseException: pass"
    )
    ran = hopeless(tmp_path / "job", files={"train": holding})

    assert (ran.report.crash, ran.report.stopped) == (None, "hopeless")


@pytest.mark.parametrize("attack", ["run.race = 7", "run.race.rival = None", "run.race._gains.append(None)"])
def test_who_breaks_the_comparison_crashes_alone(attack: str, tmp_path: Path) -> None:
    ran = hopeless(tmp_path / "job", files={"train": pipeline(train=(LOG, f"{LOG}\n        {attack}"))["train"]})

    assert ran.report.crash is None or ran.report.crash.phase in {"check", "fit"}
    assert ran.status in {0, 1}


def test_a_liar_about_its_end_cannot_fill_the_report(tmp_path: Path) -> None:
    lie = (
        f"{LOG}\n        run.channel.train_ended('x' * 900_000)\n        run.channel._say({{'warning': 'y' * 900_000}})"
    )
    ran = fit(tmp_path / "job", pipeline(train=(LOG, lie)))

    assert ran.report.crash is None
    assert max(map(len, ran.report.warnings)) == 500


def test_with_nothing_held_out_all_images_are_trained_on(tmp_path: Path) -> None:
    files = pipeline(train=("loss=loss", "size=task.train_size, rare=min(task.class_counts), loss=loss"))
    files["train"] = files["train"].replace("for images, targets", "seen = 0\n        for images, targets")
    files["train"] = files["train"].replace(
        "            loss = cross", "            seen += len(images)\n            loss = cross"
    )
    files["train"] = files["train"].replace("size=task", "seen=seen, size=task").replace("batches(8)", "batches(10)")
    ran = fit(tmp_path / "job", files, hold_out=False, rival=RIVAL)
    point = ran.report.curve[0]

    assert len(labels_of(IMAGES)) == point["seen"] == point["size"] == 3 * point["rare"]
    assert "nothing is held out: run.validate looks at training images" in ran.report.warnings
    assert ran.report.stopped == ""
