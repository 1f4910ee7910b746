"""Several changes for one turn of the loop: each team, asked again, has another idea, or none."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.playbook import Playbook, pipeline
from orchestrator.repairs import list_repairs
from orchestrator.team import Attempt, Choice, Proposal
from orchestrator.versions import fingerprints
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

    from orchestrator.team import Iteration, Profile

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


@pytest.mark.parametrize("seed", range(3))
def test_whatever_crashes_and_is_mended_the_playbook_never_has_the_same_files_executed_twice(seed: int) -> None:
    rng, profile = random.Random(seed), make_profile()
    history = [iteration(0, PLAYBOOK.draft(profile), OVERFIT, kept=True)]
    ran = [fingerprints(history[0].proposal.pipeline)]
    for turn in range(1, 9):
        beside: list[Proposal] = []
        while len(beside) < 3 and (proposal := PLAYBOOK.revise(profile, history, beside)):
            beside.append(proposal)
        ended = [executed(profile, history, proposal, rng, ran) for proposal in beside]
        first = len(history)
        history += [
            replace(each, number=number, turn=turn, kept=number == first and bool(each.trials) and turn % 3 == 0)
            for number, each in enumerate(ended, start=first)
        ]

    assert len(ran) > 30
    assert len(ran) == len(set(ran))


def executed(
    profile: Profile, history: list[Iteration], proposal: Proposal, rng: random.Random, ran: list[str]
) -> Iteration:
    """What came of a proposal and its repairs, by chance; each pipeline that ran is noted."""
    attempts: list[Attempt] = []
    while True:
        ran.append(fingerprints(proposal.pipeline))
        lost = crash(rng.choice(("data", "model", "train")), rng.choice(("CUDA out of memory", "KeyError: x")))
        outcome = lost if rng.random() < 0.4 else OVERFIT
        tried = [*attempts, Attempt(proposal=proposal, crashed=lost)]
        mended = PLAYBOOK.repair(profile, history, tried, last=False) if outcome is lost else None
        if mended is None:
            repairs = list_repairs(attempts, proposal, outcome)
            return replace(iteration(0, proposal, outcome, kept=False), attempts=len(tried), repairs=repairs)
        attempts, proposal = tried, mended
