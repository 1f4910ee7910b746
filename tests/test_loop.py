"""The loop keeps what helps, discards what does not, mends what crashed, and continues where it was stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from orchestrator.budget import Budget
from orchestrator.executions import Executions
from orchestrator.journal import Journal
from orchestrator.ledger import BudgetSpentError
from orchestrator.loop import Loop
from orchestrator.outcome import Crashed
from orchestrator.selection import Rule
from orchestrator.team import Profile, Proposal
from tests.fakes import ScriptedExecutor, ScriptedTeam, Watcher, crashed, make_dataset, trained

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.outcome import Outcome


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    dataset = make_dataset(tmp_path / "dataset")
    return Profile(
        dataset="noise",
        description="",
        task=dataset.task(device="cpu", seed=0, seconds=60, weights=()),
        median_size=(4, 4),
        cores=2,
        memory=1 << 30,
    )


def make_loop(
    folder: Path,
    profile: Profile,
    team: ScriptedTeam,
    executor: ScriptedExecutor,
    *,
    iterations: int,
    repairs: int = 2,
    candidates: int = 1,
    protocol: Literal["careful", "paper"] = "careful",
) -> Loop:
    folder.mkdir(exist_ok=True)
    return Loop(
        team=team,
        profile=profile,
        executions=Executions([executor], Journal(folder), 0),
        budget=Budget(iterations=iterations, hours=0),
        view=Watcher(),
        repairs=repairs,
        rule=Rule(protocol=protocol, level=0.1),
        candidates=candidates,
    )


def test_a_gain_is_kept_and_a_loss_is_not(tmp_path: Path, profile: Profile) -> None:
    executor = ScriptedExecutor([trained(0.5), trained(0.7), trained(0.6)])
    loop = make_loop(tmp_path / "run", profile, ScriptedTeam(["a", "b", "c"]), executor, iterations=2)

    ended = loop.run()

    assert ended == "all 2 iterations are done"
    assert loop.view.lines == [(0, True, None), (1, True, 0), (2, False, 1)]  # type: ignore[attr-defined]
    best = tmp_path / "run" / "best"
    assert (best / "components" / "data.py").read_text() == "# b\n"
    assert (best / "weights.safetensors").read_text() == "# b\n"


def test_weights_of_what_was_discarded_take_no_disk(tmp_path: Path, profile: Profile) -> None:
    executor = ScriptedExecutor([trained(0.5), trained(0.4)])
    make_loop(tmp_path / "run", profile, ScriptedTeam(["a", "b"]), executor, iterations=1).run()

    left = sorted(path.parent.parent.name for path in (tmp_path / "run" / "iterations").rglob("weights.safetensors"))

    assert left == ["000"]


def test_a_crash_is_mended_within_its_iteration(tmp_path: Path, profile: Profile) -> None:
    team = ScriptedTeam(["a"])
    executor = ScriptedExecutor([crashed("model"), crashed("train"), trained(0.5)])
    loop = make_loop(tmp_path / "run", profile, team, executor, iterations=0)

    loop.run()

    assert team.asked == ["draft noise", "repair model", "repair train"]
    assert [(turn.attempts, turn.kept) for turn in loop.history] == [(3, True)]
    assert loop.history[0].proposal.change == "a mended mended"


@pytest.mark.parametrize(("remedies", "attempts"), [(99, 4), (1, 2), (0, 1)])
def test_without_a_remedy_the_iteration_fails_and_the_best_stands(
    tmp_path: Path, profile: Profile, remedies: int, attempts: int
) -> None:
    executor = ScriptedExecutor([trained(0.5), crashed(), crashed(), crashed(), crashed()])
    loop = make_loop(tmp_path / "run", profile, ScriptedTeam(["a", "b"], remedies), executor, iterations=1)

    loop.run()

    assert isinstance(loop.history[1].outcome, Crashed)
    assert (loop.history[1].attempts, loop.history[1].kept) == (attempts, False)
    assert (tmp_path / "run" / "best" / "weights.safetensors").read_text() == "# a\n"


def test_when_the_repairs_are_used_up_something_proven_gets_one_try(tmp_path: Path, profile: Profile) -> None:
    team = ScriptedTeam(["a"])
    executor = ScriptedExecutor([crashed("model"), crashed("model"), crashed("train"), trained(0.5)])
    loop = make_loop(tmp_path / "run", profile, team, executor, iterations=0, repairs=2)

    loop.run()

    assert team.asked[1:] == ["repair model", "repair model", "repair train at last"]
    assert [repair.worked for repair in loop.history[0].repairs] == [False, False, True]


def test_without_repairs_nothing_is_mended(tmp_path: Path, profile: Profile) -> None:
    team = ScriptedTeam(["a"])
    make_loop(tmp_path / "run", profile, team, ScriptedExecutor([crashed()]), iterations=0, repairs=0).run()

    assert team.asked == ["draft noise"]


def test_a_proposal_with_a_fault_costs_no_container(tmp_path: Path, profile: Profile) -> None:
    class Faulty(ScriptedTeam):
        def draft(self, profile: Profile) -> Proposal:
            return replace(super().draft(profile), fault=crashed("data").crash)

    executor = ScriptedExecutor([trained(0.5)])
    loop = make_loop(tmp_path / "run", profile, Faulty(["a"]), executor, iterations=0)

    loop.run()

    assert [(turn.attempts, turn.kept) for turn in loop.history] == [(2, True)]
    assert (tmp_path / "run" / "iterations" / "000" / "attempt-1" / "components" / "data.py").read_text() == "# a\n"


def test_a_spent_budget_ends_the_run_and_what_was_begun_counts_as_failed(tmp_path: Path, profile: Profile) -> None:
    class Poor(ScriptedTeam):
        def repair(self, *_: object, **__: object) -> Proposal | None:
            raise BudgetSpentError("the money is gone")

        def revise(self, *_: object, **__: object) -> Proposal | None:
            raise BudgetSpentError("the money is gone")

    loop = make_loop(tmp_path / "run", profile, Poor(["a"]), ScriptedExecutor([crashed()]), iterations=5)

    assert loop.run() == "the money is gone"
    assert [turn.kept for turn in loop.history] == [False]


def test_it_ends_when_the_team_has_no_idea_left(tmp_path: Path, profile: Profile) -> None:
    executor = ScriptedExecutor([trained(0.5), trained(0.6)])
    loop = make_loop(tmp_path / "run", profile, ScriptedTeam(["a", "b"]), executor, iterations=9)

    assert loop.run() == "nothing worth trying is left"


def test_another_process_continues_from_the_journal(tmp_path: Path, profile: Profile) -> None:
    executor = ScriptedExecutor([trained(0.5), trained(0.7)])
    first = make_loop(tmp_path / "run", profile, ScriptedTeam(["a", "b"]), executor, iterations=1)
    first.run()
    first.journal.close()
    # What a killed process may leave: an unfinished attempt, a torn line, another best.
    (tmp_path / "run" / "iterations" / "002" / "attempt-1").mkdir(parents=True)
    with (tmp_path / "run" / "journal.jsonl").open("a") as journal:
        journal.write('{"kind": "iteration", "num')
    (tmp_path / "run" / "best" / "weights.safetensors").unlink()

    team = ScriptedTeam(["c"])
    second = make_loop(tmp_path / "run", profile, team, ScriptedExecutor([trained(0.6)]), iterations=2)
    second.run()

    assert team.asked == ["revise noise after 2"]
    assert second.history[:2] == first.history
    assert [turn.kept for turn in second.history] == [True, True, False]
    assert (tmp_path / "run" / "best" / "weights.safetensors").read_text() == "# b\n"
    assert all(json.loads(line) for line in (tmp_path / "run" / "journal.jsonl").read_text().splitlines())


def test_a_gain_that_luck_explains_is_not_kept_but_in_the_papers_protocol(tmp_path: Path, profile: Profile) -> None:
    kept = {}
    for protocol in ("careful", "paper"):
        executor = ScriptedExecutor([trained(0.50), trained(0.51), trained(0.50)])
        team = ScriptedTeam(["a", "b"])
        loop = make_loop(tmp_path / protocol, profile, team, executor, iterations=1, protocol=protocol)
        loop.run()
        kept[protocol] = loop.history[1].kept

    assert kept == {"careful": False, "paper": True}


def test_a_promising_tie_is_trained_with_another_seed_before_it_is_judged(tmp_path: Path, profile: Profile) -> None:
    executor = ScriptedExecutor([trained(0.50), trained(0.52), trained(0.56)])
    loop = make_loop(tmp_path / "run", profile, ScriptedTeam(["a", "b"]), executor, iterations=1)

    loop.run()

    assert [terms.seed for terms in executor.terms] == [None, None, 1]
    assert [trial.score.accuracy for trial in loop.history[1].trials] == [0.52, 0.56]
    assert loop.history[1].kept


def test_of_several_changes_of_a_turn_the_best_is_judged(tmp_path: Path, profile: Profile) -> None:
    executor = ScriptedExecutor([trained(0.5), trained(0.6), crashed(), trained(0.8), trained(0.7)])
    team = ScriptedTeam(["a", "b", "c", "d", "e"], remedies=0)
    loop = make_loop(tmp_path / "run", profile, team, executor, iterations=1, candidates=4)

    ended = loop.run()

    assert ended == "the one iteration is done"
    assert [(turn.turn, turn.number, turn.kept) for turn in loop.history] == [
        (0, 0, True),
        (1, 1, False),
        (1, 2, False),
        (1, 3, True),
        (1, 4, False),
    ]


def test_what_ended_before_a_kill_is_not_executed_again(tmp_path: Path, profile: Profile) -> None:
    class KilledError(Exception):
        pass

    def outcomes() -> Iterator[Outcome]:
        yield trained(0.5)
        yield crashed()
        yield trained(0.6)
        raise KilledError

    team = ScriptedTeam(["a", "b", "c"])
    first = make_loop(tmp_path / "run", profile, team, ScriptedExecutor(outcomes()), iterations=1, candidates=2)
    with pytest.raises(KilledError):
        first.run()
    first.journal.close()

    again = ScriptedExecutor([trained(0.7)])
    second = make_loop(tmp_path / "run", profile, ScriptedTeam(["b", "c"]), again, iterations=1, candidates=2)
    second.run()

    assert [turn.attempts for turn in second.history] == [1, 2, 1]
    assert [turn.kept for turn in second.history] == [True, False, True]


def test_a_turn_that_was_recorded_in_part_is_judged_again(tmp_path: Path, profile: Profile) -> None:
    executor = ScriptedExecutor([trained(0.5), trained(0.6), trained(0.7)])
    team = ScriptedTeam(["a", "b", "c"])
    first = make_loop(tmp_path / "run", profile, team, executor, iterations=1, candidates=2)
    first.run()
    first.journal.close()
    journal = tmp_path / "run" / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))

    second = make_loop(
        tmp_path / "run",
        profile,
        ScriptedTeam(["b", "c"]),
        ScriptedExecutor([trained(0.6)]),
        iterations=1,
        candidates=2,
    )
    second.run()

    assert second.history == first.history


def test_no_iteration_begins_that_would_take_the_time_of_the_finals(tmp_path: Path, profile: Profile) -> None:
    now = [0]

    def outcomes() -> Iterator[Outcome]:
        while True:
            now[0] += 400
            yield replace(trained(0.5), seconds=400.0)

    executor = ScriptedExecutor(outcomes())
    loop = make_loop(tmp_path / "run", profile, ScriptedTeam(map(str, range(99))), executor, iterations=99)
    loop.budget = Budget(iterations=99, hours=1, clock=lambda: now[0])
    loop.after = 3

    assert loop.run() == "what is left of 1 hours is too little for another iteration"
    assert loop.budget.left() == 3600 - 6 * 400
