"""Agents that choose: legal choices are filled in, illegal ones are asked again, and the playbook stands in at last."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.chooser import change_schema
from orchestrator.first_choice import choices
from orchestrator.playbook import pipeline
from orchestrator.repairs import list_repairs
from orchestrator.team import Choice, Proposal
from prompts.recipe import read_recipe, recipe_names
from tests.playbook_cases import curve, trained
from tests.team_cases import PROFILE, Staff, after, changed, chosen, crash, failed, feedback, scored, written

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.team import Iteration

TINY = Choice(recipe="tiny-grey", values={"width": 24})
BEST = Proposal(pipeline=pipeline(TINY), component=None, change="recipe: tiny-grey", reason="So.", choice=TINY)
HISTORY = [after(BEST)]


def test_the_draft_is_the_recipe_that_the_architect_chose(tmp_path: Path) -> None:
    staff = Staff(tmp_path, {"architect": [chosen("small-colour")]})

    proposal = staff.choosing.draft(PROFILE)

    assert proposal.choice is not None
    assert proposal.choice.recipe == "small-colour"
    assert proposal.pipeline == pipeline(proposal.choice)
    [request] = staff.asked("architect")
    assert request.schema is not None
    assert request.schema["properties"]["recipe"]["enum"] == ["tiny-grey", "small-colour"]


def test_a_recipe_that_is_none_is_asked_again_and_then_the_likeliest_is_taken(tmp_path: Path) -> None:
    staff = Staff(tmp_path, {"architect": [chosen("huge"), "tiny-grey, please", chosen("../etc")]})

    proposal = staff.choosing.draft(PROFILE)

    assert proposal.change == "recipe: tiny-grey"
    assert "There is no recipe 'huge'; choose one of" in staff.asked("architect")[1].messages[-1].text


def test_a_change_is_one_value_of_one_parameter(tmp_path: Path) -> None:
    staff = Staff(tmp_path, {"analyst": [feedback()], "training_engineer": [changed("epochs", 80)]})

    proposal = staff.choosing.revise(PROFILE, HISTORY)

    assert proposal is not None
    assert proposal.choice == Choice(recipe="tiny-grey", values={"width": 24, "epochs": 80})
    assert (proposal.component, proposal.change) == ("train", "train: epochs 40 -> 80")
    assert "EPOCHS = 80" in proposal.pipeline.train
    prompt = staff.prompt("training_engineer")
    assert "epochs (now 40; a whole number from 1 to 1000)" in prompt
    assert "Train 10 epochs." in prompt


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (changed("epochs", 100_000), "takes 1 to 1000"),
        (changed("epochs", "many"), "takes int"),
        (changed("epochs", 40), "is 40 already"),
        (changed("width", 32), "is no parameter of train.py"),
        (changed("__import__", 1), "has no parameter"),
        (changed("learning_rate", 10**400), "beyond all bounds"),
        ('{"why": "x"}', "'change' will not do"),
    ],
)
def test_an_illegal_choice_is_asked_again_with_the_reason(tmp_path: Path, reply: str, says: str) -> None:
    staff = Staff(tmp_path, {"analyst": [feedback()], "training_engineer": [reply, changed("epochs", 80)]})

    proposal = staff.choosing.revise(PROFILE, HISTORY)

    assert proposal is not None
    assert proposal.change == "train: epochs 40 -> 80"
    assert says in staff.asked("training_engineer")[1].messages[-1].text


def test_what_was_measured_is_not_chosen_again(tmp_path: Path) -> None:
    tried = Choice(recipe="tiny-grey", values={"width": 24, "epochs": 80})
    second = Proposal(pipeline=pipeline(tried), component="train", change="train: longer", reason="", choice=tried)
    history = [*HISTORY, after(second, scored(0.8), number=1, kept=False)]
    replies = {
        "analyst": [feedback(change="more epochs")],
        "training_engineer": [changed("epochs", 80), changed("epochs", 60)],
    }
    staff = Staff(tmp_path, replies)

    proposal = staff.choosing.revise(PROFILE, history)

    assert proposal is not None
    assert proposal.change == "train: epochs 40 -> 60"
    assert "was tried in iteration 1" in staff.asked("training_engineer")[1].messages[-1].text


def test_a_value_that_crashed_in_an_earlier_iteration_is_not_chosen_again(tmp_path: Path) -> None:
    wide = Choice(recipe="tiny-grey", values={"width": 48})
    tried = replace(BEST, pipeline=pipeline(wide), choice=wide, change="model: width 24 -> 48")
    repairs = list_repairs([failed(tried, error="MemoryError: x")], BEST, crash())
    history = [*HISTORY, after(BEST, crash(), number=1, kept=False, repairs=repairs)]
    replies = {"analyst": [feedback("model", "wider")], "model_engineer": [changed("width", 48), changed("width", 32)]}
    staff = Staff(tmp_path, replies)

    proposal = staff.choosing.revise(PROFILE, history)

    assert proposal is not None
    assert proposal.change == "model: width 24 -> 32"
    assert "in iteration 1, and crashed with: MemoryError: x" in staff.asked("model_engineer")[1].messages[-1].text


def test_moves_that_were_tried_are_not_recommended(tmp_path: Path) -> None:
    choice = Choice(recipe="tiny-grey", values={"width": 24, "epochs": 80})
    second = Proposal(pipeline=pipeline(choice), component="train", change="train: x", reason="", choice=choice)
    staff = Staff(tmp_path, {"analyst": [feedback()] * 2, "training_engineer": [changed("learning_rate", 0.002)] * 2})

    staff.choosing.revise(PROFILE, HISTORY)
    staff.choosing.revise(PROFILE, [*HISTORY, after(second, scored(0.8), number=1, kept=False)])

    told = ["train: epochs 40 -> 80" in staff.prompt("training_engineer", call) for call in (0, 1)]
    assert told == [True, False]


def test_without_a_legal_choice_the_playbook_makes_its_move(tmp_path: Path) -> None:
    staff = Staff(tmp_path, {"analyst": [feedback()], "training_engineer": ["no"] * 3})

    proposal = staff.choosing.revise(PROFILE, HISTORY)

    assert proposal is not None
    assert proposal.choice is not None
    assert proposal.choice != TINY


def test_the_analyst_may_ask_for_another_recipe(tmp_path: Path) -> None:
    replies = {"analyst": [feedback("recipe", "another")], "architect": [chosen("small-colour")]}

    proposal = Staff(tmp_path, replies).choosing.revise(PROFILE, HISTORY)

    assert proposal is not None
    assert proposal.change == "recipe: small-colour"


def test_an_analyst_that_says_nothing_usable_is_replaced_by_the_rules(tmp_path: Path) -> None:
    staff = Staff(tmp_path, {"analyst": ["Hm."] * 3, "data_engineer": [changed("mixup", 0.4)]})

    proposal = staff.choosing.revise(PROFILE, [after(BEST, trained(0.9, curve(0.999, 0.9)))])

    assert proposal is not None
    assert proposal.change == "data: mixup 0.0 -> 0.4"
    assert "it overfits" in staff.prompt("data_engineer")


def test_a_crash_is_mended_by_a_value_and_at_last_by_a_known_remedy(tmp_path: Path) -> None:
    staff = Staff(tmp_path, {"training_engineer": [changed("batch_size", 16)]})
    attempt = failed(BEST, "train", "OutOfMemoryError: CUDA out of memory")

    first = staff.choosing.repair(PROFILE, [], [attempt], last=False)
    last = staff.choosing.repair(PROFILE, [], [attempt], last=True)

    assert first is not None
    assert last is not None
    assert first.change == "recipe: tiny-grey; repaired: train: batch_size 64 -> 16"
    assert "out of memory" in staff.prompt("training_engineer")
    assert last.change == "recipe: tiny-grey; repaired: train: batch size 64 -> 16"
    assert staff.calls() == {"training_engineer": 1}


def test_a_value_that_crashed_in_this_iteration_is_not_chosen_again(tmp_path: Path) -> None:
    again = [changed("batch_size", 16), changed("batch_size", 8)]
    staff = Staff(tmp_path, {"training_engineer": again})
    smaller = replace(BEST, choice=Choice(recipe="tiny-grey", values={"width": 24, "batch_size": 16}))

    mended = staff.choosing.repair(PROFILE, [], [failed(smaller), failed(BEST)], last=False)

    assert mended is not None
    assert mended.change == "recipe: tiny-grey; repaired: train: batch_size 64 -> 8"


def test_where_every_recipes_component_is_the_best_ones_nothing_is_substituted(tmp_path: Path) -> None:
    taken = {choice.recipe: pipeline(choice) for choice in choices(PROFILE)}
    same = written(pipeline=next(iter(taken.values())), component="train")
    staff = Staff(tmp_path, {"training_engineer": [chosen(name) for name in taken]})

    substitute = staff.choosing.substitute(PROFILE, [after(same)], failed(same))

    assert substitute is None or substitute.pipeline != same.pipeline


def test_where_no_recipe_trained_the_next_one_is_tried_until_none_is_left(tmp_path: Path) -> None:
    staff = Staff(tmp_path, {"architect": [chosen("small-colour")]})
    lost = after(BEST, failed(BEST).crashed, kept=False)
    history: list[Iteration] = [lost]

    proposal = staff.choosing.revise(PROFILE, history)
    assert proposal is not None
    history.append(after(proposal, failed(proposal).crashed, number=1, kept=False))

    assert proposal.change == "recipe: small-colour"
    assert staff.choosing.revise(PROFILE, history) is None


def test_nothing_is_substituted_for_what_is_no_recipe_but_a_recipes_component(tmp_path: Path) -> None:
    staff = Staff(tmp_path, {"data_engineer": [chosen("small-colour")]})
    lost = failed(written("data: brighter", component="data"))

    proposal = staff.choosing.substitute(PROFILE, [after(written())], lost)

    assert proposal is not None
    assert (proposal.change, proposal.component, proposal.choice) == ("data: of recipe: small-colour", "data", None)


@pytest.mark.parametrize("name", recipe_names())
@pytest.mark.parametrize("component", ["data", "model", "train"])
def test_every_parameter_has_its_place_in_the_schema(name: str, component: Any) -> None:
    recipe = read_recipe(name)

    schema = change_schema(recipe, component, ["resnet18.a1_in1k"])

    kinds = schema["properties"]["change"]["anyOf"]
    mine = [each for each in recipe.parameters if each.component == component]
    assert [kind["properties"]["parameter"]["const"] for kind in kinds] == [each.name for each in mine]
    for kind, each in zip(kinds, mine, strict=True):
        assert kind["required"] == ["parameter", "value"]
        words = kind["properties"]["value"].get("enum")
        assert words is None or each.name == "backbone" or each.default in words
