"""A run as a view sees it, in seconds or at once: for tests, and to look at with `python -m tests.scripted_run`."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from harness.report import Event
from orchestrator.__main__ import in_order
from orchestrator.team import Iteration
from orchestrator.view import open_view
from tests.fakes import crashed, make_proposal, trained

if TYPE_CHECKING:
    from orchestrator.view import View

HOSTILE = "\x1b[2J\x1b[31mred\x1b]0;title\x07 [bold]markup[/bold] :warning: \u202ereversed"
LONG = "data: a change whose name is much too long for a row of the table, whatever its width may be"
WIDE = "模型: 更宽的网络与更长的训练时间 模型: 更宽的网络与更长的训练时间 模型: 更宽的网络"


def play(view: View, pause: float) -> None:
    """All that a view can be told."""
    view.say(
        "digits: 3 training, 2 validation and 1 test images of 2 classes.\nTeam: scripted.", "begin", run="digits-1"
    )
    draft = Iteration(number=0, proposal=make_proposal("draft"), outcome=trained(0.5), attempts=1, kept=True)
    changes = ["wider", LONG, WIDE, HOSTILE, "crashes"]
    _train(view, 0, "draft", pause)
    view.iteration(draft, None)
    for number, change in enumerate(changes, start=1):
        view.phase(f"iteration {number}: the analyst (some-model) is thinking", left=600.0 - number)
        time.sleep(pause)
        view.say(f"0.01{number}0 USD, {number},000 tokens", "bill", usd=0.01, tokens=number * 1000)
        _train(view, number, change, pause)
        outcome = crashed() if change == "crashes" else trained(0.5 + number / 10)
        proposal = make_proposal(change)
        view.iteration(
            Iteration(number=number, proposal=proposal, outcome=outcome, attempts=1, kept=number % 2 == 1), draft
        )
    view.say("Finals.", "final", winner=1, contenders=[])
    view.say("Test accuracy 0.7500 (95 % interval 0.7000 to 0.8000)", "answer", test={"accuracy": 0.75})


def _train(view: View, number: int, change: str, pause: float) -> None:
    view.phase(f"iteration {number}: {change}")
    view.event(Event(kind="phase", text="waiting for the sandbox to start"))
    time.sleep(pause)
    view.event(Event(kind="phase", text="check: import model"))
    for epoch in (1.0, 2.0):
        metrics = {"epoch": epoch, "loss": 1 / epoch, "tuning_accuracy": 0.5, "seconds_left": 30.0 - epoch}
        view.event(Event(kind="epoch", metrics=metrics | {"images_per_second": 1234.5}))
        time.sleep(pause)
    for _ in range(3):
        view.event(Event(kind="warning", text=f"the loss is {HOSTILE}"))


def main() -> int:
    """Play it on this terminal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--pause", type=float, default=1.0)
    given = parser.parse_args()

    def command() -> int:
        with open_view(given) as view:
            play(view, given.pause)
        return 0

    return in_order(command)


if __name__ == "__main__":
    sys.exit(main())
