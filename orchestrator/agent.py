"""An agent's side of a conversation: a prompt goes out, an answer that can be used comes back, or none.

A reply is untrusted text. One that cannot be used is asked again, twice, with the reason; one that was cut off is asked
to go on; a context that was too long is asked again with less in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from harness.report import printable, shorten
from orchestrator.chat import BYTES_A_TOKEN, ContextTooLongError, Message, Request
from orchestrator.material import Section, lay_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestrator.chat import ChatModel, Reply

T = TypeVar("T")

TRIES = 3
"""The first, and two more with the reason why the last reply would not do."""
CONTINUATIONS = 2
"""How often a reply that was cut off is asked to go on."""
ROOM = 200_000
"""Characters of a prompt's changing part, until the model says that it is too long."""
LEAST_ROOM = 2_000
"""Characters; a model that cannot read so many cannot do the work."""
ECHO = 24_000
"""Characters of an unusable reply that its author sees again."""
LARGEST = 1 << 20
"""Characters of a reply; a larger one is a loop, not an answer."""
HOT = 1.0
"""The temperature for something different; above it, models fall apart and Anthropic refuses."""
REASON = 2_000
"""Characters of a reason: it may quote the reply."""
NOTHING = "(nothing)"
"""Stands for an empty reply: Anthropic refuses messages without text."""
AGAIN = "Answer again, whole."
GO_ON = "You reached the output limit. Go on exactly where you stopped, in the same line, without repeating anything."


class UnusableReplyError(ValueError):
    """Raised when a reply cannot be used; the message tells its author why."""


class RepeatedReplyError(UnusableReplyError):
    """Raised when a reply is what failed before: it is asked for differently, and hotter."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What an agent is asked."""

    iteration: int
    sections: tuple[Section, ...]
    """What it is to look at."""
    order: str
    """What it is to answer; stands last, where models heed it most."""
    images: tuple[bytes, ...] = ()
    """PNG files."""
    schema: Mapping[str, Any] | None = None
    """JSON schema of the answer."""
    example: str = ""
    """Shown at the last try to an agent that repeats itself: something proven to adapt."""


class Agent:
    """A role, played by a chat model."""

    def __init__(  # noqa: PLR0913 - a role, its model, and the limits of both
        self,
        name: str,
        chat: ChatModel,
        *,
        system: str,
        output_tokens: int,
        temperature: float | None,
        context_tokens: int = 0,
    ) -> None:
        """`system`: the stable part of its prompt; `temperature`: None is the model's own; 0 tokens: not known."""
        self.name = name
        self._chat = chat
        self._system = system
        self._output_tokens = output_tokens
        self._temperature = temperature
        left = BYTES_A_TOKEN * (context_tokens - output_tokens) - len(system)
        self._room = max(LEAST_ROOM, left) if context_tokens else ROOM
        self._heard = False

    def ask(self, question: Question, parse: Callable[[str], T]) -> T:
        """Ask until `parse` takes the reply, three times at most.

        Raises:
            UnusableReplyError: none of the replies could be used; the reason is the last one's.
            ChatError: no reply can be had.
        """
        text, error = "", None
        for left in reversed(range(TRIES)):
            try:
                text, fault = self._reply(question, text, error, last=not left)
                return parse(_sound(text, fault))
            except UnusableReplyError as unusable:
                error = unusable
        assert error is not None
        raise error

    def _reply(
        self, question: Question, before: str, error: UnusableReplyError | None, *, last: bool
    ) -> tuple[str, str]:
        """The whole text of a reply, continued where it was cut off; and what is wrong with it, if anything is."""
        request, reply = self._send(question, before, error, last=last)
        text = clean(reply.text)
        for _ in range(CONTINUATIONS):
            if not reply.cut_off or question.schema or not text.strip() or len(text) > LARGEST:
                break
            turns = (Message(role="assistant", text=text), Message(role="user", text=GO_ON))
            try:
                reply = self._chat.ask(replace(request, messages=(*request.messages, *turns)))
            except ContextTooLongError:
                break  # it was the end of the context that cut it off
            text += _continuation(text, clean(reply.text))
        if len(text) > LARGEST:
            return text, f"Your reply has {len(text):,} characters: you repeat yourself. Be brief."
        if reply.cut_off:
            return text, "Your reply reached the output limit before its end. Answer again, much shorter."
        return text, "" if text.strip() else "Your reply was empty."

    def _send(
        self, question: Question, before: str, error: UnusableReplyError | None, *, last: bool
    ) -> tuple[Request, Reply]:
        """Ask; where that was too long, without the echo and the images, then with half as much material each time."""
        while True:
            request = self._request(question, before, error, last=last)
            try:
                reply = self._chat.ask(request)
            except ContextTooLongError as long:
                if before or question.images:
                    before, question = "", replace(question, images=())
                else:
                    self._shrink(request, long)
            else:
                self._heard = True
                return request, reply

    def _shrink(self, request: Request, long: ContextTooLongError) -> None:
        """Show less from now on.

        Raises:
            UnusableReplyError: there is nothing left to leave out.
            ContextTooLongError: and the model never read anything of ours.
        """
        if self._room > LEAST_ROOM:
            length = sum(len(message.text) for message in request.messages)
            self._room = max(LEAST_ROOM, min(self._room, length) // 2)
        elif self._heard:
            raise UnusableReplyError("There is more to read than the model can.")
        else:
            raise long

    def _request(self, question: Question, before: str, error: UnusableReplyError | None, *, last: bool) -> Request:
        material = lay_out(question.sections, self._room)
        first = Message(role="user", text=f"{material}\n\n{question.order}".strip(), images=question.images)
        repeated = isinstance(error, RepeatedReplyError)
        again: tuple[Message, ...] = ()
        if error:
            example = f"\n\n{question.example}" if last and repeated else ""
            again = (
                Message(role="assistant", text=shorten(before.strip(), min(ECHO, self._room // 2)) or NOTHING),
                Message(role="user", text=f"This will not do: {shorten(str(error), REASON)}\n\n{AGAIN}{example}"),
            )
        return Request(
            agent=self.name,
            iteration=question.iteration,
            system=self._system,
            messages=(first, *again),
            output_tokens=self._output_tokens,
            temperature=HOT if repeated else self._temperature,
            schema=question.schema,
        )


def _continuation(text: str, more: str) -> str:
    """What is new in the second half of a reply: inside a block, many models open another fence first."""
    opened = text.count("```") % 2 == 1
    return re.sub(r"\A\s*```[^\n]*\n", "", more) if opened else more


def _sound(text: str, fault: str) -> str:
    """A reply with nothing wrong about it.

    Raises:
        UnusableReplyError: there is.
    """
    if fault:
        raise UnusableReplyError(fault)
    return text


def clean(text: str) -> str:
    """A reply without control characters and lone surrogates, which no file could hold."""
    return printable(text.replace("\r\n", "\n"))
