"""Small scripted stand-ins for the seams: a team that proposes, a sandbox that leaves, what they are told."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.report import Crash, Event, Report
from orchestrator.chat import Reply, Usage
from orchestrator.components import Pipeline
from orchestrator.custody import file_checksum
from orchestrator.dataset import Dataset
from orchestrator.execute import USUAL
from orchestrator.outcome import Crashed, Trained
from orchestrator.scoring import Score
from orchestrator.team import Choice, Iteration, Proposal
from sandbox.base import Ended, Job, SandboxError, Verdict, Weakness
from sandbox.running import Remains

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from orchestrator.chat import Request
    from orchestrator.execute import Terms
    from orchestrator.outcome import Outcome
    from orchestrator.team import Attempt, Profile
    from orchestrator.view import Kind

CLASSES = ("cat", "dog", "owl")
LABELS = {"train": [0, 1, 2] * 10, "validation": [0, 1, 2, 0], "test": [2, 1, 0, 1, 2]}


def make_dataset(folder: Path, *, real: bool = False, submission: Mapping[str, Any] | None = None) -> Dataset:
    """A prepared dataset of noise: 30 training, 4 validation, 5 test images, 4x4, grey, three classes.

    `real`: with the checksums of its files; `submission`: of images without labels, its `rows` and what dataset.json
    says of it.
    """
    for name, labels in LABELS.items():
        (folder / name).mkdir(parents=True)
        np.save(folder / name / "images.npy", noise(len(labels)))
        hidden = folder / ("train/labels.npy" if name == "train" else f"hidden/{name}.npy")
        hidden.parent.mkdir(exist_ok=True)
        np.save(hidden, np.array(labels))
    facts = dict(submission) if submission else None
    if facts:
        rows: Sequence[Sequence[str]] = facts.pop("rows")
        facts["images"] = sum(len(row) == 1 for row in rows)
        (folder / "unlabelled").mkdir()
        np.save(folder / "unlabelled" / "images.npy", noise(facts["images"]))
        (folder / "hidden" / "unlabelled.csv").write_text("".join(f"{','.join(row)}\n" for row in rows))
    found = file_checksums(folder) if real else None
    make_facts(folder, classes=CLASSES, size=4, labels=LABELS, checksums=found, unlabelled=facts)
    return Dataset(folder)


def make_facts(
    folder: Path,
    *,
    classes: Sequence[str],
    size: int,
    labels: Mapping[str, Sequence[int] | NDArray[np.int64]],
    checksums: dict[str, str] | None = None,
    unlabelled: Mapping[str, Any] | None = None,
) -> None:
    """Write the dataset.json of grey images of one size."""
    splits = {
        name: {"images": len(values), "counts": np.bincount(values, minlength=len(classes)).tolist()}
        for name, values in labels.items()
    }
    facts = {
        "name": "noise",
        "source": "tests",
        "description": "",
        "licence": "",
        "classes": classes,
        "channels": 1,
        "image_size": [size, size],
        "sizes": {which: [size, size] for which in ("smallest", "median", "largest")},
        "mean": [0.5],
        "std": [0.25],
        "max_side": 512,
        "ceiling": 255,
        "seed": 0,
        "splits": splits,
        "skipped": {"hidden": 0, "not_images": 0, "links": 0},
        "skipped_extensions": {},
        "duplicates": {"within_train": 0, "validation": 0, "test": 0},
        "fingerprint": "",
        "checksums": checksums or {"train/images.npy": "0"},
        **({"unlabelled": unlabelled} if unlabelled else {}),
    }
    (folder / "dataset.json").write_text(json.dumps(facts))


def file_checksums(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): file_checksum(path) for path in sorted(folder.rglob("*.npy"))}


def noise(images: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (images, 1, 4, 4), dtype=np.uint8)


def seen(folder: Path) -> list[int]:
    """Which of the images of `make_dataset` lie in a folder, row by row."""
    numbers = {image.tobytes(): number for number, image in enumerate(noise(30))}
    return [numbers[image.tobytes()] for image in np.load(folder / "images.npy")]


def perfect_logits(labels: Sequence[int]) -> bytes:
    return (np.eye(3, dtype="<f4")[list(labels)] * 9).tobytes()


def make_pipeline(mark: str = "") -> Pipeline:
    return Pipeline(data=f"# {mark}\n", model="\n", train="\n")


def make_proposal(mark: str = "") -> Proposal:
    return Proposal(
        pipeline=make_pipeline(mark),
        component=None,
        change=mark,
        reason="Because.",
        choice=Choice(recipe="tiny", values={"rate": 0.5}),
    )


def make_score(accuracy: float) -> Score:
    """Of 100 images, of which the first ones are right."""
    return Score(
        images=100,
        accuracy=accuracy,
        interval=(0.0, 1.0),
        macro_f1=accuracy,
        log_loss=1.0,
        calibration_error=0.0,
        per_class=(accuracy,),
        confusion=((1,),),
        right=np.packbits(np.arange(100) < round(100 * accuracy)).tobytes().hex(),
    )


def trained(accuracy: float) -> Trained:
    report = Report(curve=({"epoch": 1.0, "loss": 0.5},), parameters=7)
    return Trained(score=make_score(accuracy), report=report, seconds=1.0)


def crashed(culprit: str | None = "data") -> Crashed:
    crash = Crash(phase="check", step="import data", culprit=culprit, error="NameError: torhc")
    return Crashed(crash=crash, log="NameError: torhc", seconds=0.5)


@dataclass
class ScriptedChat:
    """A chat model that answers in turn; what is an error is raised; after the last it has nothing to say."""

    replies: Iterable[str | Reply | Exception] = ()
    model: str = "scripted"
    asked: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._replies = iter(self.replies)

    def ask(self, request: Request) -> Reply:
        self.asked.append(request)
        said = next(self._replies, "")
        if isinstance(said, Exception):
            raise said
        return said if isinstance(said, Reply) else make_reply(said)


def make_reply(text: str, *, cut_off: bool = False) -> Reply:
    usage = Usage(tokens_in=100, tokens_out=len(text) // 3)
    return Reply(text=text, usage=usage, seconds=0.1, model="scripted", cut_off=cut_off)


@dataclass
class ScriptedTeam:
    """Proposes marks in turn, whatever happens; mends by adding "mended"."""

    marks: Iterable[str]
    remedies: int = 99
    name: str = "scripted"
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._marks = iter(self.marks)

    def draft(self, profile: Profile) -> Proposal:
        self.asked.append(f"draft {profile.dataset}")
        return make_proposal(next(self._marks))

    def repair(
        self,
        profile: Profile,  # noqa: ARG002 - the Protocol's
        history: Sequence[Iteration],  # noqa: ARG002 - the Protocol's
        attempts: Sequence[Attempt],
        *,
        last: bool,
    ) -> Proposal | None:
        self.asked.append(f"repair {attempts[-1].crashed.crash.culprit}{' at last' if last else ''}")
        self.remedies -= 1
        return make_proposal(f"{attempts[-1].proposal.change} mended") if self.remedies >= 0 else None

    def revise(
        self, profile: Profile, history: Sequence[Iteration], beside: Sequence[Proposal] = ()
    ) -> Proposal | None:
        more = f" beside {', '.join(proposal.change for proposal in beside)}" if beside else ""
        self.asked.append(f"revise {profile.dataset} after {len(history)}{more}")
        mark = next(self._marks, None)
        return None if mark is None else make_proposal(mark)


@dataclass
class ScriptedExecutor:
    """Gives outcomes in turn, and leaves the files that a real attempt leaves."""

    outcomes: Iterable[Outcome]
    terms: list[Terms] = field(default_factory=list)
    """Of each execution."""

    def __post_init__(self) -> None:
        self._outcomes = iter(self.outcomes)

    def start_ahead(self) -> None:
        """Nothing has to be ready."""

    def execute(self, pipeline: Pipeline, attempt: Path, terms: Terms = USUAL) -> Outcome:
        self.terms.append(terms)
        (attempt / "components").mkdir(parents=True)
        for name in ("data", "model", "train"):
            (attempt / "components" / f"{name}.py").write_text(pipeline[name])
        outcome = next(self._outcomes)
        if isinstance(outcome, Trained):
            (attempt / "weights.safetensors").write_text(pipeline.data)
            (attempt / "task.json").write_text("{}")
        return outcome


@dataclass
class ScriptedJob:
    """A job that leaves these files and ends like this."""

    files: dict[str, bytes] = field(default_factory=dict)
    fill: Callable[[Path], object] | None = None
    """What it does to the folder of its first mount."""
    verdict: Verdict = Verdict.FINISHED
    status: int = 0
    log: str = ""
    answers: Sequence[int] = ()
    """The class that it predicts for each image of `make_dataset`, whatever their order in its first mount."""
    fails: bool = False
    """The sandbox does, not the job: waiting for it raises."""


@dataclass
class ScriptedSandbox:
    """Implements `Sandbox`: each job takes the next script of its name; every start and kill is remembered."""

    scripts: dict[str, list[ScriptedJob]]
    name: str = "scripted"
    gpu: bool = False
    devices: Sequence[str] = ()
    started: list[Job] = field(default_factory=list)
    running: list[ScriptedRunning] = field(default_factory=list)
    inputs: list[dict[str, str]] = field(default_factory=list)
    alive: int = 0
    refuses: set[int] = field(default_factory=set)
    """Numbers of the starts, from 0, that fail."""
    weak: tuple[str, ...] = ()
    """What it says that it cannot enforce."""

    def start(self, job: Job, on_event: Callable[[Event], None] | None = None) -> ScriptedRunning:
        self.started.append(job)
        if len(self.started) - 1 in self.refuses:
            raise SandboxError(f"the engine cannot start {job.name}.")
        self.alive += 1
        self.running.append(ScriptedRunning(self, job, on_event))
        return self.running[-1]

    def describe(self) -> dict[str, str]:
        return {"engine": "a script"}

    def weaknesses(self) -> Sequence[Weakness]:
        return [Weakness(name, "the script says so") for name in self.weak]

    def close(self) -> None:
        """Nothing real runs."""


@dataclass
class ScriptedRunning:
    """Implements `Running`."""

    sandbox: ScriptedSandbox
    job: Job
    on_event: Callable[[Event], None] | None
    killed: bool = False
    ended: bool = False
    """Set it, and the job has died while it waited."""

    def go(self) -> None:
        if self.on_event:
            self.on_event(Event(kind="phase", text="check"))
        files = [path for path in self.job.input.rglob("*") if path.is_file()]
        self.sandbox.inputs.append(
            {str(path.relative_to(self.job.input)): path.read_text(errors="replace") for path in files}
        )

    def wait(self) -> Ended:
        if self.ended:
            raise SandboxError(f"the sandbox of {self.job.name} gave up: idle.")
        self.ended = True
        script = self.sandbox.scripts[self.job.name].pop(0)
        if script.fill:
            script.fill(self.job.mounts[0].source)
        if script.fails:
            raise SandboxError(f"the sandbox of {self.job.name} ended without a last word.")
        content = dict(script.files)
        if script.answers:
            content["logits.f32"] = perfect_logits([script.answers[index] for index in seen(self.job.mounts[0].source)])
        for name, data in content.items():
            (self.job.output / name).write_bytes(data)
        files = {name: self.job.output / name for name in content}
        return Ended(verdict=script.verdict, status=script.status, seconds=1.0, log=script.log, files=files)

    def kill(self) -> None:
        self.sandbox.alive -= not self.killed
        self.killed = True


@dataclass
class ScriptedContainer:
    """Implements `Container`: it says something and, if it lasts, runs until it is killed."""

    says: bytes = b""
    lasts: bool = True
    at_removal: Callable[[], None] = lambda: None
    """What happens then; if it raises, the container stays."""
    removed: bool = False

    def __post_init__(self) -> None:
        self._killed = threading.Event()

    def chunks(self) -> Iterator[tuple[bytes | None, bytes | None]]:
        yield self.says, None
        if self.lasts:
            self._killed.wait()

    def kill(self) -> None:
        self._killed.set()

    def hang_up(self) -> None:
        self._killed.set()

    def remove(self) -> Remains:
        self.at_removal()
        self.removed = True
        return Remains(status=137, oom=False)


class Watcher:
    """A view that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, bool, int | None]] = []
        self.phases: list[str] = []
        self.said: list[tuple[str, str]] = []

    def phase(self, text: str, left: float | None = None) -> None:
        assert text
        assert left is None or left >= 0
        self.phases.append(text)

    def event(self, event: Event) -> None:
        """Pass over it."""

    def say(self, text: str, kind: Kind = "note", **_facts: Any) -> None:
        self.said.append((kind, text))

    def iteration(self, iteration: Iteration, before: Iteration | None) -> None:
        self.lines.append((iteration.number, iteration.kept, before.number if before else None))
