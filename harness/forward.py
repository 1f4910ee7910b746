"""Images through a network that is not being trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torch import Tensor

    from harness.examples import Examples

LARGEST_BATCH = 512
NUMBERS = {"cpu": 3 << 19, "cuda": 1 << 24}
"""Numbers in a batch: 512 images of 32 x 32 on a CPU, 111 of 224 x 224 on a GPU; activations are ~100 times as many."""


def batch_size_for(examples: Examples, device: str) -> int:
    """A batch of images that keeps the device busy and fits into its memory."""
    image, _ = examples.__getitems__(examples.spread(1))
    return max(1, min(LARGEST_BATCH, NUMBERS[device] // max(1, image.numel())))


def in_parts(forward: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Forward a batch, in halves, and halves of these, where the GPU has no memory for it."""
    try:
        return forward(images)
    except torch.OutOfMemoryError:
        if len(images) == 1:
            raise
    torch.cuda.empty_cache()
    return torch.cat([in_parts(forward, half) for half in images.chunk(2)])


def outputs(
    forward: Callable[[Tensor], Tensor], batches: Iterable[tuple[Tensor, Tensor]], device: str
) -> Iterator[tuple[Tensor, Tensor]]:
    """The logits and the labels of each batch, both on the device."""
    for images, labels in batches:
        yield in_parts(forward, images.to(device, non_blocking=True)), labels.to(device, non_blocking=True)
