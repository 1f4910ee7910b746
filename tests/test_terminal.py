"""What a person reads: lines that stay are complete and fit a terminal of 80 columns."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from harness.report import Event
from orchestrator.summary import Final, Finish
from orchestrator.team import Iteration
from orchestrator.terminal import Terminal, iteration_line, result_lines
from tests.fakes import crashed, make_proposal, make_score, trained
from tests.pseudo_terminal import on_terminal
from tests.scripted_run import LONG, WIDE

SCRIPTED = ("-m", "tests.scripted_run", "--pause")
DRAWING = re.compile(r"\x1b\[(\?25[lh]|[12]K|\d*A)")
"""What a live line needs: the cursor hidden, shown and moved up, lines erased."""
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
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


@pytest.mark.parametrize("change", ["x" * 200, LONG, WIDE])
@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_long_and_wide_texts_stay_within_their_columns(change: str, width: int) -> None:
    turn = Iteration(number=100, proposal=make_proposal(change), outcome=trained(0.75), attempts=1, kept=False)

    assert max(map(cell_len, iteration_line(turn, DRAFT, width).split("\n"))) <= width


def test_a_change_of_several_lines_forges_no_row() -> None:
    turn = Iteration(
        number=1, proposal=make_proposal("a\n  9  b  0.9999"), outcome=trained(0.75), attempts=1, kept=True
    )

    assert iteration_line(turn, DRAFT).split("\n")[0].startswith("  1  a 9 b 0.9999")


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


def test_a_terminal_shows_what_happens_and_keeps_what_stays() -> None:
    status, written = on_terminal((*SCRIPTED, "0.4"))

    assert status == 0
    plain = DRAWING.sub("", COLOUR.sub("", written))
    for stays in (
        "Team: scripted.",
        "  0  draft  ",
        "  1  wider  ",
        "  5  crashes  ",
        "NameError: torhc",
        "0.7500 (95 %",
    ):
        assert plain.count(stays) == 1
    for passes in ("the analyst (some-model) is thinking  0 s", "waiting for the sandbox to start", "up to 29 s left"):
        assert passes in plain
    assert "the run: about 9 min 5" in plain
    assert "spent: 0.0110 USD, 1,000 tokens" in plain
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")


def test_text_of_others_reaches_a_terminal_without_its_controls() -> None:
    _, written = on_terminal((*SCRIPTED, "0.3"))

    rest = DRAWING.sub("", COLOUR.sub("", written))
    assert {char for char in rest if not char.isprintable()} == {"\r", "\n"}
    assert "[2J[31mred]0;title [bold]markup[/bold] :warning: reversed" in " ".join(rest.split())
    assert set(COLOUR.findall(written)) == {"\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[0m"}


@pytest.mark.parametrize("columns", [40, 80])
def test_live_lines_are_three_at_most_and_none_is_wider_than_the_terminal(columns: int) -> None:
    _, written = on_terminal((*SCRIPTED, "0.3"), columns=columns)

    frames = [frame for frame in re.split(r"\r?\x1b\[2K", COLOUR.sub("", written)) if "  the run: about" in frame]
    assert frames
    live = [re.split(r"\r?\n", frame[frame.rindex("iteration ") - 2 :]) for frame in frames]
    assert max(map(len, live)) <= 4  # three, and what follows the last
    assert max(cell_len(DRAWING.sub("", line).strip("\r")) for lines in live for line in lines[:3]) < columns


def test_no_color_is_kept_to_and_a_dumb_terminal_gets_plain_lines() -> None:
    _, without = on_terminal((*SCRIPTED, "0"), environment={"NO_COLOR": "1"})
    _, dumb = on_terminal((*SCRIPTED, "0"), environment={"TERM": "dumb"})

    assert COLOUR.findall(without) == []
    assert "\x1b" not in dumb
    assert "     iteration 1: the analyst (some-model) is thinking" in dumb


def test_ctrl_c_leaves_a_clean_terminal_and_says_how_to_go_on() -> None:
    status, written = on_terminal((*SCRIPTED, "600"), keys=[("waiting for the sandbox", b"\x03")])

    assert status == 130
    live, told = written.split("Ending in order; Ctrl-C again ends at once.")
    assert "\x1b[?25h" in live
    assert "\x1b" not in told
    sentence = "Interrupted; what was finished is kept: the same command does the rest."
    assert " ".join(told.split()) == sentence
