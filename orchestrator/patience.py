"""The retry policy, the only one: what is transient is tried again, with growing pauses, until patience runs out.

Time-outs, lost connections, 429, 5xx and overload arrive here as `TransientError`; all else passes through.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter

from orchestrator.chat import TransientError
from orchestrator.errors import ChatError

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.chat import ChatModel, Reply, Request

BACKOFF = wait_exponential_jitter(initial=1, max=60, jitter=3)
"""1, 2, 4 ... 60 s and up to 3 s more: ten pauses are under six minutes, and a rate limit's minute is waited out."""


class PatientChat:
    """A chat model that is asked again where that may help."""

    def __init__(
        self,
        chat: ChatModel,
        *,
        patience: float,
        say: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`patience`: seconds that one request may take in all; `say` is told about each pause."""
        self._chat = chat
        self._retrying = retrying(patience, say, sleep)

    @property
    def model(self) -> str:
        return self._chat.model

    def ask(self, request: Request) -> Reply:
        return self._retrying(self._chat.ask, request)


def retrying(patience: float, say: Callable[[str], None], sleep: Callable[[float], None]) -> Retrying:
    """Try what is transient again, after the pause that the server asks for or else after backing off.

    Raises:
        ChatError: patience has run out; the sentence names the last failure.
    """
    return Retrying(
        retry=retry_if_exception_type(TransientError),
        wait=_pause,
        stop=lambda state: _hopeless(state) or _elapsed(state) + state.upcoming_sleep > patience,
        sleep=sleep,
        before_sleep=lambda state: say(f"{_error(state)} Trying again in {state.upcoming_sleep:.0f} s."),
        retry_error_callback=_give_up,
    )


def _pause(state: RetryCallState) -> float:
    asked = _error(state).after
    return asked if asked is not None and asked > 0 else BACKOFF(state)


def _hopeless(state: RetryCallState) -> bool:
    tries = _error(state).tries
    return tries is not None and state.attempt_number >= tries


def _elapsed(state: RetryCallState) -> float:
    """Seconds since the first try; a `sleep` that does not wait counts as if it had."""
    return max(state.seconds_since_start or 0.0, state.idle_for)


def _give_up(state: RetryCallState) -> Reply:
    tries = "1 try" if state.attempt_number == 1 else f"{state.attempt_number} tries"
    raise ChatError(
        f"{_error(state)} Gave up after {tries} in {_elapsed(state) / 60:.1f} min; the same command goes on from here."
    ) from None


def _error(state: RetryCallState) -> TransientError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, TransientError)
    return error
