"""Full fine-tuning and Visual Prompt Tuning as components: what is trained, how much, and what stays as it was."""

from __future__ import annotations

import math
import runpy
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.bench.paper.grid import TINY, Grid
from orchestrator.bench.paper.tuned import RECIPES, pipeline_of
from orchestrator.components import COMPONENTS
from orchestrator.static_check import check_component
from prompts.recipe import read_recipe, recipe_names
from tests.harness_jobs import PATIENT, predict, run_job, write_job
from tests.playbook_cases import make_task

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor, nn

    from orchestrator.bench.paper.grid import Method
    from orchestrator.components import Pipeline

pytestmark = pytest.mark.torch

SMALL = Grid(
    backbone="vit_tiny_patch16_224",
    tag="",
    side=32,
    epochs=2,
    warm_up=1,
    batch=16,
    lengths=(3,),
    rates=(0.5,),
    full_rates=(0.001,),
    decays=(0.01,),
)
DEPTH, WIDTH, CLASSES, PROMPTS = 12, 192, 3, 3
HEAD = (WIDTH + 1) * CLASSES
METHODS: tuple[Method, ...] = ("full", "vpt-shallow", "vpt-deep")
every_method = pytest.mark.parametrize("method", METHODS)


def components(method: Method, grid: Grid = SMALL) -> Pipeline:
    return pipeline_of(grid.points(method)[0])


def functions(source: str, folder: Path) -> dict[str, Any]:
    """What a component defines."""
    (folder / "component.py").write_text(source)
    return runpy.run_path(str(folder / "component.py"))


def network(method: Method, folder: Path, seed: int = 7) -> Any:
    """The network as the harness makes it before it is trained."""
    from harness.loading import seeded  # noqa: PLC0415 - where the extra `harness` is

    build = functions(components(method).model, folder)["build_model"]
    return seeded(seed, build, make_task(classes=("a", "b", "c"), seed=seed))


def trained_names(model: nn.Module) -> set[str]:
    return {name for name, weight in model.named_parameters() if weight.requires_grad}


def size(model: nn.Module, *, trained: bool) -> int:
    return sum(weight.numel() for weight in model.parameters() if weight.requires_grad is trained)


@every_method
def test_components_have_the_functions_of_the_contract(method: Method) -> None:
    for name in COMPONENTS:
        check_component(name, components(method)[name])


def test_the_playbook_does_not_draft_from_them() -> None:
    assert recipe_names(RECIPES) == ("vit",)
    assert "vit" not in recipe_names()
    assert read_recipe("vit", RECIPES)["backbone"].default == "vit_base_patch16_224.orig_in21k"


def test_full_fine_tuning_trains_all_of_the_network_and_prompts_almost_nothing(tmp_path: Path) -> None:
    full, shallow, deep = (network(method, tmp_path) for method in METHODS)

    assert size(full, trained=False) == 0
    assert size(shallow, trained=True) == PROMPTS * WIDTH + HEAD
    assert size(deep, trained=True) == DEPTH * PROMPTS * WIDTH + HEAD
    assert size(shallow, trained=False) == size(deep, trained=False) == size(full, trained=True) - HEAD
    assert trained_names(shallow) == trained_names(deep) == {"prompts", "vit.head.weight", "vit.head.bias"}


def test_prompts_are_drawn_as_xavier_has_it(tmp_path: Path) -> None:
    prompts = network("vpt-deep", tmp_path).prompts.detach()
    limit = math.sqrt(6 / (3 * 16 * 16 + WIDTH))

    assert prompts.shape == (DEPTH, PROMPTS, WIDTH)
    assert 0.9 * limit < float(prompts.abs().max()) <= limit
    assert abs(float(prompts.mean())) < 0.1 * limit


def test_without_prompts_its_forward_is_that_of_timm(tmp_path: Path) -> None:
    import torch  # noqa: PLC0415 - where the extra `harness` is

    model, images = network("vpt-deep", tmp_path).eval(), torch.randn(2, 3, 32, 32)
    model.prompts = torch.nn.Parameter(torch.empty(0, PROMPTS, WIDTH))

    assert torch.equal(model(images), model.vit(images))


@pytest.mark.parametrize(("method", "tokens"), [("vpt-shallow", 8), ("vpt-deep", 8), ("full", 5)])
def test_every_layer_sees_class_token_prompts_and_patches(method: Method, tokens: int, tmp_path: Path) -> None:
    import torch  # noqa: PLC0415 - where the extra `harness` is

    model, seen = network(method, tmp_path), []
    for block in getattr(model, "vit", model).blocks:
        block.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))

    assert model(torch.randn(2, 3, 32, 32)).shape == (2, CLASSES)
    assert [each.shape[1] for each in seen] == [tokens] * DEPTH


@pytest.mark.parametrize(("method", "fresh"), [("vpt-shallow", [0]), ("vpt-deep", list(range(DEPTH)))])
def test_deep_prompts_are_each_layers_own_and_shallow_ones_pass_through(
    method: Method, fresh: list[int], tmp_path: Path
) -> None:
    import torch  # noqa: PLC0415 - where the extra `harness` is

    model, seen = network(method, tmp_path).eval(), []
    for block in model.vit.blocks:
        block.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(torch.randn(2, 3, 32, 32))

    own: list[int] = []
    for layer, tokens in enumerate(seen):
        if layer < len(model.prompts) and torch.equal(tokens[0, 1 : 1 + PROMPTS], model.prompts[layer]):
            own.append(layer)
    assert own == fresh


def test_images_are_resized_and_normalized_grey_ones_too(tmp_path: Path) -> None:
    import torch  # noqa: PLC0415 - where the extra `harness` is

    data = functions(components("full").data, tmp_path)
    white = data["eval_transform"](make_task())(torch.full((1, 8, 8), 255, dtype=torch.uint8))

    assert white.shape == (3, 32, 32)
    assert [round(float(value), 3) for value in white[:, 3, 3]] == [2.249, 2.429, 2.64]  # (1 - mean) / deviation


def test_the_rate_rises_falls_and_follows_the_batch(tmp_path: Path) -> None:
    scale = functions(components("full", TINY).train, tmp_path)["scale"]

    assert 0 < scale(0.0) < 0.1
    assert scale(TINY.warm_up / TINY.epochs) == pytest.approx(1.0)
    assert scale(1.0) == pytest.approx(0.0)


def loaded(weights: bytes) -> dict[str, Tensor]:
    from safetensors.torch import load  # noqa: PLC0415 - where the extra `harness` is

    tensors: dict[str, Tensor] = load(weights)
    return tensors


@every_method
def test_through_the_harness_it_trains_leaves_the_frozen_as_they_were_and_predicts(
    method: Method, tmp_path: Path
) -> None:
    import torch  # noqa: PLC0415 - where the extra `harness` is

    before = network(method, tmp_path)
    files: dict[str, str] = {name: components(method)[name] for name in COMPONENTS}
    fitted = run_job("fit", write_job(tmp_path / "job", files, hold_out=False, **PATIENT))
    assert fitted.report.crash is None
    after = loaded(fitted.weights)
    predicted = predict(fitted)

    assert [point["epoch"] for point in fitted.report.curve] == [1, 2]
    assert (fitted.report.parameters, fitted.report.frozen) == (size(before, trained=True), size(before, trained=False))
    changed = {name for name, weight in before.named_parameters() if not torch.equal(weight, after[name])}
    assert changed == trained_names(before)
    assert predicted.report.crash is None
    assert predicted.logits.shape == (10, CLASSES)
