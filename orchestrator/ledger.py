"""Every exchange with the language models, on disk in chat/, what it cost, and the end of the budget.

A request that an earlier process of this run has made gets the reply that was paid for. What a request cost that got no
reply (a time-out, a lost connection) is not known and not in it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.chat import Reply, Usage
from orchestrator.errors import AutoModelError, SettingsError
from orchestrator.prices import find_price
from orchestrator.run_folder import write_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from orchestrator.chat import ChatModel, Request
    from orchestrator.prices import Price


class BudgetSpentError(AutoModelError):
    """Raised before a call that might pass BUDGET_USD or BUDGET_TOKENS: nothing was asked."""


@dataclass(frozen=True, kw_only=True)
class Cap:
    """What may be spent on language models; 0: no limit."""

    usd: float = 0.0
    tokens: int = 0


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An exchange without its words."""

    agent: str
    iteration: int
    model: str
    usage: Usage
    seconds: float
    usd: float | None
    """None: the price of the model is unknown."""


@dataclass(frozen=True, kw_only=True)
class Bill:
    """The sum of some exchanges."""

    calls: int
    tokens_in: int
    tokens_out: int
    cached: int
    seconds: float
    usd: float | None
    """None where any price is unknown."""

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out


def require_price(model: str, prices: Mapping[str, Price], cap: Cap) -> None:
    """Refuse a cap in dollars on what costs nobody knows what.

    Raises:
        SettingsError: BUDGET_USD is set and the price of the model is unknown.
    """
    if cap.usd and find_price(model, prices) is None:
        raise SettingsError(
            f"BUDGET_USD needs the price of {model}: set LLM_PRICES={model}=IN/OUT (USD for a million tokens)."
        )


class Ledger:
    """chat/000000.json and so on in a run's folder; continued by whoever opens it next."""

    def __init__(self, run: Path, prices: Mapping[str, Price], cap: Cap) -> None:
        self._folder = run / "chat"
        self._folder.mkdir(exist_ok=True)
        self.prices = prices
        self.cap = cap
        self._next = 1 + max((int(path.stem) for path in _files(run)), default=-1)
        raw = read_exchanges(run)
        self.entries = [_entry(exchange) for exchange in raw]
        self._paid: dict[str, list[Reply]] = {}
        for exchange in raw:
            self._paid.setdefault(exchange["request"], []).append(_reply(exchange))

    def recall(self, request: Request, model: str) -> Reply | None:
        """What an earlier process got for the same request, each reply once."""
        replies = self._paid.get(_digest(request, model))
        return replies.pop(0) if replies else None

    def require_budget(self, request: Request, model: str) -> None:
        """Let a call pass that stays within the caps even if its reply is as long as it may be.

        Raises:
            BudgetSpentError: it might not.
        """
        bill, price = self.total(), find_price(model, self.prices)
        tokens = request.prompt_tokens() + request.output_tokens
        if self.cap.tokens and bill.tokens + tokens > self.cap.tokens:
            raise BudgetSpentError(
                f"the next call could pass BUDGET_TOKENS={self.cap.tokens:,}: {bill.tokens:,} are spent, "
                f"and it may take {tokens:,}"
            )
        usd = price.most_usd(request) if price else 0.0
        if self.cap.usd and (bill.usd or 0.0) + usd > self.cap.usd:
            raise BudgetSpentError(
                f"the next call could pass BUDGET_USD={self.cap.usd:g}: {bill.usd or 0.0:.4f} are spent, "
                f"and it may cost {usd:.4f}"
            )

    def record(self, request: Request, reply: Reply) -> None:
        """Put an exchange on disk.

        Raises:
            OSError: it could not be written, e.g. on a full disk.
        """
        price = find_price(reply.model, self.prices)
        entry = Entry(
            agent=request.agent,
            iteration=request.iteration,
            model=reply.model,
            usage=reply.usage,
            seconds=reply.seconds,
            usd=None if price is None else round(price.usd(reply.usage), 6),
        )
        words = {"prompt": _prompt(request), "reply": reply.text, "cut_off": reply.cut_off}
        exchange = {**asdict(entry), "request": _digest(request, reply.model), **words}
        write_json(self._folder / f"{self._next:06}.json", exchange)
        self._next += 1
        self.entries.append(entry)

    def total(self) -> Bill:
        return _add(self.entries)

    def by_agent(self) -> dict[str, Bill]:
        """In the order of their first call."""
        return bill_by_agent(self.entries)

    def by_iteration(self) -> dict[int, Bill]:
        numbers = sorted({entry.iteration for entry in self.entries})
        return {number: _add(each for each in self.entries if each.iteration == number) for number in numbers}


class BilledChat:
    """A chat model whose every exchange is within the budget and in the ledger."""

    def __init__(self, chat: ChatModel, ledger: Ledger) -> None:
        self._chat = chat
        self._ledger = ledger

    @property
    def model(self) -> str:
        return self._chat.model

    def ask(self, request: Request) -> Reply:
        if paid := self._ledger.recall(request, self.model):
            return paid
        self._ledger.require_budget(request, self.model)
        reply = self._chat.ask(request)
        self._ledger.record(request, reply)
        return reply


def read_entries(run: Path) -> list[Entry]:
    """The exchanges of a run so far, oldest first."""
    return [_entry(exchange) for exchange in read_exchanges(run)]


def bill_by_agent(entries: Sequence[Entry]) -> dict[str, Bill]:
    """In the order of their first call."""
    agents = dict.fromkeys(entry.agent for entry in entries)
    return {agent: _add(each for each in entries if each.agent == agent) for agent in agents}


def _files(run: Path) -> list[Path]:
    return sorted(path for path in (run / "chat").glob("*.json") if path.stem.isdecimal())


def read_exchanges(run: Path) -> list[dict[str, Any]]:
    """The exchanges on disk, with their words; one that a crash of the machine tore is asked for again."""
    read = []
    for path in _files(run):
        try:
            exchange = json.loads(path.read_bytes())
            _add([_entry(exchange)])  # an error where a number is none
            if isinstance(_reply(exchange).text, str) and isinstance(exchange["request"], str):
                read.append(exchange)
        except (ValueError, KeyError, TypeError):
            continue
    return read


def _reply(raw: dict[str, Any]) -> Reply:
    return Reply(
        text=raw["reply"],
        usage=Usage(**raw["usage"]),
        seconds=raw["seconds"],
        model=raw["model"],
        cut_off=raw["cut_off"],
    )


def _digest(request: Request, model: str) -> str:
    """SHA-256 of everything that is sent, in hex."""
    images = [hashlib.sha256(image).hexdigest() for message in request.messages for image in message.images]
    sent = {"model": model, "images": images, **_prompt(request)}
    return hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()


def bill_facts(ledger: Ledger) -> dict[str, Any]:
    """The bill for summary.json."""
    agents = {agent: asdict(bill) for agent, bill in ledger.by_agent().items()}
    return {"agents": agents, "iterations": {number: asdict(bill) for number, bill in ledger.by_iteration().items()}}


def _entry(raw: dict[str, Any]) -> Entry:
    facts = {name: raw[name] for name in ("agent", "iteration", "model", "seconds", "usd")}
    return Entry(usage=Usage(**raw["usage"]), **facts)


def _prompt(request: Request) -> dict[str, Any]:
    """All that was asked; of images, their sizes in bytes."""
    messages = [{**asdict(message), "images": [len(image) for image in message.images]} for message in request.messages]
    return {**asdict(request), "messages": messages}


def _add(entries: Iterable[Entry]) -> Bill:
    listed = list(entries)
    prices = [entry.usd for entry in listed]
    known = [usd for usd in prices if usd is not None]
    return Bill(
        calls=len(listed),
        tokens_in=sum(entry.usage.tokens_in for entry in listed),
        tokens_out=sum(entry.usage.tokens_out for entry in listed),
        cached=sum(entry.usage.cached for entry in listed),
        seconds=round(sum(entry.seconds for entry in listed), 3),
        usd=round(sum(known), 6) if len(known) == len(prices) else None,
    )
