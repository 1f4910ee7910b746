"""AdamW on one cycle, the best weights kept, as most people would first write it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.optim.lr_scheduler import OneCycleLR

if TYPE_CHECKING:
    from harness.contract import Run, Task

EPOCHS = 6


def train(model: nn.Module, task: Task, run: Run) -> None:
    batches = run.batches(min(64, task.train_size // 4))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
    scheduler = OneCycleLR(optimizer, max_lr=5e-3, total_steps=EPOCHS * len(batches))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    best = -1.0
    for _ in range(EPOCHS):
        model.train()
        total, right, seen = 0.0, 0, 0
        for images, targets in batches:
            optimizer.zero_grad()
            logits = model(images)
            loss = criterion(logits, targets)
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(images)
            right += int((logits.argmax(1) == targets.argmax(1)).sum())
            seen += len(images)
        accuracy = run.validate(model)
        run.log(loss=total / seen, accuracy=right / seen)
        if accuracy > best:
            best = accuracy
            run.save(model)
