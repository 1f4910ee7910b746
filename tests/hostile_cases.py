"""The hostile components of `specimens/hostile`, and what has to come of each.

A file there is appended to the plain component of its kind, so that it holds the attack alone. The images are noise and
so are their labels: whoever scores better than chance has cheated.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from orchestrator.blinding import Blinding
from orchestrator.components import COMPONENTS, ComponentName, Pipeline, read_components
from orchestrator.compute import Compute
from orchestrator.dataset import Dataset
from orchestrator.execute import Executor
from orchestrator.jobs import Jobs
from orchestrator.log import open_log
from tests.fakes import make_facts

if TYPE_CHECKING:
    from harness.contract import Task
    from sandbox.base import Sandbox

SPECIMENS = Path(__file__).parent / "specimens"
HOSTILE = SPECIMENS / "hostile"
CLASSES = tuple("0123456789")
IMAGES = {"train": 120, "validation": 400, "test": 400}
SECONDS = 3.0
"""The clock of `train`."""
CHECK_SECONDS = 30.0
"""Also for start-up on a busy machine; a job that hangs takes as long."""


@dataclass(frozen=True)
class Expected:
    """What has to come of a specimen."""

    crash: str = ""
    """A pattern of the error; empty where a score has to come, at chance."""
    bubblewrap: str | None = None
    """The same for that sandbox, where it differs."""
    why: str = ""
    """Why it differs."""


UNBOUNDED = "bubblewrap cannot bound the number of files: the memory that they take is bounded"
CHANCE = Expected()
QUARANTINED = Expected("quarantined")
KILLED = Expected("killed|time")
FULL = Expected("No space left on device|memory|no weights")

EXPECTED: dict[str, Expected] = {
    "model/frames": CHANCE,
    "model/garbage_collector": CHANCE,
    "model/walks_the_disk": CHANCE,
    "model/takes_the_bait": QUARANTINED,
    "model/knows_the_order": CHANCE,
    "model/hash_table": CHANCE,
    "model/always_equal": CHANCE,
    "model/patches_the_judge": CHANCE,
    "model/prints_its_score": Expected("left with exit status 0|no logits"),
    "model/writes_its_score": CHANCE,
    "model/overwrites": CHANCE,
    "model/not_a_number": Expected("finite"),
    "model/infinite": Expected("finite"),
    "model/one_row_more": Expected("rows|logits|shape"),
    "model/appends_rows": Expected("bytes|no logits"),
    "model/daemon_rewrites": CHANCE,
    "model/rewrites_at_exit": CHANCE,
    "model/link_for_logits": Expected("no logits"),
    "model/pipe_for_logits": Expected("no logits"),
    "model/huge_logits": Expected("no logits|too large"),
    "model/odd_names": CHANCE,
    "model/links_out": CHANCE,
    "model/shadows_modules": Expected("."),
    "model/reads_the_parent": CHANCE,
    "data/syntax": Expected("SyntaxError"),
    "data/exits_at_import": Expected("left with exit status 0"),
    "data/worker_dies": CHANCE,  # as seen; that the clock of train rings first is not verified
    "data/worker_hangs": CHANCE,
    "data/relabels": CHANCE,
    "train/busy": KILLED,
    "train/plays_with_alarms": KILLED,
    "train/stops_everything": KILLED,
    "train/fork_bomb": Expected("Resource temporarily unavailable|killed|time"),
    "train/spinning_children": CHANCE,
    "train/thread_bomb": Expected("start new thread|killed|memory"),
    "train/memory_bomb": Expected("memory"),
    "train/childs_memory": CHANCE,
    "train/exception_chain": Expected("ValueError|Recursion|memory|killed|exit status"),
    "train/long_message": Expected("ValueError: long long"),
    "train/injects_a_prompt": Expected("ValueError"),
    "train/fills_out": FULL,
    "train/fills_tmp": FULL,
    "train/fills_shm": FULL,
    "train/takes_all_names": Expected("No space left on device", "100,000 files|memory", UNBOUNDED),
    "train/deep_tree": Expected("No space left on device", "", UNBOUNDED),
    "train/prints_lines": Expected("printed too much"),
    "train/prints_newlines": Expected("printed too much"),
    "train/writes_nothing": CHANCE,
    "train/bad_events": CHANCE,
    "train/forges_the_report": KILLED,
    "train/segmentation_fault": Expected("SIGSEGV"),
    "train/aborts": Expected("SIGABRT"),
    "train/bus_error": Expected("SIGBUS|memory|File too large"),
    "train/exits_as_if_killed": Expected("exit status 137"),
    "train/opens_files": Expected("Too many open files"),
    "train/calls_home": CHANCE,
    "train/looks_for_the_host": CHANCE,
    "train/system_calls": CHANCE,
    "train/reads_stdin": CHANCE,
    "train/customizes_the_site": CHANCE,
    "train/looks_for_images": CHANCE,
    "train/writes_at_the_last_moment": Expected("."),
    "train/weights_with_a_huge_header": Expected("."),
    "train/weights_of_a_trillion": Expected("."),
    "train/weights_that_overlap": Expected("."),
    "train/weights_nested_deep": Expected("."),
    "train/weights_that_are_a_pickle": Expected("."),
    "train/weights_of_wrong_shapes": Expected("loading state_dict|shape|size mismatch"),
    "train/weights_of_wrong_names": Expected("loading state_dict|[Mm]issing|[Uu]nexpected"),
    "train/weights_that_are_no_numbers": Expected("finite"),
    "train/weights_with_images": Expected("loading state_dict|[Uu]nexpected"),
}


def specimens() -> list[str]:
    """Names as in `EXPECTED`."""
    return sorted(f"{path.parent.name}/{path.stem}" for path in HOSTILE.glob("*/*.py"))


def make_hostile(name: str) -> Pipeline:
    """The plain pipeline with this specimen in it."""
    plain = read_components(SPECIMENS / "plain")
    component: ComponentName = next(each for each in COMPONENTS if each == name.split("/", maxsplit=1)[0])
    return plain.with_component(component, f"{plain[component]}\n\n{(HOSTILE / f'{name}.py').read_text()}")


def make_noise(folder: Path, *, marked: bool = False) -> Dataset:
    """A prepared dataset of noise; the labels of images that follow each other are 0 1 2 ... 9 0 1.

    `marked`: the first pixel of each image tells its label.
    """
    random = np.random.default_rng(0)
    for name, images in IMAGES.items():
        (folder / name).mkdir(parents=True)
        pixels = random.integers(0, 256, (images, 1, 8, 8), dtype=np.uint8)
        if marked:
            pixels[:, 0, 0, 0] = np.arange(images) % 10 * 25
        np.save(folder / name / "images.npy", pixels)
        labels = folder / ("train/labels.npy" if name == "train" else f"hidden/{name}.npy")
        labels.parent.mkdir(exist_ok=True)
        np.save(labels, np.arange(images) % 10)
    make_facts(folder, classes=CLASSES, size=8, labels={name: np.arange(count) % 10 for name, count in IMAGES.items()})
    return Dataset(folder)


def make_jobs(folder: Path, sandbox: Sandbox, blinding: Blinding) -> Jobs:
    """With little of everything, in a real sandbox."""
    return Jobs(
        sandbox=sandbox,
        compute=Compute(cpus=2, memory=1 << 30, output=64 << 20, gpu=False),
        weights=None,
        folder=folder / "jobs",
        on_event=lambda _: None,
        log=open_log(io.StringIO()),
        bait=blinding.decoys(),
        check_seconds=CHECK_SECONDS,
    )


def make_task(dataset: Dataset) -> Task:
    return dataset.task(device="cpu", seed=1, seconds=SECONDS, weights=())


def make_arena(folder: Path, sandbox: Sandbox) -> Executor:
    """Executes pipelines on noise."""
    run = folder / "run"
    run.mkdir()
    blinding = Blinding(make_noise(folder / "dataset"), run)
    return Executor(make_jobs(run, sandbox, blinding), blinding, make_task(blinding.dataset))
