"""The check knows the network that was asked for, wherever it stands, and whoever built it; and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harness_jobs import PATIENT, fit, pipeline, run_job
from tests.test_recipes_run import assert_trained, lay_out

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

pytestmark = pytest.mark.torch

TINY, BASE = "vit_tiny_patch16_224", "vit_base_patch16_224"


def sketch(name: str, **options: Any) -> nn.Module:
    """A network whose weights have shapes and no memory."""
    import timm  # noqa: PLC0415 - where the extra `harness` is
    import torch  # noqa: PLC0415

    with torch.device("meta"):
        network: nn.Module = timm.create_model(name, **options)
    return network


def refusal(model: nn.Module, name: str) -> str:
    """Why it is not this architecture; empty: it is."""
    from harness.blame import BrokenContractError  # noqa: PLC0415 - where the extra `harness` is
    from harness.check_backbone import check_backbone  # noqa: PLC0415

    try:
        check_backbone(model, name)
    except BrokenContractError as error:
        return f"{error.culprit}: {error}"
    return ""


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_classes": 0},
        {"num_classes": 40},
        {"img_size": 32, "in_chans": 1, "drop_path_rate": 0.1},
        {"img_size": 384},
    ],
)
def test_its_head_its_channels_and_its_size_are_free(options: dict[str, Any]) -> None:
    assert not refusal(sketch(TINY, **options), TINY)


def test_it_may_stand_inside_of_another_with_something_beside_it() -> None:
    from torch import nn  # noqa: PLC0415 - where the extra `harness` is

    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inside = nn.ModuleDict({"backbone": sketch(TINY, num_classes=0)})
            self.head = nn.Sequential(nn.Linear(192, 192), nn.GELU(), nn.Linear(192, 10))

    assert not refusal(Wrapped(), TINY)


def test_torchvisions_network_of_the_same_shapes_will_do() -> None:
    import torch  # noqa: PLC0415 - where the extra `harness` is
    from torchvision.models import vit_b_16  # noqa: PLC0415

    with torch.device("meta"):
        network = vit_b_16(num_classes=10)

    assert not refusal(network, BASE)
    assert "lacks" in refusal(network, "vit_base_patch32_224")


@pytest.mark.parametrize(
    ("name", "options", "found"),
    [
        (
            "resnet18",
            {},
            "this one, ResNet of 11,689,512 parameters, lacks 150 of its 150 weights, cls_token (1, 1, 192)",
        ),
        ("vit_small_patch16_224", {}, "lacks 150 of its 150 weights"),
        ("vit_tiny_patch16_224", {"depth": 6}, "lacks 72 of its 150 weights"),
        (
            "vit_tiny_patch16_224",
            {"patch_size": 8},
            "lacks 1 of its 150 weights, patch_embed.proj.weight (192, 3, 16, 16)",
        ),
        ("vit_tiny_patch16_224", {"depth": 24}, "has more beside it than a quarter of its 5,524,416 parameters"),
    ],
)
def test_another_network_is_refused_and_the_sentence_says_what_was_found(
    name: str, options: dict[str, Any], found: str
) -> None:
    why = refusal(sketch(name, **options), TINY)

    assert why.startswith(
        f"model: the network must be {TINY}, whole, as timm.create_model('{TINY}', ...) makes it; this one"
    )
    assert found in why


def test_a_pipeline_with_another_network_is_invalid_and_its_model_engineer_is_to_mend_it(tmp_path: Path) -> None:
    ran = fit(tmp_path / "job", pipeline(), backbone=TINY, **PATIENT)

    assert ran.report.crash is not None
    assert (ran.report.crash.phase, ran.report.crash.culprit) == ("check", "model")
    assert f"the network must be {TINY}" in ran.report.crash.error


def test_the_recipe_with_the_imposed_network_trains_from_scratch(tmp_path: Path) -> None:
    job = lay_out(tmp_path, "fine-tune-small", {"backbone": TINY, "layer_decay": 1.0}, backbone=TINY, **PATIENT)

    assert_trained(run_job("fit", job).report)
