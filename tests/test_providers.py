"""A provider is chosen by name or by key; what is missing or odd is refused before any SDK is loaded."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.errors import SettingsError
from orchestrator.ledger import Cap, Ledger
from orchestrator.prices import PRICES
from orchestrator.providers import ChatSettings, choose_provider, open_chat
from tests.chat_servers import KEY

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("named", "openai_key", "anthropic_key", "chosen"),
    [
        ("auto", "", "", "playbook"),
        ("auto", "a", "", "openai"),
        ("auto", "", "b", "anthropic"),
        ("openai", "a", "b", "openai"),
        ("anthropic", "a", "b", "anthropic"),
        ("playbook", "a", "b", "playbook"),
    ],
)
def test_the_name_decides_and_else_the_key(named: str, openai_key: str, anthropic_key: str, chosen: str) -> None:
    assert chosen == choose_provider(named, openai_key=openai_key, anthropic_key=anthropic_key)


def test_two_keys_without_a_name_are_refused() -> None:
    with pytest.raises(SettingsError, match="both set: say LLM_PROVIDER"):
        choose_provider("auto", openai_key="a", anthropic_key="b")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"key": ""}, "LLM_PROVIDER=openai needs a key: set OPENAI_API_KEY"),
        ({"key": "", "base_url": "http://localhost:8080/v1"}, "OPENAI_BASE_URL is set, but no model for the architect"),
        ({"key": f"{KEY} b"}, "OPENAI_API_KEY holds a blank"),
        ({"key": f"{KEY}\u2019"}, "OPENAI_API_KEY holds a blank"),
        ({"key": KEY, "model": "m", "base_url": "localhost:8080"}, "OPENAI_BASE_URL has to begin with http"),
        (
            {"key": KEY, "model": "m", "base_url": f"http://user:{KEY}@:8080/v1"},
            "OPENAI_BASE_URL has to begin with http",
        ),
    ],
)
def test_what_is_missing_or_odd_is_said(tmp_path: Path, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence) as caught:
        open_chat(ChatSettings(provider="openai", **settings), Ledger(tmp_path, PRICES, Cap()), say=print)

    assert KEY not in str(caught.value)


def test_a_cap_in_dollars_needs_every_price(tmp_path: Path) -> None:
    settings = ChatSettings(provider="openai", key="k", models={"summarizer": "homemade"})

    with pytest.raises(SettingsError, match="BUDGET_USD needs the price of homemade: set LLM_PRICES"):
        open_chat(settings, Ledger(tmp_path, PRICES, Cap(usd=5)), say=print)


def test_without_a_model_named_the_summarizer_gets_a_cheap_one(tmp_path: Path) -> None:
    chats = open_chat(ChatSettings(provider="openai", key="k"), Ledger(tmp_path, PRICES, Cap()), say=print)

    assert (chats["architect"].model, chats["summarizer"].model) == ("gpt-6-sol", "gpt-6-luna")
    assert chats["architect"] is chats["analyst"]


def test_importing_loads_no_sdk() -> None:
    code = "import orchestrator.providers, sys; sys.exit(bool({'openai', 'anthropic', 'httpx2'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
