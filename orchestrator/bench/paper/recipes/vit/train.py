"""SGD for prompts, AdamW for a whole network, as in Jia et al. 2022: linear warm-up, then a cosine to zero.

Their rate changes from epoch to epoch and is zero in the first; here it follows the steps, or the clock where that is
ahead. The last weights count, as there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import cross_entropy

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.contract import Run, Task

OPTIMIZER = "sgd"  # sgd, with momentum 0.9; or adamw
EPOCHS = 100  # fewer where the clock is shorter
WARM_UP = 10  # epochs in which the rate rises
BATCH_SIZE = 128
LEARNING_RATE = 5.0  # at its highest, for a batch of 256; in proportion to the batch
WEIGHT_DECAY = 0.001  # none for biases
RESERVE = 0.1  # share of the clock that is left for the last step and for saving
HEAD_START = 0.1  # share of the clock in which steps alone count: a delay of that length changes nothing


def train(model: nn.Module, task: Task, run: Run) -> None:
    seconds = run.seconds_left()
    size = min(BATCH_SIZE, task.train_size)
    batches = run.batches(size)
    optimizer = make_optimizer(model)
    total, step, progress = EPOCHS * len(batches), 0, 0.0
    while progress < 1:
        losses, hits, images = [], [], 0
        for batch, labels in batches:
            rate = LEARNING_RATE * size / 256 * scale(progress)
            loss, hit = take_step(model, optimizer, batch, labels, rate)
            losses.append(loss)
            hits.append(hit)
            images += len(batch)
            step += 1
            progress = max(step / total, by_clock(run.seconds_left() / seconds))
            if progress >= 1:
                break
        loss = torch.stack(losses).mean().item()
        run.log(loss=loss, accuracy=torch.stack(hits).sum().item() / images, learning_rate=rate)
        if not math.isfinite(loss):
            break  # a rate that was too high: nothing comes of it any more


def by_clock(left: float) -> float:
    """How much of the training is over where this share of the clock is left."""
    return ((1 - left) / (1 - RESERVE) - HEAD_START) / (1 - HEAD_START)


def scale(progress: float) -> float:
    """The rate, of the highest one."""
    warm = min(0.5, WARM_UP / EPOCHS)
    rising = min(1.0, (progress + 1e-3) / warm) if warm else 1.0
    return rising * 0.5 * (1 + math.cos(math.pi * max(0.0, (progress - warm) / (1 - warm))))


def make_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    trained = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    groups = [
        {"params": [weight for name, weight in trained if not name.endswith("bias")], "weight_decay": WEIGHT_DECAY},
        {"params": [weight for name, weight in trained if name.endswith("bias")], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups) if OPTIMIZER == "adamw" else torch.optim.SGD(groups, momentum=0.9)


def take_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor, rate: float
) -> tuple[Tensor, Tensor]:
    """One step; the loss and how many were right, still on the device."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    logits = model(images)
    loss = cross_entropy(logits, labels)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.detach(), (logits.argmax(1) == labels).sum()
