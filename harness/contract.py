"""What each component must provide: THE specification.

A pipeline is three files, each a plain Python module. What stands here as a method is a function of that module.

    data.py    DataComponent      what an image looks like when the network sees it
    model.py   ModelComponent     the network
    train.py   TrainComponent     how its weights are found

What is not here is the point: no component sees validation or test labels, computes a score, makes the split, loads
files, writes the report or owns the clock. The harness does, and it calls the components.

Installed where components run: Python 3.11, torch, torchvision, timm, numpy, Pillow and nothing else. No network, a
read-only disk. A component imports what it uses itself and does nothing else when it is imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor, nn

    ImageTransform: TypeAlias = Callable[[Tensor], Tensor]
    """One image, uint8 (C, H, W), to a float tensor. Every image must come out in the same shape."""
    BatchTransform: TypeAlias = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    """A batch on the device, float (N, ...) and int64 (N,), to images and targets: (N,) or soft (N, classes)."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """The facts that every component may rely on."""

    classes: tuple[str, ...]
    """Class names; label i is classes[i]."""
    image_size: tuple[int, int] | None
    """(height, width) in pixels where all images have one size, else None: then the transforms must resize."""
    channels: int
    """1 (grey) or 3 (colour); every image has as many."""
    train_size: int
    """Images that one epoch of `run.batches` goes through."""
    class_counts: tuple[int, ...]
    """Training images of each class."""
    mean: tuple[float, ...]
    """Per channel, of pixels scaled to 0..1."""
    std: tuple[float, ...]
    """Per channel, of pixels scaled to 0..1."""
    device: str
    """`cpu` or `cuda`."""
    seed: int
    """Set for Python, numpy and torch before each component is called; draw from these generators and no others."""
    seconds: float
    """How long `train` may take. At the end of it the harness stops `train`; what was saved counts."""
    weights: tuple[str, ...] = ()
    """Exact timm names for which `timm.create_model(name, pretrained=True)` works here; any other raises."""
    backbone: str = ""
    """Where set, the network has to be this architecture of timm, whole, with whatever head; `check` looks at it."""

    @property
    def num_classes(self) -> int:
        return len(self.classes)


class Batches(Protocol):
    """Shuffled, augmented training batches, on the device. Each `for` over it is one epoch; `len` counts batches."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Images (N, ...) float and targets: int64 (N,), or float (N, classes) where `batch_transform` mixes labels."""
        ...


class Run(Protocol):
    """The harness's side of training."""

    def batches(self, batch_size: int) -> Batches:
        """Training batches of this size. Call once, loop over it once an epoch. The last, smaller batch is dropped."""
        ...

    def validate(self, model: nn.Module) -> float:
        """Top-1 accuracy, 0..1, on the tuning split, carved from the training images: for schedules, early stopping."""
        ...

    def log(self, **metrics: float) -> None:
        """One point of the learning curve, once an epoch: at least `loss` and, of training batches, `accuracy`."""
        ...

    def save(self, model: nn.Module) -> None:
        """Keep these weights (best so far, average ...). The last call wins; without one the final weights count."""
        ...

    def seconds_left(self) -> float:
        """Until the harness stops `train`."""
        ...


class DataComponent(Protocol):
    """data.py: the first two functions are required, the others optional."""

    @staticmethod
    def train_transform(task: Task) -> ImageTransform:
        """Make the random transform of one training image. It runs on the CPU, often in a worker process."""
        ...

    @staticmethod
    def eval_transform(task: Task) -> ImageTransform:
        """Make the deterministic transform of an image to be classified; same shape as `train_transform` gives."""
        ...

    @staticmethod
    def batch_transform(task: Task) -> BatchTransform:
        """Optional: make the transform of a whole training batch on the device: MixUp, CutMix, fast crops and flips."""
        ...

    @staticmethod
    def sample_weights(task: Task, labels: Tensor) -> Tensor:
        """Optional: how often to draw each training image, float (N,) for int64 (N,) labels: class imbalance."""
        ...


class ModelComponent(Protocol):
    """model.py: `build_model` is required."""

    @staticmethod
    def build_model(task: Task) -> nn.Module:
        """Make the network: float (N, ...) as the transforms give it, to logits (N, task.num_classes)."""
        ...

    @staticmethod
    def predict(model: nn.Module, images: Tensor) -> Tensor:
        """Optional: logits (N, classes) of a batch in eval mode, e.g. the mean over test-time augmentations."""
        ...


class TrainComponent(Protocol):
    """train.py: `train` is required."""

    @staticmethod
    def train(model: nn.Module, task: Task, run: Run) -> None:
        """Train the network, in place. `model` comes from `build_model` and is on `task.device`."""
        ...


REQUIRED: dict[str, dict[str, tuple[str, ...]]] = {
    "data": {"train_transform": ("task",), "eval_transform": ("task",)},
    "model": {"build_model": ("task",)},
    "train": {"train": ("model", "task", "run")},
}
"""Component -> function -> its parameters, in order."""

OPTIONAL: dict[str, dict[str, tuple[str, ...]]] = {
    "data": {"batch_transform": ("task",), "sample_weights": ("task", "labels")},
    "model": {"predict": ("model", "images")},
    "train": {},
}
