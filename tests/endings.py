"""What the tests of a run's end share: a dataset that is learnt in a second, weights without torch, a journal."""

from __future__ import annotations

import io
import json
import struct
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from orchestrator.blinding import Blinding
from orchestrator.compute import Compute
from orchestrator.dataset import Dataset
from orchestrator.execute import Executor, Terms
from orchestrator.executions import Executions
from orchestrator.finals import Winner
from orchestrator.jobs import Jobs
from orchestrator.journal import Journal, trial_folder
from orchestrator.log import open_log
from orchestrator.outcome import Trained
from orchestrator.run_folder import keep_best, write_json
from orchestrator.team import Iteration, Proposal
from tests.fakes import file_checksums, make_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from orchestrator.components import Pipeline
    from sandbox.base import Sandbox

IMAGES = {"train": 90, "validation": 60, "test": 60}
NAMES = ("dark", "grey", "light")


def make_shades(folder: Path, *, noise: int = 60) -> Dataset:
    """A prepared dataset of noise that is the brighter, the higher the label: 8 x 8, grey, three classes."""
    random = np.random.default_rng(0)
    for name, images in IMAGES.items():
        (folder / name).mkdir(parents=True)
        classes = np.arange(images, dtype=np.int64) % 3
        pixels = random.integers(0, noise, (images, 1, 8, 8)) + 80 * classes[:, None, None, None]
        np.save(folder / name / "images.npy", pixels.clip(0, 255).astype(np.uint8))
        labels = folder / ("train/labels.npy" if name == "train" else f"hidden/{name}.npy")
        labels.parent.mkdir(exist_ok=True)
        np.save(labels, classes)
    known = {name: np.arange(images) % 3 for name, images in IMAGES.items()}
    make_facts(folder, classes=NAMES, size=8, labels=known, checksums=file_checksums(folder))
    return Dataset(folder)


def make_weights(*values: float, steps: int = 0) -> bytes:
    """A safetensors file of one weight `w` and a counter `n`."""
    size = 4 * len(values)
    header = {
        "n": {"dtype": "I64", "shape": [], "data_offsets": [0, 8]},
        "w": {"dtype": "F32", "shape": [len(values)], "data_offsets": [8, 8 + size]},
    }
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + struct.pack(f"<q{len(values)}f", steps, *values)


@dataclass
class Over:
    """A run whose loop is over."""

    folder: Path
    dataset: Dataset
    executor: Executor
    journal: Journal
    told: list[str] = field(default_factory=list)
    """Lines for the user."""
    history: list[Iteration] = field(default_factory=list)

    @property
    def executions(self) -> Executions:
        return Executions([self.executor], self.journal, 0)

    def train(self, pipeline: Pipeline, *, seeds: int = 1, kept: bool = True) -> Iteration:
        """One iteration, trained with so many seeds, recorded."""
        iteration = Iteration(
            number=len(self.history),
            proposal=Proposal(pipeline=pipeline, component=None, change="a change", reason="Because."),
            outcome=self._execute(pipeline, self.folder / "iterations" / f"{len(self.history):03}" / "attempt-1", 0),
            attempts=1,
            kept=kept,
            turn=len(self.history),
        )
        again = tuple(
            self._execute(pipeline, trial_folder(self.folder, iteration, trial), trial) for trial in range(1, seeds)
        )
        iteration = Iteration(**{**vars(iteration), "again": again})
        if kept:
            keep_best(self.folder, iteration)
        self.journal.record_turn([iteration])
        self.history.append(iteration)
        return iteration

    def _execute(self, pipeline: Pipeline, folder: Path, trial: int) -> Trained:
        outcome = self.executions.execute(pipeline, folder, Terms(seed=trial))
        assert isinstance(outcome, Trained), outcome
        return outcome


@contextmanager
def open_over(folder: Path, sandbox: Sandbox, dataset: Dataset) -> Iterator[Over]:
    """A run in `run/` of a folder; opened again, it goes on."""
    run = folder / "run"
    run.mkdir(exist_ok=True)
    if not (run / "run.json").exists():
        write_json(run / "run.json", {"same": {"dataset": dataset.checksum, "sandbox": sandbox.name}})
    blinding = Blinding(dataset, run)
    jobs = Jobs(
        sandbox=sandbox,
        compute=Compute(cpus=1, memory=1 << 30, output=64 << 20, gpu=False),
        weights=None,
        folder=run / "jobs",
        on_event=lambda _: None,
        log=open_log(io.StringIO()),
        bait=blinding.decoys(),
    )
    task = dataset.task(device="cpu", seed=0, seconds=30, weights=())
    with closing(Journal(run)) as journal, closing(Executor(jobs, blinding, task, ahead=False)) as executor:
        yield Over(folder=run, dataset=dataset, executor=executor, journal=journal)


def won(iterations: Sequence[Iteration], trial: int = 0) -> Winner:
    return Winner(iteration=iterations[-1], trial=trial)
