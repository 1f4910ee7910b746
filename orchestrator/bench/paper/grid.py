"""What Jia et al. 2022 try before they fine-tune ViT-B/16, or tune prompts for it: rates, decays, lengths of prompts.

Rates and decays: their `tune_vtab.py`. Batches of 128, of 64 where there are 100 prompts or more, dropout of 0.1 for
deep prompts and none for shallow ones: their `demo.ipynb`. Epochs and warm-up: `base-prompt.yaml`. Lengths: the paper.
The network is the checkpoint that their README names, `imagenet21k/ViT-B_16.npz`: timm's `orig_in21k`.
Not covered: the larger rates (100 to 1,000) that they also tried for shallow prompts on some tasks. Their code takes a
weight decay of 0.01 for AdamW wherever the grid says more than none, and SGD where it says none: here AdamW takes what
the grid says, as the paper tells it. And an epoch's last, smaller batch is dropped here, for the contract drops it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prompts.recipe import Value

Method: TypeAlias = Literal["full", "vpt-shallow", "vpt-deep"]

MANY = 100
"""Prompts, from which on batches are half as large."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One setting, to be trained and validated."""

    key: str
    """Also the name of its folder."""
    rate: float
    """For a batch of 256 images."""
    values: Mapping[str, Value]
    """Of the recipe."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The network, how long it is trained, and all that is tried."""

    backbone: str = "vit_base_patch16_224"
    tag: str = "orig_in21k"
    """Of its pretrained weights; empty: from scratch."""
    side: int = 224
    """In pixels."""
    epochs: int = 100
    warm_up: int = 10
    """Epochs."""
    batch: int = 128
    lengths: tuple[int, ...] = (1, 5, 10, 50, 100, 200)
    rates: tuple[float, ...] = (50.0, 25.0, 10.0, 5.0, 2.5, 1.0, 0.5, 0.25, 0.1, 0.05)
    """Of prompts, by SGD."""
    full_rates: tuple[float, ...] = (0.005, 0.001, 0.0005, 0.0001)
    """Of a whole network, by AdamW."""
    decays: tuple[float, ...] = (0.01, 0.001, 0.0001, 0.0)

    @property
    def network(self) -> str:
        """As timm calls it, with its tag."""
        return f"{self.backbone}.{self.tag}" if self.tag else self.backbone

    def points(self, method: Method) -> tuple[Point, ...]:
        """All settings of a method."""
        if method == "full":
            return tuple(self._full(rate, decay) for rate, decay in product(self.full_rates, self.decays))
        return tuple(
            self._prompted(length, rate, decay, deep=method == "vpt-deep")
            for length, rate, decay in product(self.lengths, self.rates, self.decays)
        )

    def _full(self, rate: float, decay: float) -> Point:
        values: dict[str, Value] = {"optimizer": "adamw", "prompts": 0, "dropout": 0.1, "batch_size": self.batch}
        return self._point(f"rate-{rate:g}-decay-{decay:g}", rate, decay, values)

    def _prompted(self, length: int, rate: float, decay: float, *, deep: bool) -> Point:
        values: dict[str, Value] = {
            "optimizer": "sgd",
            "prompts": length,
            "deep": deep,
            "dropout": 0.1 if deep else 0.0,
        }
        values |= {"batch_size": self.batch // 2 if length >= MANY else self.batch}
        return self._point(f"prompts-{length}-rate-{rate:g}-decay-{decay:g}", rate, decay, values)

    def _point(self, key: str, rate: float, decay: float, values: Mapping[str, Value]) -> Point:
        same: dict[str, Value] = {"backbone": self.network, "side": self.side, "resolution": self.side}
        same |= {"epochs": self.epochs, "warm_up": self.warm_up, "learning_rate": rate, "weight_decay": decay}
        return Point(key=key, rate=rate, values={**same, **values})


PAPER = Grid()
"""All of it: 240 trainings for prompts of a kind, 16 for full fine-tuning."""
TINY = Grid(
    backbone="vit_tiny_patch16_224",
    tag="",
    side=32,
    epochs=20,
    warm_up=2,
    lengths=(5,),
    rates=(0.5, 0.05),
    full_rates=(0.001, 0.0005),
    decays=(0.0001,),
)
"""Enough to see that it runs: a small network, from scratch, two points."""
