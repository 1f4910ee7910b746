"""Every exchange is on disk and on the bill, and no call is made that might pass the budget."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.chat import Message, Reply, Usage
from orchestrator.errors import ChatError, SettingsError
from orchestrator.ledger import BilledChat, BudgetSpentError, Cap, Ledger, read_entries
from orchestrator.prices import PRICES, Price, find_price, read_prices
from tests.chat_servers import ask_for

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.chat import Request

PRICE = {"known": Price(2, 10, 0.2, 2.5)}


class Counting:
    """A chat model that always says the same; 1000 tokens in, 600 of them cached, and 100 out."""

    def __init__(self, model: str = "known", *, fails: bool = False) -> None:
        self.model = model
        self.fails = fails
        self.calls = 0

    def ask(self, request: Request) -> Reply:
        self.calls += 1
        if self.fails:
            raise ChatError("Nobody answers.")
        usage = Usage(tokens_in=1000, tokens_out=100, cached=600)
        return Reply(text=f"To {request.agent}", usage=usage, seconds=1.5, model=self.model, cut_off=False)


def make_ledger(run: Path, *, usd: float = 0, tokens: int = 0) -> Ledger:
    return Ledger(run, PRICE, Cap(usd=usd, tokens=tokens))


def test_an_exchange_is_on_disk_with_its_words_and_its_price(tmp_path: Path) -> None:
    request = ask_for(messages=(Message(role="user", text="Look.", images=(b"12345",)),), temperature=0.3)

    BilledChat(Counting(), make_ledger(tmp_path)).ask(request)

    written = json.loads((tmp_path / "chat/000000.json").read_text())
    assert written["usage"] == {"tokens_in": 1000, "tokens_out": 100, "cached": 600, "written": 0, "counted": True}
    assert (written["agent"], written["iteration"], written["model"]) == ("training_engineer", 3, "known")
    assert (written["reply"], written["cut_off"], written["seconds"]) == ("To training_engineer", False, 1.5)
    assert written["usd"] == 0.00192  # 400 x 2 + 600 x 0.2 + 100 x 10, for a million
    assert written["prompt"]["messages"] == [{"role": "user", "text": "Look.", "images": [5]}]
    assert (written["prompt"]["system"], written["prompt"]["temperature"]) == (request.system, 0.3)


def test_the_bill_goes_on_where_an_earlier_process_stopped(tmp_path: Path) -> None:
    BilledChat(Counting(), make_ledger(tmp_path)).ask(ask_for())

    ledger = make_ledger(tmp_path)
    BilledChat(Counting(), ledger).ask(ask_for("Write another train.py."))

    assert sorted(path.name for path in (tmp_path / "chat").iterdir()) == ["000000.json", "000001.json"]
    assert (ledger.total().calls, ledger.total().tokens, ledger.total().usd) == (2, 2200, 0.00384)
    assert read_entries(tmp_path) == ledger.entries


def test_what_an_earlier_process_paid_for_is_not_asked_again(tmp_path: Path) -> None:
    first = BilledChat(Counting(), make_ledger(tmp_path))
    paid = [first.ask(ask_for()), first.ask(ask_for())]

    chat, ledger = Counting(), make_ledger(tmp_path)
    again = [BilledChat(chat, ledger).ask(ask_for()) for _ in range(3)]

    assert again[:2] == paid
    assert chat.calls == 1
    assert ledger.total().calls == 3


@pytest.mark.parametrize("more", [{"temperature": 1.0}, {"iteration": 4}, {"system": "You are another."}])
def test_another_request_gets_a_reply_of_its_own(tmp_path: Path, more: dict[str, Any]) -> None:
    BilledChat(Counting(), make_ledger(tmp_path)).ask(ask_for())
    chat = Counting()

    BilledChat(chat, make_ledger(tmp_path)).ask(ask_for(**more))

    assert chat.calls == 1


def test_the_bill_is_told_by_agent_and_by_iteration(tmp_path: Path) -> None:
    ledger = make_ledger(tmp_path)
    chat = BilledChat(Counting(), ledger)
    for agent, iteration in (("architect", 0), ("analyst", 1), ("analyst", 2)):
        chat.ask(ask_for(agent=agent, iteration=iteration))

    assert {agent: bill.calls for agent, bill in ledger.by_agent().items()} == {"architect": 1, "analyst": 2}
    assert {number: bill.tokens for number, bill in ledger.by_iteration().items()} == {0: 1100, 1: 1100, 2: 1100}
    assert ledger.by_agent()["analyst"].seconds == 3.0


def test_one_unknown_price_leaves_the_sum_unknown(tmp_path: Path) -> None:
    ledger = make_ledger(tmp_path)
    BilledChat(Counting(), ledger).ask(ask_for())
    BilledChat(Counting("homemade"), ledger).ask(ask_for())

    assert ledger.total().usd is None
    assert ledger.entries[0].usd == 0.00192


def test_no_exchange_is_no_cost(tmp_path: Path) -> None:
    total = make_ledger(tmp_path).total()

    assert (total.calls, total.tokens, total.usd) == (0, 0, 0.0)


def test_a_call_that_fails_is_not_on_the_bill(tmp_path: Path) -> None:
    ledger = make_ledger(tmp_path)

    with pytest.raises(ChatError):
        BilledChat(Counting(fails=True), ledger).ask(ask_for())

    assert ledger.entries == []


@pytest.mark.parametrize(("cap", "calls"), [(0, 5), (1614, 1), (1615, 2), (500, 0)])
def test_no_call_is_made_that_might_pass_the_budget_in_tokens(tmp_path: Path, cap: int, calls: int) -> None:
    """A call takes 1100; it may take 15 for the prompt and 500 for the reply."""
    chat = Counting()
    billed = BilledChat(chat, make_ledger(tmp_path, tokens=cap))

    for _ in range(5):
        try:
            billed.ask(ask_for())
        except BudgetSpentError as error:
            assert f"BUDGET_TOKENS={cap:,}" in str(error)  # noqa: PT017 - raised by some of the calls

    assert chat.calls == calls


def test_no_call_is_made_that_might_pass_the_budget_in_dollars(tmp_path: Path) -> None:
    chat = Counting()
    billed = BilledChat(chat, make_ledger(tmp_path, usd=0.007))  # one may cost 0.00504 and costs 0.00192

    billed.ask(ask_for())
    billed.ask(ask_for())
    with pytest.raises(BudgetSpentError, match=r"BUDGET_USD=0.007: 0.0038 are spent, and it may cost 0.0050"):
        billed.ask(ask_for())

    assert chat.calls == 2


def test_a_price_is_that_of_the_model_or_of_its_snapshots_alone() -> None:
    assert find_price("gpt-5-2025-08-07", PRICES) == PRICES["gpt-5"]
    assert find_price("claude-haiku-4-5-20251001", PRICES) == PRICES["claude-haiku-4-5"]
    assert find_price("gpt-5-mini", PRICES) == PRICES["gpt-5-mini"]
    assert [find_price(model, PRICES) for model in ("gpt-5-pro", "gpt-5.5", "qwen")] == [None] * 3


def test_a_user_may_name_prices() -> None:
    prices = read_prices("qwen=0/0, org/model:free = 1/4/0.1, gpt-5=9/9/9/9")

    assert prices["qwen"] == Price(0, 0, 0, 0)
    assert prices["org/model:free"] == Price(1, 4, 0.1, 1)
    assert prices["gpt-5"] == Price(9, 9, 9, 9)
    assert prices["gpt-4o"] == PRICES["gpt-4o"]


@pytest.mark.parametrize("text", ["qwen", "qwen=1", "=1/2", "qwen=1/2/3/4/5", "qwen=a/b", "qwen=-1/2", "qwen=nan/1"])
def test_prices_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="LLM_PRICES has"):
        read_prices(text)


def test_an_exchange_that_a_crash_tore_is_asked_for_again_and_none_is_overwritten(tmp_path: Path) -> None:
    first = BilledChat(Counting(), make_ledger(tmp_path))
    for text in "abc":
        first.ask(ask_for(text))
    (tmp_path / "chat/000000.json").unlink()
    (tmp_path / "chat/000001.json").write_text('{"agent": "an')
    (tmp_path / "chat/notes.json").write_text("mine")

    chat, ledger = Counting(), make_ledger(tmp_path)
    for text in "abc":
        BilledChat(chat, ledger).ask(ask_for(text))

    assert chat.calls == 2
    names = sorted(path.name for path in (tmp_path / "chat").iterdir())
    assert names == ["000001.json", "000002.json", "000003.json", "000004.json", "notes.json"]
