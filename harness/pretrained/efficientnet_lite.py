"""Names of EfficientNet-Lite's weights as its first PyTorch ports had them, to timm's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

BLOCK = re.compile(r"_blocks\.(\d+)\.(\w+)\.(\w+)")
AROUND = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
EXPANDED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
"""Of the blocks that expand nothing."""


def renamed(state: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """The weights under timm's names, if these are such; a name that is not known stays."""
    stages = getattr(model, "blocks", None)
    if "_conv_stem.weight" not in state or stages is None:
        return state
    blocks = [f"blocks.{stage}.{block}" for stage, inside in enumerate(stages) for block, _ in enumerate(inside)]
    return {_renamed(key, state, blocks): value for key, value in state.items()}


def _renamed(key: str, state: dict[str, Tensor], blocks: list[str]) -> str:
    if not (match := BLOCK.fullmatch(key)):
        layer, _, what = key.partition(".")
        return f"{AROUND.get(layer, layer)}.{what}"
    number, layer, what = match.groups()
    names = EXPANDED if f"_blocks.{number}._expand_conv.weight" in state else SEPARABLE
    return f"{blocks[int(number)]}.{names[layer]}.{what}" if int(number) < len(blocks) and layer in names else key
