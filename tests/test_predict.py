"""Images and weights to logits, in order, with no train.py about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from tests.harness_jobs import fit, labels_of, pipeline, pixels, predict, run_job, write_encoded

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness_jobs import Ran

pytestmark = pytest.mark.torch


@pytest.fixture
def trained(tmp_path: Path) -> Ran:
    return fit(tmp_path / "job", pipeline())


def test_logits_are_those_of_a_plain_forward(trained: Ran) -> None:
    from safetensors.torch import load_file  # noqa: PLC0415 - where torch is

    space: dict[str, object] = {}
    exec((trained.folder / "input/components/model.py").read_text(), space)  # noqa: S102 - a specimen of ours
    model = space["build_model"](type("Task", (), {"channels": 1, "num_classes": 3}))  # type: ignore[operator]
    model.load_state_dict(load_file(trained.out / "weights.safetensors"))
    with torch.no_grad():
        expected = model.eval()(torch.from_numpy(pixels(labels_of(10))).float() / 255).numpy()

    assert np.allclose(expected, predict(trained).logits, atol=1e-6)


def test_there_are_as_many_bytes_as_images_times_classes(trained: Ran) -> None:
    ran = predict(trained)

    assert (ran.out / "logits.f32").stat().st_size == 10 * 3 * 4
    assert {"events.jsonl", "logits.f32", "report.json"} <= {file.name for file in ran.out.iterdir()}
    assert "predict" in ran.report.seconds


def test_the_predict_of_a_component_is_used(tmp_path: Path) -> None:
    doubled = "def predict(model, images):\n    return model(images) - 1000\n\n\ndef build_"
    ran = predict(fit(tmp_path / "job", pipeline(model=("def build_", doubled))))

    assert ran.logits.max() < -500


def test_images_of_many_sizes_are_predicted_in_order(tmp_path: Path) -> None:
    resize = "return lambda image: torch.nn.functional.interpolate(image[None].float() / 255, (8, 8))[0]\n"
    longer = ("EPOCHS = 3", "EPOCHS = 15")  # until brightness is learnt for certain, on any CPU
    files = pipeline(data=("return lambda image: image.float() / 255\n", resize), train=longer)
    trained = fit(tmp_path / "job", files)
    write_encoded(trained.folder / "images", 10)

    assert list(labels_of(10)) == list(predict(trained).logits.argmax(axis=1))


def test_logits_of_another_shape_are_blamed_on_the_model(trained: Ran) -> None:
    file = trained.folder / "input/components/model.py"
    file.write_text(file.read_text() + "\n\ndef predict(model, images):\n    return model(images)[:, :2]\n")
    crash = predict(trained).report.crash

    assert crash is not None
    assert (crash.phase, crash.culprit) == ("predict", "model")
    assert "wanted (10, 3)" in crash.error


def test_weights_of_another_network_are_blamed_on_the_model(trained: Ran) -> None:
    file = trained.folder / "input/components/model.py"
    file.write_text(file.read_text().replace("BatchNorm2d(8)", "BatchNorm2d(8, affine=False)"))
    ran = predict(trained)

    assert ran.report.crash is not None
    assert (ran.report.crash.step, ran.report.crash.culprit) == ("load the weights", "model")
    assert ran.status == 1


def test_a_fault_that_is_no_components_has_a_status_of_its_own(trained: Ran) -> None:
    (trained.folder / "images" / "images.npy").unlink()
    (trained.folder / "images").rmdir()
    ran = predict(trained)

    assert ran.status == 70


def test_a_fine_tuned_network_predicts_where_its_pretrained_weights_are_not(tmp_path: Path) -> None:
    timm = "import timm\n\n\ndef build_model(task):\n"
    made = '    return timm.create_model("test_efficientnet.r160_in1k", pretrained=False, in_chans=1, num_classes=3)\n'
    trained = fit(tmp_path / "job", pipeline() | {"model": timm + made})
    file = trained.folder / "input/components/model.py"
    file.write_text(file.read_text().replace("pretrained=False", "pretrained=True"))
    ran = predict(trained)

    assert ran.report.crash is None
    assert ran.logits.shape == (10, 3)


@pytest.mark.parametrize("images", [2, 513, 1100])
def test_the_logits_of_an_image_do_not_tell_where_in_the_order_it_was(images: int, tmp_path: Path) -> None:
    mlp = (
        "from torch import nn\n\n\ndef build_model(task):\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, 200), "
    )
    trained = fit(tmp_path / "job", pipeline() | {"model": f"{mlp}nn.ReLU(), nn.Linear(200, 3))\n"})
    shown, order = pixels(labels_of(images)), np.random.default_rng(1).permutation(images)
    np.save(trained.folder / "images" / "images.npy", shown)
    first = predict(trained).logits
    np.save(trained.folder / "images" / "images.npy", shown[order])

    assert first.shape == (images, 3)
    assert first[order].tobytes() == run_job("predict", trained.folder).logits.tobytes()
