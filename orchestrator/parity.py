"""Does what was exported give the logits of the run? Three jobs on the same held-back images, compared here.

The harness predicts as it did in the run; the exported folder predicts by its own files, and its network is drawn as
ONNX; onnxruntime runs that in a third job. Everything that they leave is untrusted: logits are read strictly, the
graph is carried unopened. On the CPU, where equal networks give equal logits but for the order of sums.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import StringConstraints, TypeAdapter

from harness.report import printable
from orchestrator.blinding import present
from orchestrator.errors import AutoModelError
from orchestrator.job_files import LOGITS, WEIGHTS
from orchestrator.link import link_or_copy
from orchestrator.scoring import InvalidLogitsError, read_logits
from sandbox.base import Job, Limits, Mount, Verdict, run_job
from sandbox.environment import HOME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from orchestrator.dataset import Dataset
    from orchestrator.jobs import Jobs
    from orchestrator.predict import Model
    from sandbox.base import Ended

IMAGES = 256
CLOSE = 1e-3
"""By how much logits may differ."""
SECONDS = 3600.0
ONNX = "model.onnx"
TOLD = "onnx.json"
TOLD_BYTES = 16 << 10
LONGEST = 300
NAME = r"^[a-z0-9_]{1,100}\.[a-z0-9_]{1,100}$"
"""Of pretrained weights."""
VERSION = r"^[A-Za-z0-9.+]{1,40}$"


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How near logits are to those of the run."""

    images: int
    difference: float
    """The largest of all."""
    same: int
    """Images whose most likely class is the same."""

    @property
    def close(self) -> bool:
        return self.difference <= CLOSE and self.same == self.images

    @property
    def sentence(self) -> str:
        return f"logits differ by {self.difference:.1e} at most, the class is the same on {self.same} of {self.images}"


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the job that makes the graph says of itself: of generated code, so bounded and strict."""

    problem: Annotated[str, StringConstraints(max_length=LONGEST)]
    """Why there is no graph, or an empty text."""
    pretrained: tuple[Annotated[str, StringConstraints(pattern=NAME)], ...] = ()
    """Weights that the network began from, as its code asked for them."""
    input: tuple[int, ...] = ()
    """Shape of what the network sees, without the batch."""
    versions: dict[str, Annotated[str, StringConstraints(pattern=VERSION)]] = field(default_factory=dict)
    """Of the libraries."""


@dataclass(frozen=True, kw_only=True)
class Parity:
    """What the comparison came to."""

    predictor: Agreement
    onnx: Agreement | None
    """None where there is no graph that may be given out."""
    problem: str
    """Why not."""
    told: Told


def compare(logits: NDArray[np.float32], wanted: NDArray[np.float32]) -> Agreement:
    """Compare logits (N, K) with those of the run."""
    difference = np.abs(logits.astype(np.float64) - wanted).max()
    same = (logits.argmax(axis=1) == wanted.argmax(axis=1)).sum()
    return Agreement(images=len(wanted), difference=float(difference), same=int(same))


def check_parity(  # noqa: PLR0913, PLR0917 - what is compared, where, by whom
    model: Model, dataset: Dataset, exported: Path, jobs: Jobs, place: Path, tell: Callable[[str], None]
) -> Parity:
    """Compare; a graph that agrees is moved into the exported folder.

    Args:
        model: Of the run.
        dataset: Of the run.
        exported: The folder, complete but for the card.
        jobs: Outside of a run's loop.
        place: A folder to be made, on the same disk.
        tell: What goes on.

    Raises:
        AutoModelError: the exported folder does not give the logits of the run.
        SandboxError: the sandbox failed.
    """
    jobs.compute = replace(jobs.compute, gpu=False)
    images = write_sample(dataset, place / "images")
    check = _Check(model=model, images=images, exported=exported, jobs=jobs, place=place)
    tell("checking: the model as it was in the run")
    wanted = check.run_logits()
    tell("checking: the exported folder; its network as ONNX")
    ended = check.start("make_onnx.py", {LOGITS: check.bytes, ONNX: jobs.compute.output // 2, TOLD: TOLD_BYTES})
    predictor = compare(check.logits(ended, "The exported predict.py"), wanted)
    if not predictor.close:
        raise AutoModelError(
            f"The exported model does not give the run's own logits ({predictor.sentence}): its code must give equal "
            "images equal logits, drawing nothing by chance; nothing was exported."
        )
    told = _told(ended)
    tell("checking: the ONNX file")
    onnx, problem = (None, told.problem) if told.problem else check.onnx(ended, wanted)
    if onnx:
        ended.files[ONNX].rename(exported / ONNX)
    return Parity(predictor=predictor, onnx=onnx, problem=problem, told=told)


@dataclass(frozen=True, kw_only=True)
class _Check:
    model: Model
    images: int
    exported: Path
    jobs: Jobs
    place: Path

    @property
    def bytes(self) -> int:
        """Of logits."""
        return 4 * self.images * self.model.task.num_classes

    def run_logits(self) -> NDArray[np.float32]:
        """By the way of every run."""
        (self.place / "run").mkdir()
        waiting = self.jobs.start_predict(self.place / "images", self.bytes // 4, SECONDS)
        try:
            link_or_copy(self.model.weights, waiting.folder / "input" / WEIGHTS)
            task, facts = replace(self.model.task, device="cpu"), {"hold_out": self.model.hold_out}
            ended = waiting.run(task, self.model.pipeline, ("data", "model"), self.place / "run", facts=facts)
        finally:
            waiting.discard()
        return self._read(self.place / "run" / LOGITS, ended, "The model")

    def logits(self, ended: Ended, who: str) -> NDArray[np.float32]:
        return self._read(ended.files.get(LOGITS, self.place / "none"), ended, who)

    def _read(self, path: Path, ended: Ended, who: str) -> NDArray[np.float32]:
        try:
            return read_logits(path, self.images, self.model.task.num_classes)
        except InvalidLogitsError as error:
            said = ended.log.strip().rpartition("\n")[2][:LONGEST] or f"{ended.verdict}, status {ended.status}"
            raise AutoModelError(f"{who} failed on validation images ({error.args[0].rstrip('.')}): {said}") from None

    def onnx(self, made: Ended, wanted: NDArray[np.float32]) -> tuple[Agreement | None, str]:
        """How near the graph is; or none, and why it may not be given out."""
        if ONNX not in made.files:
            lost = "; ".join(line for line in made.refused if ONNX in line)
            return None, f"it was not made ({lost or _end(made)})"
        ended = self.start("run_onnx.py", {LOGITS: self.bytes}, model=made.files[ONNX])
        try:
            found = compare(self.logits(ended, "onnxruntime"), wanted)
        except AutoModelError as error:
            return None, str(error)
        return (found, "") if found.close else (None, f"onnxruntime gives other logits: {found.sentence}")

    def start(self, program: str, files: dict[str, int], model: Path | None = None) -> Ended:
        """Run a program of `harness/export` beside the exported folder and the images."""
        folder, compute = self.place / program.removesuffix(".py"), self.jobs.compute
        for part in ("input", "output"):
            (folder / part).mkdir(parents=True)
            (folder / part).chmod(0o755)
        if model:
            link_or_copy(model, folder / "input" / ONNX)
        job = Job(
            name="export",
            arguments=(f"{HOME}/harness/export/{program}",),
            input=folder / "input",
            output=folder / "output",
            limits=Limits(seconds=SECONDS, memory=compute.memory, cpus=compute.cpus, output=compute.output),
            mounts=(
                Mount(source=self.exported, target="/job/exported"),
                Mount(source=self.place / "images", target="/job/images"),
            ),
            wanted=files,
        )
        ended = run_job(self.jobs.sandbox, job)
        self.jobs.log.info("job ended", job=program, verdict=ended.verdict, status=ended.status, refused=ended.refused)
        return ended


def _end(ended: Ended) -> str:
    return "it took too long" if ended.verdict is Verdict.DEADLINE else f"{ended.verdict}, status {ended.status}"


def _told(ended: Ended) -> Told:
    """What the job says of itself, only to be shown."""
    try:
        told = TypeAdapter(Told).validate_json(ended.files[TOLD].read_bytes(), strict=True)
        return replace(told, problem=" ".join(printable(told.problem).split()))
    except (KeyError, OSError, ValueError):
        return Told(problem=f"the job that makes it ended early ({_end(ended)})")


def write_sample(dataset: Dataset, folder: Path) -> int:
    """Write some validation images from all over the split into a new folder, as they are stored; how many."""
    count = dataset.split("validation").images
    chosen = np.unique(np.linspace(0, count - 1, min(count, IMAGES)).astype(np.int64))
    folder.mkdir(parents=True)
    present(dataset.folder / "validation", chosen, folder)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)  # whatever the umask: jobs read it under another uid
    return len(chosen)
