"""What `check` asks of a network that the user chose: that it is that architecture of timm, whole.

Known by the shapes of its weights, not by their names, so that it may stand inside of a class of the component's, or
come from torchvision, whose ViT-B/16 has the same ones. What is beside them (a head, prompts, adapters) may have a
quarter as many weights: a deeper network of the same kind, or an ensemble, has more.
Not covered: a network of equal shapes that computes something else with them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, TypeAlias

import torch

from harness.blame import BrokenContractError

if TYPE_CHECKING:
    from typing import Any

    from torch import nn

    Shape: TypeAlias = tuple[int, ...]
    Form: TypeAlias = tuple[int | None, ...]
    """None: any size, for it depends on the images' size or channels."""

BESIDE = 0.25
"""Of the architecture's weights. 200 prompts in each layer of ViT-B/16 are 2 %, a head of 1,000 classes 1 %."""


@dataclass(frozen=True)
class Weight:
    """One of an architecture."""

    name: str
    shape: Shape
    form: Form

    def fits(self, shape: Shape) -> bool:
        same = (wanted in {None, size} for wanted, size in zip(self.form, shape, strict=False))
        return len(shape) == len(self.form) and all(same)


def check_backbone(model: nn.Module, name: str) -> None:
    """Have the network hold this architecture; an empty name: any will do.

    Raises:
        BrokenContractError: it does not.
    """
    if not name:
        return
    wanted = architecture(name)
    lacking = _lacking(wanted, Counter(tuple(weight.shape) for weight in model.parameters()))
    size, there = sum(prod(weight.shape) for weight in wanted), sum(weight.numel() for weight in model.parameters())
    found = ""
    if lacking:
        first = f"{lacking[0].name} {lacking[0].shape}"
        found = f"lacks {len(lacking)} of its {len(wanted)} weights, {first} first"
    elif there > (1 + BESIDE) * size:
        found = f"has more beside it than a quarter of its {size:,} parameters"
    if found:
        raise BrokenContractError(
            "model",
            f"the network must be {name}, whole, as timm.create_model({name!r}, ...) makes it; this one, "
            f"{type(model).__name__[:60]} of {there:,} parameters, {found}",
        )


def architecture(name: str) -> list[Weight]:
    """The weights of an architecture without its last layer, those with the fewest shapes that would do first."""
    import timm  # where no component mentions it, it costs 2 s

    plain = _shapes(name)
    variants = [plain, _shapes(name, in_chans=1)]
    expected = timm.get_pretrained_cfg(name)
    if expected and expected.fixed_input_size:
        variants.append(_shapes(name, img_size=2 * expected.input_size[-1]))
    weights = [Weight(key, shape, _form([each[key] for each in variants])) for key, shape in plain.items()]
    return sorted(weights, key=lambda weight: weight.form.count(None))


def _shapes(name: str, **options: Any) -> dict[str, Shape]:
    import timm

    with torch.device("meta"):  # nothing is computed, and no memory taken
        sketch = timm.create_model(name, pretrained=False, num_classes=0, **options)
    return {key: tuple(weight.shape) for key, weight in sketch.named_parameters()}


def _form(shapes: list[Shape]) -> Form:
    return tuple(sizes[0] if len({*sizes}) == 1 else None for sizes in zip(*shapes, strict=True))


def _lacking(wanted: list[Weight], there: Counter[Shape]) -> list[Weight]:
    """What is wanted and has no counterpart of its own."""
    lacking = []
    for weight in wanted:
        match = next((shape for shape, count in there.items() if count and weight.fits(shape)), None)
        if match is None:
            lacking.append(weight)
        else:
            there[match] -= 1
    return lacking
