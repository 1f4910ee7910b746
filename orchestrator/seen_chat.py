"""A chat model that is seen at work: who thinks, and what all of it has cost by now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.chat import ChatModel, Reply, Request
    from orchestrator.ledger import Ledger
    from orchestrator.view import View


class SeenChat:
    """Implements `ChatModel`."""

    def __init__(self, chat: ChatModel, ledger: Ledger, view: View) -> None:
        self._chat = chat
        self._ledger = ledger
        self._view = view

    @property
    def model(self) -> str:
        return self._chat.model

    def ask(self, request: Request) -> Reply:
        agent = request.agent.replace("_", " ")
        self._view.phase(f"iteration {request.iteration}: the {agent} ({self.model}) is thinking")
        reply = self._chat.ask(request)
        bill = self._ledger.total()
        usd = "" if bill.usd is None else f"{bill.usd:.4f} USD, "
        self._view.say(f"{usd}{bill.tokens:,} tokens", "bill", usd=bill.usd, tokens=bill.tokens)
        return reply
