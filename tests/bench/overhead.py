"""What an attempt costs beside training, in each sandbox, against the floor: start a Python and import torch.

Cold: nothing was started ahead. Warm: the containers were started while the attempt before trained, and have imported.
"""

from __future__ import annotations

import io
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.blinding import Blinding
from orchestrator.compute import find_compute
from orchestrator.execute import Executor, read_report
from orchestrator.jobs import Jobs
from orchestrator.log import open_log
from orchestrator.outcome import Crashed
from orchestrator.prepare import open_dataset
from orchestrator.settings import read_settings
from orchestrator.setup import sandbox_choice
from sandbox import choose, engine
from sandbox.base import SandboxError
from sandbox.hardening import PYTHON
from tests.bench.figures import Figure, ratios
from tests.bench.pipelines import sleeping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from orchestrator.settings import Settings
    from sandbox.base import Sandbox
    from tests.bench.sizes import Sizes

IMPORT = "import torch, torchvision, timm"
THINKING_SECONDS = 10.0
"""As a team would; what was started before has finished importing, even on a busy machine."""
COLD, WARM = 1.2, 1.0
"""Targets: times the floor; seconds."""


@dataclass(frozen=True)
class Overhead:
    """Of one attempt, in seconds."""

    total: float
    parts: dict[str, float]
    """They add up to the total."""


def measure(sizes: Sizes, folder: Path) -> Iterator[Figure | str]:
    settings = read_settings({"dataset": "digits", "datasets_dir": str(folder / "datasets"), "run_fit_minutes": "1"})
    for backend in ("docker", "bubblewrap"):
        choice = replace(sandbox_choice(settings), backend=backend)
        try:
            sandbox = choose.open_sandbox(choice)
        except SandboxError as error:
            yield f"{backend} is left out: {error}"
            continue
        with closing(sandbox):
            floor = _import_plainly if backend == "bubblewrap" else _import_in(choose.survey(choice).image)
            yield from _figures(backend, *_attempts(sizes.attempts, settings, sandbox, floor, folder / backend))


def _import_plainly() -> None:
    subprocess.run([sys.executable, "-c", IMPORT], check=True)


def _import_in(image: str) -> Callable[[], None]:
    """`docker run --rm --network none IMAGE python -c ...`, by the engine's API: there may be no command line."""

    def run() -> None:
        with closing(engine.connect()) as client:
            client.containers.run(image, [PYTHON, "-c", IMPORT], network_mode="none", remove=True)

    return run


def _attempts(
    count: int, settings: Settings, sandbox: Sandbox, floor: Callable[[], None], folder: Path
) -> tuple[tuple[float, ...], tuple[Overhead, ...], tuple[Overhead, ...]]:
    """Floors, cold and warm attempts, in turn."""
    executor = _executor(settings, sandbox, folder)
    floors, cold, warm = [], [], []
    floor()  # reads torch from the disk
    for number in range(count):
        floors.append(_seconds(floor))
        cold.append(_attempt(executor, folder / f"{number}-cold", warm=False))
        time.sleep(THINKING_SECONDS)
        warm.append(_attempt(executor, folder / f"{number}-warm", warm=True))
        executor.close()
    return tuple(floors), tuple(cold), tuple(warm)


def _executor(settings: Settings, sandbox: Sandbox, folder: Path) -> Executor:
    dataset = open_dataset(settings, sandbox)
    blinding = Blinding(dataset, folder)
    jobs = Jobs(
        sandbox=sandbox,
        compute=find_compute(settings, sandbox),
        weights=None,
        folder=folder / "jobs",
        on_event=lambda _: None,
        log=open_log(io.StringIO()),
        bait=blinding.decoys(),
    )
    return Executor(jobs, blinding, dataset.task(device="cpu", seed=0, seconds=60, weights=()))


def _attempt(executor: Executor, folder: Path, *, warm: bool) -> Overhead:
    began = time.perf_counter()
    outcome = executor.execute(sleeping(), folder)
    total = time.perf_counter() - began
    if isinstance(outcome, Crashed):
        raise RuntimeError(outcome.log)  # noqa: TRY004 - no argument is of a wrong type
    fit, predict = outcome.report.seconds, read_report(folder / "predict-report.json").seconds
    inside = {
        "import": 0.0 if warm else fit["import"],
        "check": fit["check"],
        "fit beyond train": fit["fit"] - fit["train"],
        "predict": predict["predict"],
    }
    both_jobs = outcome.seconds - fit["train"]
    between = {"between host and harness": both_jobs - sum(inside.values())}
    outside = {"start, files and score": total - outcome.seconds}
    return Overhead(total - fit["train"], inside | between | outside)


def _figures(
    backend: str, floors: tuple[float, ...], cold: tuple[Overhead, ...], warm: tuple[Overhead, ...]
) -> Iterator[Figure]:
    yield Figure(name=f"{backend}: floor, {IMPORT}", values=floors, unit="s")
    totals = tuple(attempt.total for attempt in cold)
    yield Figure(name=f"{backend}: cold attempt, without train", values=totals, unit="s")
    yield from _parts(cold)
    yield Figure(name=f"{backend}: cold to floor", values=ratios(totals, floors), unit="x", at_most=COLD)
    totals = tuple(attempt.total for attempt in warm)
    yield Figure(name=f"{backend}: warm attempt, without train", values=totals, unit="s", at_most=WARM)
    yield from _parts(warm)


def _parts(attempts: tuple[Overhead, ...]) -> Iterator[Figure]:
    for part in attempts[0].parts:
        yield Figure(name=f"    {part}", values=tuple(attempt.parts[part] for attempt in attempts), unit="s")


def _seconds(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
