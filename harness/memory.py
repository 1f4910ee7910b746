"""How much memory a phase took."""

from __future__ import annotations

import resource

import torch


def peak_memory(device: str) -> int:
    """Bytes, at the highest: of the GPU, else of this process."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
