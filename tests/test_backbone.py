"""The network that a user imposes: the team is told, the playbook obeys, a misspelt one ends the run at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.backbones import loadable, obeys, require_architecture
from orchestrator.briefing import profile_section
from orchestrator.catalogue import candidates
from orchestrator.errors import SettingsError
from orchestrator.first_choice import choices
from orchestrator.playbook import Playbook, pipeline
from orchestrator.remedies import remedies
from orchestrator.team import Attempt, Proposal
from prompts.recipe import read_recipe
from tests.fakes import ScriptedSandbox
from tests.playbook_cases import colour, crashed, make_profile
from tests.small_weights import settings
from tests.team_cases import PLAIN, PROFILE, Staff, after, better, changed, chosen, code, drafted, feedback
from tests.test_timm_names import ANSWER, answering

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.team import Profile

VIT = "vit_tiny_patch16_224"
SENTENCE = f"the network must be `{VIT}` of timm"
IMPOSED = make_profile(backbone=VIT)
TASKS: dict[str, dict[str, Any]] = {
    "tiny grey images": {},
    "small colour images": colour(),
    "photos": colour(image_size=None),
    "photos, and no time at all": colour(image_size=None, seconds=5.0),
}
every_task = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)


@every_task
def test_the_playbook_drafts_with_it_and_with_nothing_else(task: dict[str, Any]) -> None:
    profile = make_profile(**task, backbone=VIT)

    [choice] = choices(profile)

    assert choice.recipe.startswith("fine-tune")
    assert (choice.values["backbone"], choice.values["layer_decay"]) == (VIT, 1.0)
    assert f'BACKBONE = "{VIT}"' in pipeline(choice).model


@every_task
def test_weights_of_its_kind_are_taken_and_others_are_not(task: dict[str, Any]) -> None:
    weights = ("convnext_tiny.in12k_ft_in1k", f"{VIT}.some_tag")

    [choice] = choices(make_profile(**task, weights=weights, backbone=VIT))

    assert choice.values["backbone"] == f"{VIT}.some_tag"
    assert "layer_decay" not in choice.values


def test_where_weights_are_fetched_the_known_ones_of_its_kind_are_asked_for() -> None:
    assert loadable(replace(IMPOSED, fetches=True)) == (f"{VIT}.augreg_in21k_ft_in1k",)
    assert loadable(IMPOSED) == (VIT,)
    assert loadable(make_profile()) == ()


@every_task
@pytest.mark.parametrize("finding", ["overfit", "underfit", "slow", "converged"])
def test_every_move_keeps_it(task: dict[str, Any], finding: Any) -> None:
    profile = make_profile(**task, backbone=VIT)
    [choice] = choices(profile)
    moves = list(candidates(read_recipe(choice.recipe), choice.values, finding))

    assert moves
    assert all(obeys(profile, move.choice) for move in moves)


@pytest.mark.parametrize("error", ["CUDA out of memory", "LocalEntryNotFoundError", "the loss is not finite", "odd"])
@pytest.mark.parametrize("culprit", ["data", "model", "train"])
def test_every_remedy_keeps_it(error: str, culprit: str) -> None:
    profile = replace(IMPOSED, fetches=True)
    [choice] = choices(profile)

    found = list(remedies(profile, choice, crashed(error, culprit)))

    assert all(obeys(profile, remedy.choice) for remedy in found)
    free = [remedy.choice for remedy in remedies(make_profile(), choice, crashed(error, culprit))]
    assert any(not obeys(profile, remedy) for remedy in free)  # which is what a run without it would try


def test_where_its_weights_cannot_be_had_it_is_trained_from_scratch() -> None:
    profile = replace(IMPOSED, fetches=True)
    [choice] = choices(profile)
    proposal = Proposal(pipeline=pipeline(choice), component=None, change="recipe", reason="", choice=choice)
    attempt = Attempt(proposal=proposal, crashed=crashed("LocalEntryNotFoundError: nothing", "model"))

    mended = Playbook().repair(profile, [], [attempt], last=False)

    assert mended
    assert f'BACKBONE = "{VIT}"' in mended.pipeline.model


@pytest.mark.parametrize(("profile", "told"), [(PROFILE, False), (replace(PROFILE, task=IMPOSED.task), True)])
def test_whoever_writes_or_judges_is_told_of_it_where_it_is_imposed(
    profile: Profile, told: bool, tmp_path: Path
) -> None:
    staff = Staff(
        tmp_path,
        {
            "architect": [drafted()],
            "summarizer": ["data: a\nmodel: b\ntrain: c"],
            "analyst": [feedback("model", "deeper")],
            "model_engineer": [code(better(PLAIN.model))],
        },
    )
    proposal = staff.writing.draft(profile)
    staff.writing.revise(profile, [after(proposal)])

    prompts = [staff.prompt(agent) for agent in ("architect", "analyst", "model_engineer")]
    assert [SENTENCE in prompt for prompt in prompts] == [told] * 3
    assert (SENTENCE in profile_section(profile).text) is told


def test_agents_that_choose_are_offered_it_alone_and_cannot_choose_another(tmp_path: Path) -> None:
    staff = Staff(tmp_path, {"architect": [chosen("tiny-grey"), chosen("fine-tune-small")]})
    proposal = staff.choosing.draft(IMPOSED)
    assert proposal.choice == choices(IMPOSED)[0]

    replies = {
        "summarizer": ["data: a\nmodel: b\ntrain: c"],
        "analyst": [feedback("model", "another network")],
        "model_engineer": [changed("backbone", "resnet18.a1_in1k"), changed("drop_path", 0.3)],
    }
    staff = Staff(tmp_path, replies)
    revised = staff.choosing.revise(IMPOSED, [after(proposal)])

    assert revised
    assert revised.choice
    assert revised.choice.values["backbone"] == VIT
    assert f"backbone is one of {VIT}, and not resnet18" in staff.asked("model_engineer")[1].messages[-1].text


def test_it_is_asked_of_the_sandbox_whether_there_is_such_a_one(tmp_path: Path) -> None:
    require_architecture(settings(tmp_path, run_backbone="resnet18"), answering(ANSWER))

    with pytest.raises(
        SettingsError, match=r"RUN_BACKBONE is 'resnet19', .* 2 architectures .* did you mean resnet18\?"
    ):
        require_architecture(settings(tmp_path / "another", run_backbone="resnet19"), answering(ANSWER))


def test_a_name_with_a_tag_is_none_of_an_architecture(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"names without a tag\); did you mean resnet18"):
        require_architecture(settings(tmp_path, run_backbone="resnet18.a1_in1k"), answering(ANSWER))


def test_where_none_is_imposed_nobody_is_asked(tmp_path: Path) -> None:
    sandbox = ScriptedSandbox({})
    require_architecture(settings(tmp_path), sandbox)
    assert sandbox.started == []
