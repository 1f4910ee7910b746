"""Training under the clock: what counts, what is kept, what is stopped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors import safe_open

from tests.harness_jobs import IMAGES, fit, pipeline, run_job, write_encoded, write_job

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness_jobs import Ran

pytestmark = pytest.mark.torch

VALIDATE = "accuracy = run.validate(model)"
LOG = "run.log(loss=loss, accuracy=accuracy)"
DEAF = {"seconds": 2, "grace_seconds": 0.5}
"""For a `train` that does not notice the end: long enough for its first epoch, then killed soon."""
BATCH_TRANSFORM = "def batch_transform(task):\n    return {}\n\n\ndef eval_"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return fit(tmp_path_factory.mktemp("plain") / "job", pipeline())


def test_a_good_pipeline_learns(plain: Ran) -> None:
    assert plain.report.crash is None
    assert plain.status == 0
    assert plain.report.curve[-1]["tuning_accuracy"] == 1.0
    assert plain.report.parameters == 195


def test_every_log_is_a_point_of_the_curve_and_an_event(plain: Ran) -> None:
    epochs = [event.metrics for event in plain.events if event.kind == "epoch"]

    assert [point["epoch"] for point in plain.report.curve] == [1, 2, 3]
    assert list(plain.report.curve) == epochs
    assert {"loss", "accuracy", "seconds", "images_per_second"} <= epochs[0].keys()


def test_steps_are_events(plain: Ran) -> None:
    steps = [event.text for event in plain.events if event.kind == "phase"]

    assert steps[0] == "check"
    assert "check: steps of train" in steps
    assert "fit: train" in steps


def test_the_same_seed_gives_the_same_weights_and_another_does_not(plain: Ran, tmp_path: Path) -> None:
    assert plain.weights == fit(tmp_path / "same", pipeline()).weights
    assert plain.weights != fit(tmp_path / "other", pipeline(), seed=8).weights


def test_loader_processes_give_the_same_weights_as_none(tmp_path: Path) -> None:
    slow = ("def train_transform(task):\n", "import time\n\n\ndef train_transform(task):\n    time.sleep(0)\n")
    slower = pipeline(data=("image.float() / 255 + 0.01", "time.sleep(0.006) or image.float() / 255 + 0.01"))
    slower["data"] = slower["data"].replace(*slow)
    none = fit(tmp_path / "none", slower, workers=0)

    assert none.weights == fit(tmp_path / "two", slower, workers=2).weights


def test_a_bug_in_a_loader_process_is_blamed_on_data(tmp_path: Path) -> None:
    bug = "time.sleep(0.006) or (os.getpgid(0) == os.getpid() or undefined) and image.float() / 255 + 0.01"
    files = pipeline(data=("image.float() / 255 + 0.01", bug))
    files["data"] = "import os, time\n" + files["data"]
    crash = fit(tmp_path / "job", files, workers=2).report.crash

    assert crash is not None
    assert (crash.phase, crash.culprit) == ("fit", "data")
    assert crash.error == "NameError: name 'undefined' is not defined"


def test_a_loader_process_that_dies_is_blamed_on_data(tmp_path: Path) -> None:
    bug = "time.sleep(0.006) or (os.getpgid(0) == os.getpid() or os._exit(1)) and image.float() / 255 + 0.01"
    files = pipeline(data=("image.float() / 255 + 0.01", bug))
    files["data"] = "import os, time\n" + files["data"]
    crash = fit(tmp_path / "job", files, workers=2).report.crash

    assert crash is not None
    assert crash.culprit == "data"


def test_a_train_that_fails_in_its_second_epoch_is_blamed(tmp_path: Path) -> None:
    crash = fit(tmp_path / "job", pipeline(train=(VALIDATE, f"1 / (1 - epoch)\n        {VALIDATE}"))).report.crash

    assert crash is not None
    assert (crash.phase, crash.culprit, crash.error) == ("fit", "train", "ZeroDivisionError: division by zero")


def test_a_train_that_is_too_long_is_stopped_and_its_last_weights_count(tmp_path: Path) -> None:
    ran = fit(tmp_path / "job", pipeline(train=("EPOCHS = 3", "EPOCHS = 10**9")), seconds=0.5)

    assert ran.report.crash is None
    assert ran.report.stopped == "clock"
    assert (ran.out / "weights.safetensors").exists()


def test_no_except_of_a_component_holds_the_clock_up(tmp_path: Path) -> None:
    files = pipeline(train=("EPOCHS = 3", "EPOCHS = 10**9"))
    files["train"] = files["train"].replace("        for images", "        try:\n         for images")
    files["train"] = files["train"].replace(
        f"        {VALIDATE}", f"        except Exception: pass\n        {VALIDATE}"
    )

    assert fit(tmp_path / "job", files, seconds=0.5).report.stopped == "clock"


def test_saved_weights_count_and_not_the_final_ones(tmp_path: Path) -> None:
    spoil = f"{LOG}\n        if epoch == 0: run.save(model)"
    saved = fit(tmp_path / "saved", pipeline(train=(LOG, spoil)))
    short = fit(tmp_path / "short", pipeline(train=("EPOCHS = 3", "EPOCHS = 1")))

    assert short.weights == saved.weights


def test_a_busy_loop_is_killed_and_what_it_saved_counts(tmp_path: Path) -> None:
    deaf = f"{LOG}\n        run.save(model)\n        while epoch == 1: pass"
    ran = fit(tmp_path / "job", pipeline(train=(LOG, deaf)), **DEAF)

    assert ran.report.crash is None
    assert ran.report.stopped == "clock"
    assert "did not notice" in ran.report.warnings[0]
    assert ran.report.seconds["train"] >= DEAF["seconds"]


@pytest.mark.parametrize("lie", ["train_begins()", "train_ended(''); run.channel.train_begins()"])
def test_a_component_that_winds_its_clock_up_is_killed_by_the_parents(lie: str, tmp_path: Path) -> None:
    again = f"{LOG}\n        run.save(model)\n        run.clock.end += 60; run.channel.{lie}"
    files = pipeline(train=(LOG, again))
    files["train"] = files["train"].replace("EPOCHS = 3", "EPOCHS = 10**9")
    ran = fit(tmp_path / "job", files, **DEAF)

    assert ran.report.crash is None
    assert ran.report.stopped == "clock"
    assert "did not notice" in ran.report.warnings[0]


def test_a_busy_loop_that_saved_nothing_is_a_crash(tmp_path: Path) -> None:
    crash = fit(tmp_path / "job", pipeline(train=(LOG, "while epoch == 1: pass")), **DEAF).report.crash

    assert crash is not None
    assert crash.culprit == "train"
    assert "run.seconds_left()" in crash.error


@pytest.mark.parametrize("leave", ["__import__('os')._exit(0)", "__import__('sys').exit(0)"])
def test_leaving_is_a_crash_even_with_status_zero(leave: str, tmp_path: Path) -> None:
    crash = fit(
        tmp_path / "job", pipeline(train=(VALIDATE, f"epoch == 1 and {leave}\n        {VALIDATE}"))
    ).report.crash

    assert crash is not None
    assert (crash.phase, crash.culprit) == ("fit", "train")


def test_final_weights_that_are_not_finite_are_a_crash(tmp_path: Path) -> None:
    spoil = f"{LOG}\n        if epoch == 2: model[0].weight.data.fill_(float('nan'))"
    crash = fit(tmp_path / "job", pipeline(train=(LOG, spoil))).report.crash

    assert crash is not None
    assert "not finite" in crash.error


def test_weights_that_are_not_finite_do_not_replace_good_ones(tmp_path: Path) -> None:
    spoil = f"{LOG}\n        if epoch == 2: model[0].weight.data.fill_(float('nan'))\n        run.save(model)"
    ran = fit(tmp_path / "job", pipeline(train=(LOG, spoil)))

    assert ran.report.crash is None
    assert "not all finite" in ran.report.warnings[0]


@pytest.mark.parametrize("wrap", ["torch.optim.swa_utils.AveragedModel", "torch.nn.DataParallel"])
def test_what_is_around_the_network_is_not_saved(wrap: str, tmp_path: Path) -> None:
    ran = fit(tmp_path / "job", pipeline(train=(LOG, f"{LOG}\n        run.save({wrap}(model))")))

    with safe_open(ran.out / "weights.safetensors", "np") as file:
        assert "0.weight" in file.keys()  # noqa: SIM118 - it is no mapping


def test_tied_weights_are_saved(tmp_path: Path) -> None:
    files = pipeline()
    files["model"] = (
        "from torch import nn\n\n\ndef build_model(task):\n    one = nn.Linear(64, 64)\n    two = nn.Linear(64, 64)\n"
        "    two.weight = one.weight\n    return nn.Sequential(nn.Flatten(), one, two, nn.Linear(64, 3))\n"
    )

    assert fit(tmp_path / "job", files).report.crash is None


def test_the_batch_is_halved_until_it_fits(tmp_path: Path) -> None:
    greedy = "for images, targets in batches:\n            if len(images) > 4: raise torch.OutOfMemoryError('of 8')"
    files = pipeline(train=("for images, targets in batches:", greedy))
    ran = fit(tmp_path / "job", files | {"train": files["train"].replace("batches(8)", "batches(16)")})

    assert ran.report.crash is None
    assert ran.report.batch_halvings == 2
    assert len(ran.report.warnings) == 2


def test_a_batch_that_never_fits_is_a_crash(tmp_path: Path) -> None:
    ran = fit(tmp_path / "job", pipeline(train=("loss.backward()", "raise torch.OutOfMemoryError('always')")))

    assert ran.report.crash is not None
    assert (ran.report.crash.culprit, ran.report.crash.error) == ("train", "OutOfMemoryError: always")
    assert ran.report.batch_halvings == 4


def test_soft_targets_train(tmp_path: Path) -> None:
    soft = "lambda images, labels: (images, torch.nn.functional.one_hot(labels, task.num_classes).float())"

    assert fit(tmp_path / "job", pipeline(data=("def eval_", BATCH_TRANSFORM.format(soft)))).report.crash is None


def test_images_are_drawn_by_their_weight(tmp_path: Path) -> None:
    chosen = "def sample_weights(task, labels):\n    return (labels == 1).float() + 1e-30\n\n\ndef eval_"
    files = pipeline(data=("def eval_", chosen), train=("loss=loss", "drawn=targets.float().mean(), loss=loss"))
    files["train"] = files["train"].replace("loss = cross", "assert set(targets.tolist()) == {1}; loss = cross")

    assert fit(tmp_path / "job", files).report.crash is None


def test_images_of_many_sizes_train(tmp_path: Path) -> None:
    resized = "return lambda image: torch.nn.functional.interpolate(image[None].float() / 255, (8, 8))[0]\n"
    files = pipeline(data=("return lambda image: image.float() / 255\n", resized))
    files["data"] = files["data"].replace("return lambda image: image.float() / 255 + 0.01 * torch.rand(())", resized)
    folder = write_job(tmp_path / "job", files, image_size=None)
    write_encoded(folder / "train", IMAGES)

    assert run_job("fit", folder).report.crash is None


def test_the_curve_of_a_train_that_logs_too_much_is_cut(tmp_path: Path) -> None:
    chatty = f"for _ in range(5000): run.log(**{{f'metric {{i}}': i / 7 for i in range(40)}})\n        {LOG}"
    ran = fit(tmp_path / "job", pipeline(train=(LOG, chatty)))

    assert ran.report.crash is None
    assert (ran.out / "events.jsonl").stat().st_size < 3 << 20


def test_components_see_the_task_without_the_tuning_images(tmp_path: Path) -> None:
    files = pipeline(train=("EPOCHS = 3", "EPOCHS = 1"))
    files["train"] = files["train"].replace("loss=loss", "size=task.train_size, rare=min(task.class_counts), loss=loss")
    point = fit(tmp_path / "job", files).report.curve[0]

    assert (point["size"], point["rare"]) == (54, 18)


def test_images_that_are_too_few_to_hold_any_out_are_validated_on(tmp_path: Path) -> None:
    ran = fit(tmp_path / "job", pipeline(), images=9)

    assert ran.report.crash is None
    assert "too few training images" in ran.report.warnings[0]


def test_the_report_is_json_without_nan(tmp_path: Path) -> None:
    ran = fit(tmp_path / "job", pipeline(train=("loss=loss", "loss=float('nan')")))

    assert "loss" not in json.loads((ran.out / "report.json").read_text())["curve"][0]
    assert np.isfinite(ran.report.curve[0]["accuracy"])


def test_a_small_network_gets_one_thread(tmp_path: Path) -> None:
    ran = fit(tmp_path / "job", pipeline(train=("loss=loss", "threads=torch.get_num_threads()")), cpus=2)

    assert ran.report.curve[0]["threads"] == 1
