"""Recipes as values: read, checked, filled in. What they do when they run stands in test_recipes_run.py."""

from __future__ import annotations

import ast
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.components import COMPONENTS
from orchestrator.static_check import check_component
from prompts.recipe import FOLDER, InvalidValueError, Parameter, Recipe, Value, read_recipe, recipe_names

RECIPES = [read_recipe(name) for name in recipe_names()]
every_recipe = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)


def values_of(parameter: Parameter) -> st.SearchStrategy[Value]:
    """Any value that a parameter takes."""
    if isinstance(parameter.default, bool):
        return st.booleans()
    if isinstance(parameter.default, str):
        return st.sampled_from(parameter.choices) if parameter.choices else st.just("resnet10t.c3_in1k")
    if isinstance(parameter.default, int):
        return st.integers(int(parameter.low), int(parameter.high))
    return st.floats(parameter.low, parameter.high)


def constants(source: str) -> dict[str, Value]:
    assigned = (node for node in ast.parse(source).body if isinstance(node, ast.Assign))
    return {
        node.targets[0].id: node.value.value
        for node in assigned
        if isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, bool | int | float | str)
    }


def without_constants(source: str) -> str:
    tree = ast.parse(source)
    tree.body = [
        node for node in tree.body if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Constant)
    ]
    return ast.dump(tree)


def test_there_is_a_recipe_for_each_kind_of_task() -> None:
    assert {
        "fine-tune-photos",
        "fine-tune-small",
        "large-photos",
        "many-classes",
        "small-colour",
        "small-data",
        "tiny-grey",
    } == set(recipe_names())


@every_recipe
def test_says_in_sentences_what_it_is_and_when_to_take_it(recipe: Recipe) -> None:
    for sentence in (recipe.summary, recipe.suits, *(parameter.meaning for parameter in recipe.parameters)):
        assert sentence[0].isupper()
        assert sentence.endswith(".")


@every_recipe
def test_components_have_the_functions_of_the_contract(recipe: Recipe) -> None:
    for name, source in recipe.fill({}).items():
        check_component(name, source)


@every_recipe
def test_every_component_has_parameters_of_different_names(recipe: Recipe) -> None:
    names = [parameter.name for parameter in recipe.parameters]
    assert set(COMPONENTS) == {parameter.component for parameter in recipe.parameters}
    assert len(names) == len(set(names))


@every_recipe
def test_numbers_have_a_range(recipe: Recipe) -> None:
    for parameter in recipe.parameters:
        if not isinstance(parameter.default, bool | str):
            assert math.isfinite(parameter.low)
            assert math.isfinite(parameter.high)


@every_recipe
@settings(deadline=None, max_examples=20)
@given(data=st.data())
def test_filling_in_sets_the_constants_and_nothing_else(recipe: Recipe, data: st.DataObject) -> None:
    values = {parameter.name: data.draw(values_of(parameter)) for parameter in recipe.parameters}
    filled = recipe.fill(values)
    for component in COMPONENTS:
        mine = {parameter.name.upper() for parameter in recipe.parameters if parameter.component == component}
        before, after = constants(recipe.sources[component]), constants(filled[component])
        assert {name: values[name.lower()] for name in mine} == {name: after[name] for name in mine}
        others = before.keys() - mine
        assert {name: before[name] for name in others} == {name: after[name] for name in after.keys() - mine}
        assert without_constants(recipe.sources[component]) == without_constants(filled[component])


def test_filling_in_defaults_gives_the_file_as_it_stands() -> None:
    assert (FOLDER / "tiny-grey" / "train.py").read_text() == read_recipe("tiny-grey").fill({})["train"]


def test_a_shared_component_gets_the_defaults_of_the_recipe_that_shares_it() -> None:
    recipe = read_recipe("small-colour")
    assert recipe.origins["data"] == "tiny-grey"
    assert recipe["flip"].default is True
    assert read_recipe("tiny-grey")["flip"].default is False
    assert "FLIP = True" in recipe.fill({})["data"]


def test_texts_are_filled_in_with_quotes() -> None:
    assert 'VIEWS = "none"  #' in read_recipe("tiny-grey").fill({"views": "none"})["model"]


def test_an_int_does_where_a_float_is_expected() -> None:
    assert "ROTATE = 3.0  #" in read_recipe("tiny-grey").fill({"rotate": 3})["data"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no_such", 1),
        ("reserve", 0.5),
        ("EPOCHS", 3),
        ("epochs", 0),
        ("epochs", 3.0),
        ("epochs", True),
        ("epochs", "3"),
        ("rotate", 181.0),
        ("rotate", math.nan),
        ("rotate", math.inf),
        ("flip", 1),
        ("views", "all"),
        ("views", None),
    ],
)
def test_refuses_unknown_names_wrong_types_and_values_out_of_range(name: str, value: Value) -> None:
    with pytest.raises(InvalidValueError):
        read_recipe("tiny-grey").fill({name: value})


@pytest.mark.parametrize("text", ['x"\nimport os', "a b", "", "../weights", "naïve", "x" * 101])
def test_refuses_a_name_that_is_no_single_word(text: str) -> None:
    with pytest.raises(InvalidValueError):
        read_recipe("fine-tune-photos").fill({"backbone": text})


def test_refuses_a_recipe_that_is_not_there() -> None:
    with pytest.raises(InvalidValueError, match=r"There is no recipe '../tiny-grey'"):
        read_recipe("../tiny-grey")
