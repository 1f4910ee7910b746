"""Where a job finds things, and what it is asked: the folders below its root, and `task.json`.

`task.json` is one flat object: the fields of `contract.Task`, with `train_size` and `class_counts` of the whole
`train/` folder, and the fields of `Settings`, each of which may be left out.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from harness.contract import Task
from harness.splits import tuning_counts

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Folders:
    """The folders of a job; in a container the root is /job."""

    root: Path

    @property
    def input(self) -> Path:
        """`components/`, `task.json`, to predict also `weights.safetensors`; `go` appears last.

        Without components: `sheet.json`; or `script.py` and `script.json`.
        """
        return self.root / "input"

    @property
    def components(self) -> Path:
        return self.input / "components"

    @property
    def train(self) -> Path:
        """Training images and `labels.npy`."""
        return self.root / "train"

    @property
    def images(self) -> Path:
        """The images to predict, or to draw a sheet of."""
        return self.root / "images"

    @property
    def weights(self) -> Path:
        """Pretrained weights, in the layout of a Hugging Face cache; may be absent."""
        return self.root / "weights"

    @property
    def out(self) -> Path:
        """Everything that the host fetches."""
        return self.root / "out"

    @property
    def trained(self) -> Path:
        """The weights that count, whole at any moment."""
        return self.out / "weights.safetensors"

    @property
    def logits(self) -> Path:
        """float32, little-endian, (images, classes), nothing around it."""
        return self.out / "logits.f32"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a job may use beyond `Task.seconds`."""

    cpus: int
    """Threads of a phase. A container's share of a large machine is not visible from inside."""
    workers: int
    """Loader processes, where images are costly to load and transform; 0: never any."""
    check_seconds: float = 120
    """`check` is killed then: what is slow for eight images is a mistake."""
    quick_seconds: float = 8
    """A step that takes a moment (an import, the transforms of eight images) is killed then; to wait for a processor
    does not count."""
    grace_seconds: float = 10
    """How long after its clock `train` may go on before it is killed: a step, a validation, a last save."""
    predict_seconds: float = 600
    """`predict` is killed then."""
    rival: tuple[tuple[float, float], ...] = ()
    """(seconds of `train`, best tuning accuracy until then) of the best run: a fit that is hopeless beside it ends."""
    hold_out: bool = True
    """Whether the tuning images are kept from `train`; if not, `run.validate` looks at images that are trained on."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the harness is asked to run."""

    folders: Folders
    task: Task
    """As the components see it: without the tuning images, if they are held out."""
    settings: Settings


def read_job(folders: Folders) -> Job:
    """Read `task.json`.

    Raises:
        KeyError: a field without a default is missing.
    """
    raw = json.loads((folders.input / "task.json").read_bytes())
    return Job(folders=folders, task=seen_task(raw), settings=_settings(raw))


def seen_task(raw: dict[str, Any]) -> Task:
    """The task of a `task.json` as the components see it."""
    given: dict[str, Any] = {field.name: raw[field.name] for field in fields(Task) if field.name in raw}
    given |= {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
    return _without_tuning(Task(**given)) if raw.get("hold_out", True) else Task(**given)


def _without_tuning(task: Task) -> Task:
    kept = tuple(count - held for count, held in zip(task.class_counts, tuning_counts(task.class_counts), strict=True))
    return replace(task, class_counts=kept, train_size=sum(kept))


def _settings(raw: dict[str, Any]) -> Settings:
    cpus = max(1, min(int(raw.get("cpus", 1 << 10)), len(os.sched_getaffinity(0))))
    given = {field.name: raw[field.name] for field in fields(Settings) if field.name in raw}
    rival = tuple((float(seconds), float(accuracy)) for seconds, accuracy in raw.get("rival", ()))
    return Settings(**{"workers": cpus, **given, "cpus": cpus, "rival": rival})
