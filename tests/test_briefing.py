"""What the team is told of pretrained weights: which there are, that there are none, that more are fetched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.report import Report
from orchestrator.briefing import history_section, profile_section, result_section
from orchestrator.first_choice import choices
from orchestrator.playbook import pipeline
from tests.fakes import make_proposal, trained
from tests.playbook_cases import colour, iteration, make_profile


def test_the_team_is_told_which_weights_there_are() -> None:
    told = profile_section(make_profile(weights=("resnet18.a1_in1k", "vit_tiny.x"))).text
    assert "weights that can be loaded: resnet18.a1_in1k, vit_tiny.x" in told


def test_the_team_is_told_that_there_are_none_and_what_follows() -> None:
    told = profile_section(make_profile()).text
    assert "weights that can be loaded: none at all: train from scratch" in told


def test_the_team_is_told_that_others_are_fetched_where_they_are() -> None:
    told = profile_section(replace(make_profile(), fetches=True)).text
    assert "none yet" in told
    assert "others of timm are fetched" in told


@pytest.mark.parametrize("size", [None, (8, 8), (32, 32), (96, 96)])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_without_weights_nothing_that_is_proposed_asks_for_any(size: tuple[int, int] | None, device: str) -> None:
    for choice in choices(make_profile(**colour(image_size=size, device=device))):
        assert "pretrained=True" not in pipeline(choice).model


def test_the_analyst_is_told_that_a_fit_was_stopped_and_how_far_behind_it_was() -> None:
    behind = {"seconds": 60.0, "tuning_accuracy": 0.61, "rival_accuracy": 0.9}
    outcome = replace(trained(0.6), report=Report(stopped="hopeless", curve=(behind,)))
    turn = iteration(1, make_proposal("idea"), outcome, kept=False)
    words = "stopped early: at 60 s its tuning accuracy was 0.610 where the best had 0.900"

    assert f"discarded; {words}" in history_section([turn], {}).text
    assert f"It did not come to its end: {words}." in result_section(turn, ("cat", "dog")).text
