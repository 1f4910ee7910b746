"""Who answers: the provider that is named or has a key, and one chat model for each agent."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from orchestrator.errors import SettingsError
from orchestrator.ledger import BilledChat, require_price
from orchestrator.providers.anthropic import BASE_URL as ANTHROPIC_URL
from orchestrator.providers.endpoint import Endpoint
from orchestrator.providers.openai import BASE_URL as OPENAI_URL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestrator.chat import ChatModel
    from orchestrator.ledger import Cap, Ledger
    from orchestrator.prices import Price
    from orchestrator.providers.exchange import Dialect

Provider = Literal["openai", "anthropic"]
AGENTS = ("architect", "data_engineer", "model_engineer", "training_engineer", "analyst", "summarizer")
BASE_URLS: Mapping[Provider, str] = {"openai": OPENAI_URL, "anthropic": ANTHROPIC_URL}
WRITABLE = re.compile(r"[!-~]*")
"""What an HTTP header can hold; an SDK quotes any other key in its error."""
ADDRESS = re.compile(r"https?://([^/\s@]*@)?(\[[0-9a-fA-F:]+\]|[^/\s:@]+)(:\d{1,5})?(/\S*)?$")
MODELS: Mapping[Provider, str] = {"openai": "gpt-6-sol", "anthropic": "claude-sonnet-5-5"}
"""Where none is named: good at code, 2 USD for a million tokens in and 10 out."""
CHEAP: Mapping[Provider, str] = {"openai": "gpt-6-luna", "anthropic": "claude-haiku-5-5"}
"""For the summarizer, where none is named: a twentieth of that."""


@dataclass(frozen=True, kw_only=True)
class ChatSettings:
    """How the language models are reached."""

    provider: Provider
    key: str = field(repr=False)
    base_url: str = field(default="", repr=False)
    """Empty: the provider's own."""
    model: str = ""
    """For every agent that has none of its own."""
    models: Mapping[str, str] = field(default_factory=dict)
    """Agent -> model; an empty name is none."""
    timeout_seconds: float = 600.0
    """For one reply."""
    patience_minutes: float = 30.0
    """For one reply, with all its retries."""


def choose_provider(named: str, *, openai_key: str, anthropic_key: str) -> Literal["playbook"] | Provider:
    """The provider that is named; for "auto", the one whose key is there, and the playbook without any.

    Raises:
        SettingsError: two keys and no name.
    """
    match named, bool(openai_key), bool(anthropic_key):
        case ("openai", _, _) | ("auto", True, False):
            return "openai"
        case ("anthropic", _, _) | ("auto", False, True):
            return "anthropic"
        case "auto", True, True:
            raise SettingsError(
                "OPENAI_API_KEY and ANTHROPIC_API_KEY are both set: say LLM_PROVIDER=openai, anthropic or playbook."
            )
        case _:
            return "playbook"


def open_chat(
    settings: ChatSettings,
    ledger: Ledger,
    *,
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, ChatModel]:
    """One chat model for each of `AGENTS`: patient, within the budget, in the ledger. Agents may share one.

    Raises:
        SettingsError: a key or a model is missing, or the budget needs a price that is unknown.
    """
    from orchestrator.patience import PatientChat

    names = check_chat(settings, ledger.prices, ledger.cap)
    connect = _connect(settings, _endpoint(settings))
    patience = settings.patience_minutes * 60
    chats: dict[str, ChatModel] = {
        name: BilledChat(PatientChat(connect(name), patience=patience, say=say, sleep=sleep), ledger)
        for name in sorted(set(names.values()))
    }
    return {agent: chats[name] for agent, name in names.items()}


def check_chat(settings: ChatSettings, prices: Mapping[str, Price], cap: Cap) -> dict[str, str]:
    """Each agent's model, before anything is asked or any SDK is loaded.

    Raises:
        SettingsError: a key or a model is missing, or the budget needs a price that is unknown.
    """
    names = {agent: _model(settings, agent) for agent in AGENTS}
    for name in names.values():
        require_price(name, prices, cap)
    _endpoint(settings)
    return names


def _model(settings: ChatSettings, agent: str) -> str:
    if named := settings.models.get(agent) or settings.model:
        return named
    if settings.base_url:
        variable = f"{settings.provider.upper()}_BASE_URL"
        raise SettingsError(f"{variable} is set, but no model for the {agent}: say LLM_MODEL=NAME.")
    return (CHEAP if agent == "summarizer" else MODELS)[settings.provider]


def _endpoint(settings: ChatSettings) -> Endpoint:
    endpoint = Endpoint(
        provider=settings.provider,
        key=settings.key,
        base_url=settings.base_url or BASE_URLS[settings.provider],
        timeout=settings.timeout_seconds,
    )
    if not settings.key and not settings.base_url:
        raise SettingsError(f"LLM_PROVIDER={settings.provider} needs a key: set {endpoint.key_variable}.")
    if not WRITABLE.fullmatch(settings.key):
        raise SettingsError(f"{endpoint.key_variable} holds a blank or another sign that no key has: copy it again.")
    if not ADDRESS.match(endpoint.base_url):
        raise SettingsError(f"{endpoint.url_variable} has to begin with http:// or https:// and name a host.")
    return endpoint


def _connect(settings: ChatSettings, endpoint: Endpoint) -> Callable[[str], ChatModel]:
    """Load the SDK, the slow part: openai takes 0.7 s, anthropic 2 s; nobody else waits for them."""
    from orchestrator.providers.exchange import Exchange

    dialect: Dialect
    if settings.provider == "openai":
        from orchestrator.providers.openai import OpenAIDialect

        dialect = OpenAIDialect(endpoint)
    else:
        from orchestrator.providers.anthropic import AnthropicDialect

        dialect = AnthropicDialect(endpoint)
    return lambda model: Exchange(model, dialect, endpoint)
