"""Nothing is executed twice in a run; with several GPUs, several are executed at once."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from orchestrator.execute import USUAL, Terms
from orchestrator.executions import Executions
from orchestrator.journal import Journal
from orchestrator.replay import read_events
from sandbox.base import SandboxError
from tests.fakes import ScriptedExecutor, make_pipeline, trained

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.components import Pipeline
    from orchestrator.outcome import Outcome


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path)) as opened:
        yield opened


@dataclass
class MeetingExecutor(ScriptedExecutor):
    """Executes only while others do, too."""

    meeting: threading.Barrier = field(default_factory=lambda: threading.Barrier(1))

    def execute(self, pipeline: Pipeline, attempt: Path, terms: Terms = USUAL) -> Outcome:
        self.meeting.wait(30)
        return super().execute(pipeline, attempt, terms)


def orders(run: Path, *marks: str) -> list[tuple[Pipeline, Path]]:
    return [(make_pipeline(mark), run / "iterations" / mark / "attempt-1") for mark in marks]


def test_what_the_journal_knows_is_not_executed_again(journal: Journal) -> None:
    executor = ScriptedExecutor([trained(0.5), trained(0.6), trained(0.7)])
    executions = Executions([executor], journal, 0)
    [(pipeline, folder)] = orders(journal.folder, "a")

    first = executions.execute(pipeline, folder)

    assert executions.execute(pipeline, folder) == first
    assert executions.execute(pipeline, folder, Terms(seed=1)) == trained(0.6)
    assert executions.execute(make_pipeline("b"), folder) == trained(0.7)


def test_weights_that_are_gone_are_trained_again(journal: Journal) -> None:
    executions = Executions([ScriptedExecutor([trained(0.5), trained(0.6)])], journal, 0)
    [(pipeline, folder)] = orders(journal.folder, "a")
    executions.execute(pipeline, folder)
    (folder / "weights.safetensors").unlink()

    assert executions.execute(pipeline, folder) == trained(0.6)


def test_with_two_gpus_two_are_executed_at_once_and_none_again(journal: Journal) -> None:
    meeting = threading.Barrier(2)
    executors = [MeetingExecutor([trained(0.5), trained(0.6)], meeting=meeting) for _ in range(2)]
    executions = Executions(executors, journal, 0)
    turn = orders(journal.folder, "a", "b", "c", "d")

    executions.side_by_side(turn, USUAL)
    meeting.abort()

    assert [len(executor.terms) for executor in executors] == [2, 2]
    assert all(executions.execute(*order) for order in turn)
    assert len(read_events(journal.folder)) == 4


def test_with_one_gpu_nothing_runs_side_by_side(journal: Journal) -> None:
    executor = ScriptedExecutor([])

    Executions([executor], journal, 0).side_by_side(orders(journal.folder, "a", "b"), USUAL)

    assert executor.terms == []


def test_a_sandbox_that_fails_one_of_several_is_told_after_the_others_ended(journal: Journal) -> None:
    @dataclass
    class Broken(ScriptedExecutor):
        def execute(self, pipeline: Pipeline, attempt: Path, terms: Terms = USUAL) -> Outcome:
            if pipeline.data == "# a\n":
                raise SandboxError("the engine is gone.")
            return super().execute(pipeline, attempt, terms)

    executions = Executions([Broken([trained(0.5)] * 2), Broken([trained(0.5)] * 2)], journal, 0)

    with pytest.raises(SandboxError, match="the engine is gone"):
        executions.side_by_side(orders(journal.folder, "a", "b", "c"), USUAL)

    assert sorted(event["place"] for event in journal.events) == ["iterations/b/attempt-1", "iterations/c/attempt-1"]
