"""Which pretrained weights a pipeline asks for is read from its text, and nothing of it is run."""

from __future__ import annotations

import pytest

from orchestrator.asked_weights import MOST, asked_weights
from orchestrator.components import Pipeline
from prompts.recipe import read_recipe


def asked(model: str, *, data: str = "", train: str = "") -> tuple[str, ...]:
    return asked_weights(Pipeline(data=data, model=model, train=train))


@pytest.mark.parametrize(
    "source",
    [
        'timm.create_model("a.x", pretrained=True)',
        'timm.create_model("a.x", True)',
        'create_model(model_name="a.x", pretrained=True, num_classes=3)',
        'timm.models.create_model("a.x", pretrained="a.x" in task.weights)',
        'NAME = "a.x"\ndef f():\n    return timm.create_model(NAME, pretrained=True)',
        'def f():\n    name: str = "a.x"\n    return timm.create_model(name, pretrained=True)',
    ],
)
def test_a_text_or_a_name_that_stands_for_one_is_found(source: str) -> None:
    assert asked(source) == ("a.x",)


@pytest.mark.parametrize(
    "source",
    [
        'timm.create_model("a.x")',
        'timm.create_model("a.x", pretrained=False)',
        "timm.create_model(task.weights[0], pretrained=True)",
        'other("a.x", pretrained=True)',
        "timm.create_model(pretrained=True)",
        'timm.create_model(f"a.{x}", pretrained=True)',
        "def broken(:",
        "(" * 5000,
        f'timm.create_model("{"a" * 500}", pretrained=True)',
    ],
)
def test_what_asks_for_no_weights_or_names_none_is_passed_over(source: str) -> None:
    assert asked(source) == ()


def test_both_branches_of_a_choice_count() -> None:
    assert asked('timm.create_model("a.x" if gpu else "b.x", pretrained=True)') == ("a.x", "b.x")


def test_all_components_are_read_and_a_broken_one_hides_no_other() -> None:
    call = 'timm.create_model("{}", pretrained=True)'
    assert asked(call.format("a.x"), data="def (", train=call.format("b.x")) == ("a.x", "b.x")


def test_no_more_names_are_taken_than_an_ensemble_has() -> None:
    calls = [f'timm.create_model("a{number}.x", pretrained=True)' for number in range(100)]
    assert len(asked("\n".join(calls))) == MOST


@pytest.mark.parametrize("recipe", ["fine-tune-photos", "fine-tune-small"])
def test_the_backbone_of_a_recipe_is_found(recipe: str) -> None:
    files = read_recipe(recipe).fill({"backbone": "resnet18.a1_in1k"})
    assert "resnet18.a1_in1k" in asked_weights(Pipeline(**files))
