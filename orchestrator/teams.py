"""Which team works, and the agents of a language-model team with their prompts and chat models."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import harness.contract
from orchestrator.ledger import Cap, Ledger
from orchestrator.playbook import Playbook
from orchestrator.prices import read_prices
from orchestrator.providers import AGENTS, ChatSettings, check_chat, choose_provider, open_chat
from orchestrator.seen_chat import SeenChat
from prompts.words import render

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.chat import ChatModel
    from orchestrator.review import Pictures
    from orchestrator.settings import Settings
    from orchestrator.team import Team
    from orchestrator.view import View

CODING = ("architect", "data_engineer", "model_engineer", "training_engineer")
"""Agents that write components and have to know the contract."""


def check_team(settings: Settings) -> str:
    """The name of the team that these settings ask for.

    Raises:
        SettingsError: they ask for none that can work: no key, no model, no price for a budget.
    """
    prices = read_prices(settings.llm_prices)
    chat = chat_settings(settings)
    if chat is None:
        return Playbook.name
    models = dict.fromkeys(check_chat(chat, prices, _cap(settings)).values())
    return f"{chat.provider} {' + '.join(models)}"


def open_team(settings: Settings, run: Path, *, view: View, pictures: Pictures | None = None) -> tuple[Team, Ledger]:
    """The team for a run, and the ledger of what it costs.

    Raises:
        SettingsError: as for `check_team`.
    """
    ledger = open_ledger(settings, run)
    chat = chat_settings(settings)
    if chat is None:
        return Playbook(settings.run_plateau), ledger
    return _language_team(settings, open_chats(chat, ledger, view), run, pictures), ledger


def open_ledger(settings: Settings, run: Path) -> Ledger:
    """What language models cost in a run's folder, within the budget.

    Raises:
        SettingsError: the prices make no sense.
    """
    return Ledger(run, read_prices(settings.llm_prices), _cap(settings))


def open_chats(chat: ChatSettings, ledger: Ledger, view: View) -> dict[str, ChatModel]:
    """The chat model of each agent, seen at work.

    Raises:
        SettingsError: as for `check_team`.
    """
    chats = open_chat(chat, ledger, say=lambda text: view.say(text, "warning"))
    return {agent: SeenChat(model, ledger, view) for agent, model in chats.items()}


def chat_settings(settings: Settings) -> ChatSettings | None:
    """How the language models are reached; None: the playbook works."""
    provider = choose_provider(
        settings.llm_provider,
        openai_key=settings.openai_api_key or settings.openai_base_url,  # a server of one's own needs no key
        anthropic_key=settings.anthropic_api_key or settings.anthropic_base_url,
    )
    if provider == "playbook":
        return None
    openai = provider == "openai"
    return ChatSettings(
        provider=provider,
        key=settings.openai_api_key if openai else settings.anthropic_api_key,
        base_url=settings.openai_base_url if openai else settings.anthropic_base_url,
        model=settings.llm_model,
        models={agent: getattr(settings, f"llm_model_{agent}") for agent in AGENTS},
        timeout_seconds=settings.llm_timeout_seconds,
        patience_minutes=settings.llm_patience_minutes,
    )


def _language_team(settings: Settings, chats: dict[str, ChatModel], run: Path, pictures: Pictures | None) -> Team:
    """Load the agents, which nobody else waits for."""
    from orchestrator.agent import Agent
    from orchestrator.choosing_team import ChoosingTeam
    from orchestrator.review import Review
    from orchestrator.writing_team import WritingTeam

    choosing = settings.llm_skill == "choose"
    agents = {
        name: Agent(
            name,
            chats[name],
            system=system_prompt(name, choosing=choosing),
            output_tokens=settings.llm_output_tokens,
            temperature=None if settings.llm_temperature < 0 else settings.llm_temperature,
            context_tokens=settings.llm_context_tokens,
        )
        for name in AGENTS
    }
    review = Review(
        agents=agents, run=run, planned=settings.run_iterations, plateau=settings.run_plateau, pictures=pictures
    )
    name = check_team(settings)
    chooser = ChoosingTeam(name=name, review=review)
    if choosing:
        return chooser
    return WritingTeam(name=name, review=review, chooser=chooser, zero_shot=settings.run_zero_shot_init)


def system_prompt(agent: str, *, choosing: bool = False) -> str:
    """The stable part of an agent's prompt: goal, team, role, what it knows by name, the contract."""
    parts = [render("team"), render(agent)]
    if agent in CODING and not choosing:
        parts.append(render("contract", contract=inspect.getsource(harness.contract).strip()))
    return "\n\n".join(parts)


def _cap(settings: Settings) -> Cap:
    return Cap(usd=settings.budget_usd, tokens=settings.budget_tokens)
