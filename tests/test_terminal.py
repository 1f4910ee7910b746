"""What a person reads: lines that stay are complete and fit a terminal of 80 columns."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from harness.report import Event
from orchestrator.summary import Final, Finish
from orchestrator.team import Iteration
from orchestrator.terminal import Terminal, iteration_line, result_lines
from tests.fakes import crashed, make_proposal, make_score, trained

DRAFT = Iteration(number=0, proposal=make_proposal("draft"), outcome=trained(0.5), attempts=1, kept=True)


def test_a_gain_is_shown_against_the_best_before_it() -> None:
    turn = Iteration(number=1, proposal=make_proposal("wider"), outcome=trained(0.75), attempts=1, kept=True)

    line, reason = iteration_line(turn, DRAFT).split("\n")

    assert line.split() == ["1", "wider", "0.7500", "+0.2500", "1", "s", "kept"]
    assert reason.strip() == "Because."


def test_a_crash_says_why() -> None:
    turn = Iteration(number=12, proposal=make_proposal("wider"), outcome=crashed(), attempts=4, kept=False)

    assert "crashed" in iteration_line(turn, DRAFT)
    assert "NameError" in iteration_line(turn, DRAFT)


def test_long_texts_stay_within_80_columns() -> None:
    proposal = make_proposal("x" * 200)
    turn = Iteration(number=100, proposal=proposal, outcome=trained(0.75), attempts=1, kept=False)

    assert max(map(len, iteration_line(turn, DRAFT).split("\n"))) <= 80


def test_without_a_terminal_lines_are_plain_and_markup_is_text() -> None:
    written = io.StringIO()
    with Terminal(Console(file=written, width=80)) as terminal:
        terminal.phase("iteration 1: [red]data[/red]")
        terminal.event(Event(kind="warning", text="[bold]careful"))
        terminal.iteration(DRAFT, None)

    assert "[red]data[/red]" in written.getvalue()
    assert "[bold]careful" in written.getvalue()
    assert "\x1b" not in written.getvalue()


def test_with_a_terminal_the_line_lives_and_markup_is_text_too() -> None:
    written = io.StringIO()
    with Terminal(Console(file=written, width=80, force_terminal=True, highlight=False)) as terminal:
        terminal.phase("iteration 1")
        terminal.event(Event(kind="epoch", metrics={"epoch": 3, "loss": 0.25, "tuning_accuracy": 0.875}))
        terminal.event(Event(kind="phase", text="[/red]"))

    assert "[/red]" in written.getvalue()


def test_the_answer_has_its_interval_and_what_it_means() -> None:
    won = replace(DRAFT, number=3)
    draft = Final(iteration=DRAFT, validation=make_score(0.5), test=make_score(0.5), custody={})
    final = Final(iteration=won, validation=make_score(0.5), test=make_score(0.75), custody={})
    other = Final(iteration=won, trial=1, validation=make_score(0.5), test=make_score(0.65), custody={})

    lines = result_lines(Finish(final=final, draft=draft, seeds=(final, other)), 0.25)

    assert "0.7500 (95 % interval 0.0000 to 1.0000)" in lines
    assert "other seeds it had 0.6500: 0.7000 in the mean" in lines
    assert "first draft had 0.5000" in lines
    assert "0.2500" in lines


@pytest.mark.parametrize("text", [r"re.error: bad \[/a] here", "[red]x[/red]", "[/]", "a\nb"])
def test_nothing_that_is_said_is_read_as_markup(text: str) -> None:
    with Terminal(Console(force_terminal=True, file=io.StringIO())) as terminal:
        terminal.phase(text)
        terminal.event(Event(kind="phase", text=text))
        terminal.say(text)
