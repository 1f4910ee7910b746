"""Every form and name of a dataset, prepared and trained on for one short run, by the command line in bubblewrap."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.named_datasets import NAMED
from tests.bench.figures import MB
from tests.bench.forms import FORMS, write_form

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.bench.sizes import Sizes

AUTOMODEL = str(Path(sys.executable).with_name("automodel"))
BY_NAME = (sys.executable, "-m", "tests.bench.named")
ROOT = str(Path(__file__).parents[2])
KNOBS = {
    "SANDBOX_BACKEND": "bubblewrap",
    "RUN_ITERATIONS": "0",
    "RUN_FINALS": "0",
    "RUN_FIT_MINUTES": "0.3",
    "LLM_PROVIDER": "playbook",
    "PYTHONPATH": ROOT,
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """What came of one form."""

    name: str
    images: int
    seconds: float
    """To prepare, start-up of the sandbox included."""
    peak: float
    """MB resident at most, of whatever process of preparing had most."""
    outcome: str

    def __str__(self) -> str:
        return f"  {self.name:<44}{self.images:>9,} images {self.seconds:>7.1f} s {self.peak:>6.0f} MB  {self.outcome}"


def measure(_sizes: Sizes, folder: Path) -> Iterator[Row]:
    for number, (name, (_, words)) in enumerate(FORMS.items()):
        place = folder / f"{number:02}"
        with ProcessPoolExecutor(1, get_context("spawn")) as other:  # a program's peak counts who started it, too
            path = other.submit(write_form, name, place / "source").result()
        yield try_out(name, [AUTOMODEL], [str(path), *words], place)
    for name in NAMED:
        place = folder / name
        place.mkdir()
        _call([*BY_NAME, "write", name], place)
        yield try_out(name, BY_NAME, [name], place)


def try_out(name: str, program: Sequence[str], words: Sequence[str], place: Path) -> Row:
    """Prepare what these words of the command line name, and train on it."""
    status, seconds, peak = _call([*program, "prepare", *words], place)
    facts = [json.loads(path.read_bytes()) for path in place.glob("datasets/*/dataset.json")]
    images = sum(split["images"] for split in facts[0]["splits"].values()) if facts else 0
    if not status:
        status, _, _ = _call([*program, "run", *words], place)
    return Row(name=name, images=images, seconds=seconds, peak=peak / MB, outcome=_outcome(status, place))


def _outcome(status: int, place: Path) -> str:
    summaries = list(place.glob("runs/*/summary.json"))
    if status or not summaries:
        return f"failed ({status}): {(place / 'said.txt').read_text().strip().rpartition(chr(10))[2]}"
    handed_in = list(place.glob("runs/*/submission.csv"))
    rows = f", submission.csv of {len(handed_in[0].read_text().splitlines()) - 1} rows" if handed_in else ""
    return f"test accuracy {json.loads(summaries[0].read_bytes())['test']['accuracy']:.4f}{rows}"


def _call(command: Sequence[str], place: Path) -> tuple[int, float, int]:
    """Exit status, seconds, and the most bytes that it or one of its children had."""
    began = time.perf_counter()
    with (place / "said.txt").open("w", encoding="utf-8") as said:
        process = subprocess.Popen(command, env={**os.environ, **KNOBS}, cwd=place, stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, time.perf_counter() - began, used.ru_maxrss << 10
