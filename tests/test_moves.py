"""Moves: what a step leads to."""

from __future__ import annotations

import pytest

from orchestrator.catalogue import FOR, MOVES, candidates
from orchestrator.moves import BOLD, FINE, take
from prompts.recipe import Value, read_recipe, recipe_names

STEPS: list[tuple[str, str, Value, float, str | None]] = [
    ("more MixUp", "mixup", 0.0, BOLD, "data: MixUp 0 -> 0.2"),
    ("more MixUp", "mixup", 0.0, FINE, "data: MixUp 0 -> 0.08"),
    ("more MixUp", "mixup", 2.0, BOLD, None),
    ("less MixUp", "mixup", 0.0, BOLD, None),
    ("wider", "width", 16, BOLD, "model: width 16 -> 32"),
    ("wider", "width", 16, FINE, "model: width 16 -> 21"),
    ("wider", "width", 200, BOLD, "model: width 200 -> 256"),
    ("shallower", "blocks", 1, FINE, None),
    ("lower rate", "learning_rate", 0.003, BOLD, "train: learning rate 0.003 -> 0.0009"),
    ("shifted views", "views", "none", BOLD, "model: views none -> shifts"),
    ("shifted views", "views", "none", FINE, None),
    ("shifted views", "views", "shifts", BOLD, None),
    ("no flips", "flip", True, BOLD, "data: flip on -> off"),
    ("no flips", "flip", False, BOLD, None),
    ("higher resolution", "resolution", 128, BOLD, None),
]


@pytest.mark.parametrize(("name", "parameter", "value", "size", "change"), STEPS)
def test_a_step_goes_as_far_as_the_range_allows(
    name: str, parameter: str, value: Value, size: float, change: str | None
) -> None:
    recipe = read_recipe("tiny-grey")
    values = {parameter: value} if parameter in {known.name for known in recipe.parameters} else {}
    candidate = take(recipe, values, MOVES[name], size=size)
    assert change == (candidate.change if candidate else None)


def test_time_grows_with_the_square_of_the_width() -> None:
    candidate = take(read_recipe("tiny-grey"), {}, MOVES["wider"])
    assert candidate is not None
    assert candidate.slower == 4.0


def test_every_move_is_known_to_a_recipe() -> None:
    known = {parameter.name for name in recipe_names() for parameter in read_recipe(name).parameters}
    assert set() == {move.parameter for move in MOVES.values()} - known


def test_every_choice_of_a_move_is_one_of_the_recipe() -> None:
    for name in recipe_names():
        for parameter in read_recipe(name).parameters:
            for move in MOVES.values():
                if move.parameter == parameter.name:
                    assert list(move.to) == [parameter.read(value) for value in move.to]


@pytest.mark.parametrize("finding", FOR)
@pytest.mark.parametrize("name", recipe_names())
def test_every_candidate_fills_in_and_changes_one_component(name: str, finding: str) -> None:
    recipe = read_recipe(name)
    before = recipe.fill({})
    for candidate in candidates(recipe, {}, finding):  # type: ignore[arg-type] # the keys of FOR
        after = recipe.fill(candidate.choice.values)
        assert [candidate.component] == [part for part in before if before[part] != after[part]]


def test_ten_moves_and_more_for_each_recipe() -> None:
    for name in recipe_names():
        assert len({candidate.change for candidate in candidates(read_recipe(name), {}, "converged")}) >= 20
