"""The team without a language model, as the loop sees it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.components import COMPONENTS
from orchestrator.playbook import Playbook
from orchestrator.repairs import list_repairs
from orchestrator.team import Attempt
from prompts.recipe import read_recipe
from tests.playbook_cases import colour, crashed, curve, iteration, make_profile, trained

if TYPE_CHECKING:
    from orchestrator.outcome import Crashed, Outcome
    from orchestrator.team import Choice, Iteration, Profile, Proposal, Team

PLAYBOOK: Team = Playbook()
OVERFIT = trained(0.96, curve(0.999, 0.962))


def drafted(profile: Profile, outcome: Outcome = OVERFIT) -> list[Iteration]:
    return [iteration(0, PLAYBOOK.draft(profile), outcome, kept=True)]


def played(profile: Profile, history: list[Iteration], outcome: Outcome, *, kept: bool = False) -> Proposal | None:
    """Revise, and add what came of it to the history."""
    proposal = PLAYBOOK.revise(profile, history)
    if proposal is not None:
        history.append(iteration(len(history), proposal, outcome, kept=kept))
    return proposal


def mend(proposal: Proposal, outcome: Crashed) -> Proposal | None:
    return PLAYBOOK.repair(make_profile(), [], [Attempt(proposal=proposal, crashed=outcome)], last=False)


def test_drafts_a_recipe_and_says_why() -> None:
    proposal = PLAYBOOK.draft(make_profile())
    assert proposal.change == "recipe: tiny-grey"
    assert "It suits: grey images of one size" in proposal.reason
    assert proposal.component is None


def test_the_pipeline_is_the_filled_in_recipe() -> None:
    proposal = PLAYBOOK.draft(make_profile())
    assert proposal.choice is not None
    filled = read_recipe(proposal.choice.recipe).fill(proposal.choice.values)
    assert filled == {name: proposal.pipeline[name] for name in COMPONENTS}


def test_a_revision_changes_one_component_and_says_what_and_why() -> None:
    profile = make_profile()
    history = drafted(profile)
    proposal = PLAYBOOK.revise(profile, history)
    assert proposal is not None
    before, after = history[0].proposal.pipeline, proposal.pipeline
    assert [proposal.component] == [name for name in COMPONENTS if before[name] != after[name]]
    assert proposal.change == "data: MixUp 0 -> 0.2"
    assert proposal.reason.startswith("Training accuracy 0.999 against 0.962 on the tuning split: it overfits. MixUp")


def test_nothing_is_tried_twice_until_nothing_is_left() -> None:
    profile = make_profile()
    history = drafted(profile)
    for _ in range(200):
        if played(profile, history, OVERFIT) is None:
            break
    pipelines = [turn.proposal.pipeline.checksum for turn in history]
    assert len(pipelines) == len(set(pipelines))
    assert 20 < len(pipelines) < 200


def test_bold_steps_come_before_fine_ones() -> None:
    profile = make_profile()
    history = drafted(profile)
    changes = [proposal.change for _ in range(40) if (proposal := played(profile, history, OVERFIT))]
    assert changes.index("data: MixUp 0 -> 0.2") < changes.index("data: MixUp 0 -> 0.08")


def test_another_recipe_is_tried_when_three_changes_in_a_row_did_not_help() -> None:
    profile = make_profile()
    history = drafted(profile)
    components = [proposal.component for _ in range(4) if (proposal := played(profile, history, OVERFIT))]
    assert None not in components[:3]
    assert components[3] is None
    assert history[-1].proposal.change == "recipe: small-colour"


def test_another_recipe_is_tried_once_at_the_pace_that_was_measured() -> None:
    profile = make_profile()
    history = drafted(profile, trained(0.96, curve(0.999, 0.962), epoch=3.0))
    changes: list[str] = []
    for _ in range(30):
        epoch = 3.0 + len(history) / 10  # no epoch takes as long as the one before
        outcome = trained(0.961, curve(0.999, 0.962), epoch=epoch)
        if proposal := played(profile, history, outcome, kept=len(history) % 5 == 4):
            changes.append(proposal.change)
    assert changes.count("recipe: small-colour") == 1
    [other] = [turn.proposal.choice for turn in history if turn.proposal.change == "recipe: small-colour"]
    assert other is not None
    assert 3 < int(other.values["epochs"]) < 50


def test_what_helped_is_the_base_of_what_comes_next() -> None:
    profile = make_profile()
    history = drafted(profile)
    played(profile, history, trained(0.97, curve(0.98, 0.968)), kept=True)
    proposal = played(profile, history, OVERFIT)
    assert proposal is not None
    assert proposal.choice is not None
    assert proposal.choice.values["mixup"] == 0.2


def test_a_change_that_crashed_and_was_repaired_is_not_proposed_again() -> None:
    profile = make_profile()
    history = drafted(profile)
    first = PLAYBOOK.revise(profile, history)
    assert first is not None
    mended = mend(first, crashed("OutOfMemoryError: CUDA out of memory"))
    assert mended is not None
    history.append(iteration(1, mended, OVERFIT, kept=False))
    second = PLAYBOOK.revise(profile, history)
    assert second is not None
    assert first.change != second.change


def test_a_perfect_score_leaves_nothing_to_try() -> None:
    profile = make_profile()
    assert PLAYBOOK.revise(profile, drafted(profile, trained(1.0, curve(1.0, 1.0)))) is None


def test_what_the_clock_has_no_room_for_is_not_tried() -> None:
    profile = make_profile()
    outcome = trained(0.7, curve(0.7, 0.7), seconds=1000.0)
    history = drafted(profile, outcome)
    changes = [proposal.change for _ in range(60) if (proposal := played(profile, history, outcome))]
    assert not [change for change in changes if change.startswith(("model: width 24 -> 48", "train: epochs 39 -> 78"))]


def test_a_draft_that_never_trained_is_followed_by_another_recipe() -> None:
    profile = make_profile(**colour())
    failure = crashed("RuntimeError: something")
    history = [iteration(0, PLAYBOOK.draft(profile), failure, kept=False)]
    assert [turn.change for _ in range(3) if (turn := played(profile, history, failure))] == ["recipe: many-classes"]


def test_a_pipeline_that_is_no_recipe_is_left_alone() -> None:
    proposal = PLAYBOOK.draft(make_profile())
    assert mend(replace(proposal, choice=None), crashed("x")) is None


def test_repairs_name_the_crash_and_the_remedy() -> None:
    mended = mend(PLAYBOOK.draft(make_profile()), crashed("OutOfMemoryError: CUDA out of memory"))
    assert mended is not None
    assert mended.change == "recipe: tiny-grey; repaired: train: batch size 64 -> 16"
    assert mended.reason == "It crashed: OutOfMemoryError: CUDA out of memory Fewer images at once need less memory."


def test_a_remedy_that_leads_back_to_what_was_executed_is_passed_over() -> None:
    profile = make_profile()
    history = drafted(profile)
    change = PLAYBOOK.revise(profile, history)
    assert change is not None
    attempts = [Attempt(proposal=change, crashed=crashed("RuntimeError: something", "data"))]

    without, with_history = (PLAYBOOK.repair(profile, told, attempts, last=False) for told in ([], history))

    assert without is not None
    assert without.pipeline == history[0].proposal.pipeline  # the change taken back
    assert with_history is None or with_history.pipeline != without.pipeline


def test_repairs_end() -> None:
    proposal: Proposal | None = PLAYBOOK.draft(make_profile(**colour()))
    seen: list[Choice | None] = []
    while proposal is not None:
        assert proposal.choice not in seen
        seen.append(proposal.choice)
        proposal = mend(proposal, crashed("RuntimeError: something", "model"))
    assert [choice.recipe for choice in seen if choice] == ["small-colour", "small-colour", "tiny-grey"]


@pytest.mark.parametrize("plateau", [1, 2, 5])
def test_the_setting_says_after_how_many_turns_without_gain_another_recipe_is_tried(plateau: int) -> None:
    profile, playbook = make_profile(), Playbook(plateau)
    history = drafted(profile)
    while (proposal := playbook.revise(profile, history)) and proposal.component:
        history.append(iteration(len(history), proposal, OVERFIT, kept=False))

    assert len(history) == 1 + plateau


def test_what_crashed_before_it_was_repaired_is_not_met_again_from_another_base() -> None:
    profile = make_profile()
    history = drafted(profile)
    first = PLAYBOOK.revise(profile, history)
    assert first is not None
    away = replace(first, change="train: something else", choice=history[0].proposal.choice)
    repairs = list_repairs([Attempt(proposal=first, crashed=crashed("x"))], away, OVERFIT)
    history.append(replace(iteration(1, away, OVERFIT, kept=False), repairs=repairs))

    second = PLAYBOOK.revise(profile, history)

    assert second is not None
    assert second.pipeline != first.pipeline


def test_a_change_that_crashed_twice_is_not_tried_a_third_time_whatever_the_base() -> None:
    profile = make_profile()
    history = drafted(profile)
    crashes = 0
    for _ in range(60):
        proposal = PLAYBOOK.revise(profile, history)
        assert proposal is not None
        lost = proposal.change == "data: MixUp 0 -> 0.2"
        crashes += lost
        history.append(iteration(len(history), proposal, crashed("x") if lost else OVERFIT, kept=not lost))

    assert crashes == 2
