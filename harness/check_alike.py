"""What `check` asks of the two transforms together: that images come out the same way round.

Nothing is supposed of what training does to an image. But where most images, as they are evaluated, are unlike all that
`train_transform` makes of them, and would be like it if they had been mirrored first, evaluation mirrors them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from harness.randomness import seeded_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from harness.contract import ImageTransform

CLOSER = 0.7
"""Times as far, or less, is closer."""
MOST = 0.75
"""Of the images."""
ALTERED: dict[str, Callable[[Tensor], Tensor]] = {
    "mirrored": lambda image: image.flip(-1),
    "upside down": lambda image: image.flip(-2),
    "turned by 180 degrees": lambda image: image.flip(-1, -2),
    "turned to the left": lambda image: image.rot90(1, (-2, -1)),
    "turned to the right": lambda image: image.rot90(-1, (-2, -1)),
    "with rows for columns": lambda image: image.transpose(-1, -2),
    "with their channels reversed": lambda image: image.flip(0),
    "as negatives": lambda image: 255 - image,
}


def altered(
    originals: Sequence[Tensor],
    evaluated: Sequence[Tensor],
    drawn: Sequence[Sequence[Tensor]],
    evaluate: ImageTransform,
) -> str:
    """How images are otherwise in evaluation, in words, or an empty text.

    `evaluated`: what `evaluate` makes of the originals; `drawn`: what `train_transform` made of them, for each seed.
    """
    of_each = [torch.stack(list(draws)).float() for draws in zip(*drawn, strict=True)]
    own = _distances(evaluated, of_each)
    apart = torch.stack([_closest_pair(draws) for draws in of_each])
    if float((own > apart).float().mean()) < MOST:
        return ""  # they are no further from what is trained on than that is from itself
    for words, alter in ALTERED.items():
        others = [alter(image).contiguous() for image in originals]
        if all(other.shape == image.shape for other, image in zip(others, originals, strict=True)):
            with seeded_aside(0):
                turned = _distances([evaluate(other) for other in others], of_each)
            closer = float((turned < CLOSER * own).float().mean())
            if closer >= MOST and not bool((own < CLOSER * turned).any()):
                return words
    return ""


def _distances(evaluated: Sequence[Tensor], of_each: Sequence[Tensor]) -> Tensor:
    """From each image, as it is evaluated, to the nearest of those that were drawn of it for training."""
    pairs = zip(evaluated, of_each, strict=True)
    return torch.stack([(draws - image).abs().flatten(1).mean(dim=1).min() for image, draws in pairs])


def _closest_pair(draws: Tensor) -> Tensor:
    flat = draws.flatten(1)
    return torch.pdist(flat, p=1).min() / flat.shape[1]
