"""Several changes for one turn of the loop: each team, asked again, has another idea, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.playbook import Playbook, pipeline
from orchestrator.team import Choice, Proposal
from tests.playbook_cases import colour, curve, iteration, make_profile, trained
from tests.team_cases import (
    PLAIN,
    PROFILE,
    Staff,
    after,
    better,
    changed,
    chosen,
    code,
    crash,
    drafted,
    feedback,
    written,
)

if TYPE_CHECKING:
    from pathlib import Path

PLAYBOOK = Playbook()
OVERFIT = trained(0.96, curve(0.999, 0.962))
TINY = Choice(recipe="tiny-grey", values={"width": 24})
BEST = Proposal(pipeline=pipeline(TINY), component=None, change="recipe: tiny-grey", reason="So.", choice=TINY)
CHOSEN = [after(BEST)]


def test_changes_for_one_turn_are_of_different_parameters_until_none_is_left() -> None:
    profile = make_profile()
    history = [iteration(0, PLAYBOOK.draft(profile), OVERFIT, kept=True)]
    beside: list[Proposal] = []
    while proposal := PLAYBOOK.revise(profile, history, beside):
        beside.append(proposal)

    assert beside[0] == PLAYBOOK.revise(profile, history)
    parameters = [proposal.change.split(" -> ")[0].rsplit(" ", 1)[0] for proposal in beside]
    assert len(parameters) == len(set(parameters)) > 10
    assert all(proposal.change.count("recipe: ") <= 1 for proposal in beside)


def test_where_nothing_has_trained_each_recipe_is_tried_once_side_by_side() -> None:
    profile = make_profile(**colour())
    history = [iteration(0, PLAYBOOK.draft(profile), crash(error="RuntimeError: something"), kept=False)]
    first = PLAYBOOK.revise(profile, history)
    assert first is not None

    assert PLAYBOOK.revise(profile, history, [first]) is None


def test_a_second_change_of_a_turn_is_another_idea_than_the_first(tmp_path: Path) -> None:
    replies = {
        "analyst": [feedback(change="longer"), feedback(change="Longer."), feedback("model", "wider")],
        "training_engineer": [code(better(PLAIN.train))],
        "model_engineer": [code(better(PLAIN.model))],
    }
    staff = Staff(tmp_path, replies)

    first = staff.writing.revise(PROFILE, [after(written())])
    assert first is not None
    second = staff.writing.revise(PROFILE, [after(written())], [first])

    assert second is not None
    assert (first.change, second.change) == ("train: longer", "model: wider")
    assert second.pipeline == PLAIN.with_component("model", better(PLAIN.model))
    assert "will be tried at the same time as yours" in staff.prompt("analyst")
    assert "- train: longer" in staff.prompt("analyst")
    assert "That is tried at the same time." in staff.asked("analyst")[2].messages[-1].text


def test_a_file_that_is_tried_at_the_same_time_is_refused(tmp_path: Path) -> None:
    same, other = code(better(PLAIN.train)), code(better(PLAIN.train, "other"))
    replies = {"analyst": [feedback(change=change) for change in "ab"], "training_engineer": [same, same, other]}
    staff = Staff(tmp_path, replies)

    first = staff.writing.revise(PROFILE, [after(written())])
    assert first is not None
    second = staff.writing.revise(PROFILE, [after(written())], [first])

    assert second is not None
    assert "other" in second.pipeline.train
    assert "This is tried at the same time." in staff.asked("training_engineer")[2].messages[-1].text


def test_beside_a_draft_recipes_are_tried(tmp_path: Path) -> None:
    smaller = PLAIN.with_component("model", better(PLAIN.model))
    staff = Staff(tmp_path, {"architect": [drafted(smaller), chosen("small-colour")]})
    history = [after(written(), crash(), kept=False)]

    first = staff.writing.revise(PROFILE, history)
    assert first is not None
    second = staff.writing.revise(PROFILE, history, [first])

    assert second is not None
    assert (first.pipeline, second.change) == (smaller, "recipe: small-colour")


def test_a_second_choice_of_a_turn_is_of_another_parameter(tmp_path: Path) -> None:
    replies = {
        "analyst": [feedback(change=change) for change in ("longer", "much longer")],
        "training_engineer": [changed("epochs", 80), changed("epochs", 60), changed("learning_rate", 0.002)],
    }
    staff = Staff(tmp_path, replies)

    first = staff.choosing.revise(PROFILE, CHOSEN)
    assert first is not None
    second = staff.choosing.revise(PROFILE, CHOSEN, [first])

    assert second is not None
    assert second.change == "train: learning_rate 0.003 -> 0.002"
    assert f"- {first.change}" in staff.prompt("analyst")
    assert "Another epochs is tried at the same time." in staff.asked("training_engineer")[2].messages[-1].text


def test_a_second_recipe_of_a_turn_is_another_one(tmp_path: Path) -> None:
    lost = [after(BEST, crash(), kept=False)]
    staff = Staff(tmp_path, {"architect": [chosen("small-colour")]})

    first = staff.choosing.revise(PROFILE, lost)
    assert first is not None

    assert first.change == "recipe: small-colour"
    assert staff.choosing.revise(PROFILE, lost, [first]) is None


def test_an_analyst_that_says_nothing_usable_has_no_second_idea_for_a_turn(tmp_path: Path) -> None:
    staff = Staff(tmp_path, {"analyst": ["Hm."] * 3})

    assert staff.writing.revise(PROFILE, [after(written())], [written("train: longer")]) is None
