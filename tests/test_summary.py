"""The end of a run; and the way out where the end would come again and again."""

from __future__ import annotations

import io
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from orchestrator.blinding import Blinding
from orchestrator.compute import Compute
from orchestrator.errors import AutoModelError, NothingTrainedError
from orchestrator.execute import Executor
from orchestrator.finals import Winner
from orchestrator.jobs import Jobs
from orchestrator.journal import Journal
from orchestrator.log import open_log
from orchestrator.summary import score_finals
from orchestrator.team import Iteration
from tests.fakes import ScriptedJob, ScriptedSandbox, crashed, make_dataset, make_proposal, trained

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.outcome import Outcome

WAY_OUT = "--new begins another run: make run NEW=1"


def make_executor(folder: Path) -> Executor:
    """Each job that predicts leaves nothing."""
    dataset = make_dataset(folder / "dataset")
    blinding = Blinding(dataset, folder)
    jobs = Jobs(
        sandbox=ScriptedSandbox({"predict": [ScriptedJob()]}),
        compute=Compute(cpus=2, memory=1 << 30, output=1 << 20, gpu=False),
        weights=None,
        folder=folder / "jobs",
        on_event=lambda _: None,
        log=open_log(io.StringIO()),
        bait=blinding.decoys(),
    )
    return Executor(jobs, blinding, dataset.task(device="cpu", seed=0, seconds=60, weights=()))


def iteration(outcome: Outcome, *, kept: bool) -> Iteration:
    return Iteration(number=0, proposal=make_proposal(), outcome=outcome, attempts=1, kept=kept, repairs=())


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path)) as opened:
        yield opened


def test_a_run_in_which_nothing_trained_tells_the_way_out(tmp_path: Path, journal: Journal) -> None:
    history = [iteration(crashed(), kept=False)]

    with pytest.raises(NothingTrainedError, match=WAY_OUT):
        score_finals(journal, history, None, make_executor(tmp_path), "it is over")


def test_a_winner_that_fails_on_the_test_images_tells_the_way_out(tmp_path: Path, journal: Journal) -> None:
    weights = tmp_path / "iterations" / "000" / "attempt-1" / "weights.safetensors"
    weights.parent.mkdir(parents=True)
    weights.touch()
    won = iteration(trained(0.5), kept=True)

    with pytest.raises(AutoModelError, match=WAY_OUT):
        score_finals(journal, [won], Winner(iteration=won), make_executor(tmp_path), "it is over")
