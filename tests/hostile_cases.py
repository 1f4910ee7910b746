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
SECONDS = 15.0
"""The clock of `train`, also in the check, whose two steps took 8 s on a machine that four others shared."""
CHECK_SECONDS = 60.0
"""Also for start-up on a busy machine; a job that hangs takes almost half as long."""


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
BY_SIZE = "without a control group what lies in /dev/shm is bounded by its own size, beside the memory"
CHANCE = Expected()
QUARANTINED = Expected("quarantined")
KILLED = Expected("killed|time")
FULL = Expected("No space left on device")
OUT_OF_MEMORY = Expected("It ran out of memory")
TALKATIVE = Expected("It printed too much")
UNLOADABLE = Expected("SafetensorError")

EXPECTED: dict[str, Expected] = {
    "model/frames": CHANCE,
    "model/garbage_collector": CHANCE,
    "model/walks_the_disk": CHANCE,
    "model/takes_the_bait": QUARANTINED,
    "model/knows_the_order": CHANCE,
    "model/hash_table": CHANCE,
    "model/always_equal": CHANCE,
    "model/patches_the_judge": CHANCE,
    "model/prints_its_score": Expected("left with exit status 0"),
    "model/writes_its_score": CHANCE,
    "model/overwrites": CHANCE,
    "model/not_a_number": Expected("finite"),
    "model/infinite": Expected("finite"),
    "model/one_row_more": Expected(r"shape \(465, 10\)"),
    "model/appends_rows": Expected("no logits"),
    "model/daemon_rewrites": CHANCE,
    "model/rewrites_at_exit": CHANCE,
    "model/link_for_logits": Expected("no logits"),
    "model/pipe_for_logits": Expected("no logits"),
    "model/huge_logits": Expected("no logits"),
    "model/odd_names": CHANCE,
    "model/links_out": CHANCE,
    "model/shadows_modules": Expected("TypeError"),
    "model/reads_the_parent": CHANCE,
    "data/syntax": Expected("SyntaxError"),
    "data/exits_at_import": Expected("left with exit status 0"),
    "data/worker_dies": Expected("a process that loads and transforms images died"),
    "data/worker_hangs": KILLED,
    "data/relabels": Expected("batch_transform gives another class"),
    "train/busy": KILLED,
    "train/plays_with_alarms": KILLED,
    "train/stops_everything": KILLED,
    "train/fork_bomb": Expected("Resource temporarily unavailable|killed"),
    "train/spinning_children": CHANCE,
    "train/thread_bomb": Expected("can't start new thread"),
    "train/memory_bomb": OUT_OF_MEMORY,
    "train/childs_memory": CHANCE,
    "train/hides_memory": Expected("It ran out of memory", "PermissionError", "bubblewrap does not allow such files"),
    "train/exception_chain": TALKATIVE,
    "train/long_message": Expected("ValueError: long long"),
    "train/injects_a_prompt": Expected("ValueError"),
    "train/fills_out": FULL,
    "train/fills_tmp": FULL,
    "train/fills_shm": Expected("It ran out of memory", "It ran out of memory|No space left on device", BY_SIZE),
    "train/takes_all_names": Expected("No space left on device", "100,000 files|memory", UNBOUNDED),
    "train/deep_tree": Expected("No space left on device", "", UNBOUNDED),
    "train/prints_lines": TALKATIVE,
    "train/prints_newlines": TALKATIVE,
    "train/writes_nothing": CHANCE,
    "train/bad_events": CHANCE,
    "train/forges_the_report": KILLED,
    "train/segmentation_fault": Expected("SIGSEGV"),
    "train/aborts": Expected("SIGABRT"),
    "train/bus_error": OUT_OF_MEMORY,
    "train/exits_as_if_killed": Expected("exit status 137"),
    "train/opens_files": Expected("Too many open files"),
    "train/calls_home": CHANCE,
    "train/looks_for_the_host": CHANCE,
    "train/system_calls": CHANCE,
    "train/reads_stdin": CHANCE,
    "train/customizes_the_site": CHANCE,
    "train/looks_for_images": CHANCE,
    "train/writes_at_the_last_moment": UNLOADABLE,
    "train/weights_with_a_huge_header": UNLOADABLE,
    "train/weights_of_a_trillion": UNLOADABLE,
    "train/weights_that_overlap": UNLOADABLE,
    "train/weights_nested_deep": UNLOADABLE,
    "train/weights_that_are_a_pickle": UNLOADABLE,
    "train/weights_of_wrong_shapes": Expected("loading state_dict"),
    "train/weights_of_wrong_names": Expected("loading state_dict"),
    "train/weights_that_are_no_numbers": Expected("finite"),
    "train/weights_with_images": Expected("loading state_dict"),
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
    """Executes pipelines on noise; none of its jobs waits, so that after each there must be none."""
    run = folder / "run"
    run.mkdir()
    blinding = Blinding(make_noise(folder / "dataset"), run)
    return Executor(make_jobs(run, sandbox, blinding), blinding, make_task(blinding.dataset), ahead=False)
