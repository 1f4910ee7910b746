"""SGD with Nesterov momentum on one cycle, for networks with batch normalization trained from scratch.

The learning rate rises in a line, falls in a line to zero, and follows the steps or the clock, whichever is ahead.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

    from harness.contract import Run, Task

EPOCHS = 30  # fewer where the clock is shorter
BATCH_SIZE = 256
LEARNING_RATE = 0.3  # at its highest, for a batch of 256; scaled with the batch size
WARM_UP = 0.2  # share of the training in which the learning rate rises
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4
LABEL_SMOOTHING = 0.1
AVERAGE = 1.0  # epochs that the saved weights are averaged over; 0: the last weights
CLIP = 5.0  # largest norm of the gradient
CLASS_WEIGHTS = 0.0  # 0: every image counts the same; 1: every class does
RESERVE = 0.06  # share of the clock that is left for validating and saving
HEAD_START = 0.1  # share of the clock in which steps alone count: a delay of that length changes nothing


def train(model: nn.Module, task: Task, run: Run) -> None:
    seconds = run.seconds_left()
    model.to(memory_format=torch.channels_last)
    average = copy.deepcopy(model).eval()
    batch_size = max(2, min(BATCH_SIZE, task.train_size // 4))
    optimizer = make_optimizer(model)
    criterion = nn.CrossEntropyLoss(class_weights(task), label_smoothing=LABEL_SMOOTHING)
    batches = run.batches(batch_size)
    decay = math.exp(-1 / (AVERAGE * len(batches))) if AVERAGE else 0.0
    total, step, progress, epoch = EPOCHS * len(batches), 0, 0.0, 0
    interval = math.ceil(EPOCHS / 30)  # validates about 30 times
    while progress < 1:
        losses, hits, images = [], [], 0
        for batch, targets in batches:
            set_rate(optimizer, progress, batch_size)
            loss, hit = take_step(model, optimizer, criterion, batch, targets)
            step += 1
            update(average, model, min(decay, step / (step + 10)))
            losses.append(loss)
            hits.append(hit)
            images += len(batch)
            progress = max(step / total, by_clock(run.seconds_left() / seconds))
            if progress >= 1:
                break
        epoch += 1
        if epoch % interval == 0 or progress >= 1:
            run.validate(average)
        run.log(
            loss=torch.stack(losses).mean().item(),
            accuracy=torch.stack(hits).sum().item() / images,
            learning_rate=optimizer.param_groups[0]["lr"],
        )
        run.save(average)


def by_clock(left: float) -> float:
    """How much of the training is over where this share of the clock is left."""
    return ((1 - left) / (1 - RESERVE) - HEAD_START) / (1 - HEAD_START)


def make_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """SGD; biases and the scales of normalization do not decay."""
    decayed = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    kept = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    groups = [{"params": decayed}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=LEARNING_RATE, momentum=MOMENTUM, nesterov=True, weight_decay=WEIGHT_DECAY)


def class_weights(task: Task) -> Tensor:
    """Weights of the classes, (classes,), so that the mean over the images is 1."""
    counts = torch.tensor(task.class_counts, dtype=torch.float32).clamp(min=1)
    weights = counts**-CLASS_WEIGHTS
    return (weights * counts.sum() / (weights * counts).sum()).to(task.device)


def set_rate(optimizer: torch.optim.Optimizer, progress: float, batch_size: int) -> None:
    rising = (progress + 1e-3) / WARM_UP if WARM_UP else 1.0
    falling = max(0.0, (1 - progress) / (1 - WARM_UP))
    for group in optimizer.param_groups:
        group["lr"] = LEARNING_RATE * batch_size / 256 * min(rising, falling)


def take_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, criterion: nn.Module, images: Tensor, targets: Tensor
) -> tuple[Tensor, Tensor]:
    """One step; the loss and how many were right, still on the device."""
    model.train()
    images = images.contiguous(memory_format=torch.channels_last)
    with torch.autocast(images.device.type, torch.bfloat16, enabled=images.is_cuda):
        logits = model(images)
    loss = criterion(logits.float(), targets)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimizer.step()
    labels = targets.argmax(1) if targets.ndim > 1 else targets
    return loss.detach(), (logits.argmax(1) == labels).sum()


@torch.no_grad()
def update(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the average a little towards the weights and batch statistics of now."""
    for mean, now in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(now, 1 - decay)
        else:
            mean.copy_(now)
