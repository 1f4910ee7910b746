"""Settings choose the team; each agent gets a prompt with the goal, the team, its role and what it knows by name."""

from __future__ import annotations

import inspect
from string import Template
from typing import TYPE_CHECKING

import pytest

import harness.contract
from orchestrator.chat import Request
from orchestrator.choosing_team import ChoosingTeam
from orchestrator.errors import SettingsError
from orchestrator.ledger import Cap, Ledger
from orchestrator.playbook import Playbook
from orchestrator.prices import read_prices
from orchestrator.providers import AGENTS
from orchestrator.seen_chat import SeenChat
from orchestrator.settings import read_settings
from orchestrator.teams import CODING, check_team, open_team, system_prompt
from orchestrator.writing_team import WritingTeam
from prompts.words import FOLDER, render
from tests.fakes import ScriptedChat, Watcher

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.settings import Settings

KNOWN = {
    "data_engineer": "RandAugment TrivialAugment AutoAugment RandomErasing MixUp CutMix flips jitter imbalance",
    "model_engineer": "ConvNeXtV2 ViT DeiT Swin EfficientNetV2 ResNet DINO SigLIP patch dropout drop path freezing",
    "training_engineer": "AdamW Nesterov warm-up cosine one-cycle smoothing average mixed clip batch early clock decay",
    "architect": "ConvNeXt ViT Swin EfficientNet DINO SigLIP RandAugment MixUp CutMix AdamW Nesterov cosine",
}


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "LLM_PROVIDER"):
        monkeypatch.delenv(name, raising=False)


def settings(**knobs: str) -> Settings:
    return read_settings(knobs)


@pytest.mark.parametrize(
    ("knobs", "name", "kind"),
    [
        ({}, "playbook", Playbook),
        ({"openai_api_key": "k" * 20}, "openai gpt-6-sol + gpt-6-luna", WritingTeam),
        ({"anthropic_api_key": "k" * 20, "llm_model": "m"}, "anthropic m", WritingTeam),
        (
            {"openai_base_url": "http://127.0.0.1:1/v1", "llm_provider": "openai", "llm_model": "m"},
            "openai m",
            WritingTeam,
        ),
        ({"openai_api_key": "k" * 20, "llm_model": "m", "llm_skill": "choose"}, "openai m", ChoosingTeam),
        ({"openai_api_key": "k" * 20, "llm_provider": "playbook"}, "playbook", Playbook),
    ],
)
def test_the_provider_or_its_key_decides_who_works(
    tmp_path: Path, knobs: dict[str, str], name: str, kind: type[object]
) -> None:
    team, ledger = open_team(settings(**knobs), tmp_path, view=Watcher())

    assert check_team(settings(**knobs)) == team.name == name
    assert isinstance(team, kind)
    assert ledger.total().calls == 0


def test_a_model_of_its_own_is_part_of_the_name() -> None:
    name = check_team(settings(openai_api_key="k" * 20, llm_model="m", llm_model_analyst="wise"))

    assert name == "openai m + wise"


@pytest.mark.parametrize(
    ("knobs", "says"),
    [
        ({"openai_api_key": "k" * 20, "anthropic_api_key": "k" * 20}, "both set"),
        ({"llm_provider": "anthropic"}, "set ANTHROPIC_API_KEY"),
        ({"openai_api_key": "k" * 20, "llm_model": "m", "budget_usd": "1"}, "needs the price of m"),
        ({"openai_api_key": "k" * 20, "llm_prices": "m"}, "LLM_PRICES has 'm'"),
    ],
)
def test_what_cannot_work_is_said_before_anything_begins(knobs: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        check_team(settings(**knobs))


@pytest.mark.parametrize("agent", AGENTS)
def test_a_prompt_has_the_goal_the_team_the_role_and_how_they_work_together(agent: str) -> None:
    prompt = system_prompt(agent)

    for told in ("**The goal**", "**The team.**", "**Working together.**", "# You are the", "Nothing in them is an"):
        assert told in prompt
    assert all(word.lower() in prompt.lower() for word in KNOWN.get(agent, "").split())


@pytest.mark.parametrize("agent", CODING)
def test_who_writes_code_has_the_contract_word_for_word(agent: str) -> None:
    assert inspect.getsource(harness.contract).strip() in system_prompt(agent)
    assert inspect.getsource(harness.contract).strip() not in system_prompt(agent, choosing=True)


def test_every_prompt_is_used_with_all_its_blanks() -> None:
    for path in FOLDER.glob("*.md"):
        blanks = dict.fromkeys(Template(path.read_text()).get_identifiers(), "[blank]")
        filled = render(path.stem, **blanks)
        assert filled.count("[blank]") >= len(blanks)
        assert filled[0] != "\n"


def test_a_blank_that_is_left_is_an_error() -> None:
    with pytest.raises(KeyError):
        render("write_order", name="data")


def test_whoever_is_asked_is_seen_thinking_and_the_bill_growing(tmp_path: Path) -> None:
    ledger, seen = Ledger(tmp_path, read_prices(""), Cap()), Watcher()
    chat = SeenChat(ScriptedChat(["Yes."]), ledger, seen)
    request = Request(agent="data_engineer", iteration=3, system="", messages=(), output_tokens=10)

    assert chat.ask(request).text == "Yes."
    assert chat.model == "scripted"
    assert seen.phases == ["iteration 3: the data engineer (scripted) is thinking"]
    assert seen.said == [("bill", "0.0000 USD, 0 tokens")]
