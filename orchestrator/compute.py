"""What one job may use of this machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.settings import Settings
    from sandbox.base import Sandbox


@dataclass(frozen=True, kw_only=True)
class Compute:
    """What one job may use."""

    cpus: float
    memory: int
    """Bytes."""
    output: int
    """Bytes that it may write; weights are there twice while they are saved."""
    gpu: bool

    @property
    def device(self) -> str:
        """As `Task.device` names it."""
        return "cuda" if self.gpu else "cpu"


def shared(compute: Compute, jobs: int) -> Compute:
    """What each of several jobs may use that run side by side."""
    return replace(compute, cpus=compute.cpus / jobs, memory=compute.memory // jobs)


def find_compute(settings: Settings, sandbox: Sandbox) -> Compute:
    return Compute(
        cpus=settings.job_cores(),
        memory=settings.job_memory(),
        output=int(settings.sandbox_output * (1 << 30)),
        gpu=sandbox.gpu and settings.sandbox_gpus == "auto",
    )
