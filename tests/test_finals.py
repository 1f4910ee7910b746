"""The best few meet again with new seeds: the best mean wins, luck loses, and there is an end to it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.budget import Budget
from orchestrator.executions import Executions
from orchestrator.finals import Finals, contenders
from orchestrator.journal import Journal
from orchestrator.selection import Rule
from orchestrator.team import Iteration
from tests.fakes import ScriptedExecutor, Watcher, crashed, make_proposal, trained

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from orchestrator.outcome import Outcome

RULE = Rule(protocol="careful", level=0.1)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path)) as opened:
        yield opened


def iteration(journal: Journal, number: int, outcome: Outcome, *, kept: bool = False, mark: str = "") -> Iteration:
    folder = journal.folder / "iterations" / f"{number:03}" / "attempt-1"
    folder.mkdir(parents=True)
    if kept:
        (folder / "weights.safetensors").write_text("first")
        (folder / "task.json").touch()
    proposal = make_proposal(mark or str(number))
    return Iteration(number=number, proposal=proposal, outcome=outcome, attempts=1, kept=kept)


def make_finals(journal: Journal, outcomes: Iterable[Outcome], *, seeds: int = 2, hours: float = 0.0) -> Finals:
    return Finals(
        executions=Executions([ScriptedExecutor(outcomes)], journal, 0),
        budget=Budget(iterations=9, hours=hours),
        view=Watcher(),
        rule=RULE,
        count=3,
        seeds=seeds,
    )


def test_the_best_mean_wins_and_its_best_training_gives_the_weights(journal: Journal) -> None:
    history = [iteration(journal, 0, trained(0.80), kept=True), iteration(journal, 1, trained(0.79))]
    finals = make_finals(journal, [trained(0.70), trained(0.81), trained(0.72), trained(0.83)])

    won = finals.run(history)

    assert won is not None
    assert (won.iteration.number, won.trial) == (1, 2)
    assert [each["validation"] for each in won.contenders] == [[0.80, 0.70, 0.72], [0.79, 0.81, 0.83]]
    assert (journal.folder / "best" / "components" / "data.py").read_text() == "# 1\n"
    assert [event["winner"] for event in journal.events if event["kind"] == "finals"] == [1]


def test_what_is_clearly_worse_or_the_same_or_crashed_is_no_contender(journal: Journal) -> None:
    history = [
        iteration(journal, 0, trained(0.80), kept=True),
        iteration(journal, 1, trained(0.60)),
        iteration(journal, 2, crashed()),
        iteration(journal, 3, trained(0.78)),
        iteration(journal, 4, trained(0.79), mark="0"),
        iteration(journal, 5, trained(0.79)),
    ]

    assert [each.number for each in contenders(history, 9, RULE)] == [0, 5, 3]
    assert [each.number for each in contenders(history, 2, RULE)] == [0, 5]


def test_who_crashes_with_a_new_seed_is_out(journal: Journal) -> None:
    history = [iteration(journal, 0, trained(0.80), kept=True), iteration(journal, 1, trained(0.79))]
    finals = make_finals(journal, [crashed(), trained(0.60)], seeds=1)

    won = finals.run(history)

    assert won is not None
    assert (won.iteration.number, won.trial) == (1, 1)


def test_where_all_crash_the_best_so_far_stays(journal: Journal) -> None:
    history = [iteration(journal, 0, trained(0.80), kept=True), iteration(journal, 1, trained(0.82))]

    won = make_finals(journal, [crashed(), crashed()]).run(history)

    assert won is not None
    assert (won.iteration.number, won.trial) == (0, 0)


def test_no_round_begins_for_which_there_is_no_time(journal: Journal) -> None:
    slow = replace(trained(0.80), seconds=3000.0)
    history = [iteration(journal, 0, slow, kept=True), iteration(journal, 1, trained(0.82))]
    finals = make_finals(journal, [trained(0.9)], hours=0.5)

    won = finals.run(history)

    assert won is not None
    assert (won.iteration.number, won.trial) == (0, 0)


def test_the_paper_knows_no_finals(journal: Journal) -> None:
    history = [iteration(journal, 0, trained(0.80), kept=True)]
    finals = make_finals(journal, [])
    finals.rule = Rule(protocol="paper", level=0.1)

    won = finals.run(history)

    assert won is not None
    assert won.contenders == ()


def test_where_nothing_trained_nobody_wins(journal: Journal) -> None:
    assert make_finals(journal, []).run([iteration(journal, 0, crashed())]) is None
