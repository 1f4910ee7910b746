"""A Vision Transformer: all of it is trained, or it is frozen and prompts among its tokens are (Visual Prompt Tuning).

After Jia et al. 2022 (arXiv:2203.12119), section 3. Prompts stand behind the class token. Shallow: they enter the first
layer and pass through all others as tokens do. Deep: each layer gets its own in their place. The class token's output
goes to the head, which is trained in any case.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import timm
import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contract import Task

BACKBONE = "vit_base_patch16_224.orig_in21k"  # a timm name; without a tag: random weights
RESOLUTION = 224  # side in pixels of what the network sees
PROMPTS = 0  # how many; 0: none, and all of the network is trained
DEEP = False  # prompts for every layer
DROPOUT = 0.1  # of the prompts; where there are none, inside of the network


def build_model(task: Task) -> nn.Module:
    inside = 0.0 if PROMPTS else DROPOUT
    vit = timm.create_model(
        BACKBONE,
        pretrained="." in BACKBONE,
        img_size=RESOLUTION,
        num_classes=task.num_classes,
        pos_drop_rate=inside,
        proj_drop_rate=inside,
    )
    nn.init.kaiming_normal_(vit.head.weight, mode="fan_out")  # as their code has it
    return Prompted(vit) if PROMPTS else vit


class Prompted(nn.Module):
    """A frozen network with prompts and a new head."""

    def __init__(self, vit: nn.Module) -> None:
        super().__init__()
        self.vit = vit.requires_grad_(False)
        vit.head.requires_grad_(True)
        height, width = vit.patch_embed.patch_size
        # Xavier's uniform distribution, as for the layer that makes tokens of patches: its inputs are the pixels of a
        # patch in three channels, its outputs a token (KMnP/vpt, `vit_prompt/vit.py`).
        limit = math.sqrt(6 / (3 * height * width + vit.embed_dim))
        layers = len(vit.blocks) if DEEP else 1
        self.prompts = nn.Parameter(torch.empty(layers, PROMPTS, vit.embed_dim).uniform_(-limit, limit))
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, images: Tensor) -> Tensor:
        vit = self.vit
        patches = vit.patch_embed(images)
        tokens = torch.cat((vit.cls_token.expand(len(images), -1, -1), patches), dim=1) + vit.pos_embed
        for layer, block in enumerate(vit.blocks):
            if layer < len(self.prompts):
                prompts = self.dropout(self.prompts[layer].expand(len(images), -1, -1))
                tokens = torch.cat((tokens[:, :1], prompts, tokens[:, -patches.shape[1] :]), dim=1)
            tokens = block(tokens)
        return vit.forward_head(vit.norm(tokens))
