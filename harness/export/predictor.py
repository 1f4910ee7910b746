"""Images to classes and probabilities, in a folder that was exported: by the very files that did it in the run.

`model.json` says what images have to become, `components/` do the rest.
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import timm  # noqa: F401 - so that a component that imports it late is seen by `pretrained_skipped`
import torch

from harness.examples import without_labels
from harness.forward import batch_size_for
from harness.images import InMemory
from harness.job import seen_task
from harness.loader import Alike, load
from harness.loading import load_components, seeded
from harness.network import build_trained, forward_of, function_of, give_logits
from harness.prepare.guess import explain
from harness.prepare.single import Shape, pixels_of
from harness.randomness import seeded_aside
from harness.weights import pretrained_skipped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from harness.examples import Examples

Picture: TypeAlias = "str | os.PathLike[str] | bytes | NDArray[np.uint8]"
"""A file, the bytes of one, or pixels: uint8 (H, W) grey, (H, W, 3) colour, (H, W, 4) with transparency."""
AT_ONCE = 256
"""Pictures in memory; one of 512 x 512 takes 0.8 MB."""
MOST_THREADS = 8


class _Nobody:
    """Implements `harness.channel.Steps`."""

    def step(self, text: str, owner: str | None = None, *, quick: bool = False) -> None:
        """Nothing is told."""


class Preparation:
    """Pictures to what the network sees: `model.json` and `components/data.py`, and no network."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        facts = json.loads((folder / "model.json").read_bytes())
        stored = facts["preparation"]
        size = tuple(stored["size"]) if stored["size"] else None
        self.task = replace(seen_task(facts["task"]), device=device)
        self._shape = Shape(stored["channels"], size, stored["max_side"], stored["ceiling"])
        for name in [name for name in sys.modules if name.startswith("components.")]:
            del sys.modules[name]  # of another folder
        [data] = load_components(("data",), folder / "components", _Nobody(), self.task.seed)
        self._transform = seeded(self.task.seed, data.eval_transform, self.task)

    def read(self, picture: Picture) -> NDArray[np.uint8]:
        """Decode a picture as the dataset's were, (C, H, W).

        Raises:
            ValueError: it cannot be; the text says why in a few words.
        """
        try:
            content = picture if isinstance(picture, bytes | np.ndarray) else Path(picture).read_bytes()
            return pixels_of(content, self._shape)
        except Exception as error:  # noqa: BLE001 - Pillow's readers raise whatever a broken file makes them meet
            raise ValueError(explain(error)) from None

    def read_all(self, pictures: Sequence[Picture]) -> list[NDArray[np.uint8]]:
        """The same of several, on a few threads."""
        with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as pool:
            return list(pool.map(self.read, pictures))

    def examples(self, pixels: Sequence[NDArray[np.uint8]]) -> Examples:
        return without_labels(InMemory(pixels), self._transform, one_size=self.task.image_size is not None)

    def inputs(self, pictures: Sequence[Picture]) -> Tensor:
        """What the network sees of these pictures: float (N, ...)."""
        examples = self.examples(self.read_all(pictures))
        images, _ = examples.__getitems__(examples.spread(len(examples)))
        return images


class Predictor:
    """Pictures to classes; `model.py` and the weights are loaded."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        self.preparation = Preparation(folder, device)
        self.task = self.preparation.task
        [component] = load_components(("model",), folder / "components", _Nobody(), self.task.seed)
        with pretrained_skipped() as self.pretrained:
            self.model = build_trained(component, self.task, folder / "weights.safetensors", _Nobody())
        self.function: Callable[[Tensor], Tensor] = function_of(component, self.model)
        """Inputs to logits, as a graph may hold it."""
        self._forward = forward_of(component, self.model, self.task)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.task.classes

    def __call__(self, pictures: Iterable[Picture]) -> list[tuple[str, float]]:
        """The most likely class of each picture, with its probability.

        Raises:
            ValueError: one cannot be read; `preparation.read` tells which.
        """
        return [ranking[0] for ranking in self.rank(self.logits(list(pictures)), 1)]

    def rank(self, logits: NDArray[np.float32], count: int) -> list[list[tuple[str, float]]]:
        """The most likely classes by logits (N, K), each with its probability."""
        probabilities = torch.from_numpy(logits).double().softmax(1).numpy()
        orders = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
        return [
            [(self.classes[label], float(row[label])) for label in order]
            for row, order in zip(probabilities, orders, strict=True)
        ]

    def logits(self, pictures: Sequence[Picture]) -> NDArray[np.float32]:
        """Logits of pictures, (N, K).

        Raises:
            ValueError: one cannot be read.
        """
        parts = [
            self.logits_of(self.preparation.read_all(pictures[start : start + AT_ONCE]))
            for start in range(0, len(pictures), AT_ONCE)
        ]
        return np.concatenate([np.empty((0, len(self.classes)), np.float32), *parts])

    def logits_of(self, pixels: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Logits of pictures that were read, (N, K)."""
        examples = self.preparation.examples(pixels)
        orders = Alike(len(examples), batch_size_for(examples, self.task.device))
        batches = load(examples, orders, 0, again=False, pinned=False)
        parts: list[NDArray[np.float32]] = []
        with seeded_aside(self.task.seed):
            give_logits(self._forward, batches, len(examples), self.task, parts.append)
        return np.concatenate(parts)
