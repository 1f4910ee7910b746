"""run.json: what is needed to judge a run and to repeat it."""

from __future__ import annotations

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.custody import harness_checksum
from orchestrator.weights import revisions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.dataset import Dataset
    from orchestrator.settings import Settings
    from sandbox.base import Sandbox

MAY_CHANGE = (
    "run_iterations",
    "run_hours",
    "llm_provider",
    "llm_timeout_seconds",
    "llm_patience_minutes",
    "llm_prices",
)
"""With more of these a run is continued; any other difference begins a new one. The team's name says the provider."""


def describe_run(
    settings: Settings, dataset: Dataset, *, sandbox: Sandbox, team: str, weak: Sequence[str]
) -> dict[str, Any]:
    """What goes into run.json; a run is continued only where `same` agrees. `weak`: limits that do not hold.

    Raises:
        SandboxError: the sandbox cannot say what its jobs run in.
    """
    public = settings.public()
    knobs = {name: public[name] for name in public if name.startswith(("run_", "llm_")) and name not in MAY_CHANGE}
    return {
        "same": {"dataset": dataset.checksum, "team": team, "sandbox": sandbox.name, "settings": knobs},
        "settings": public,
        "weak": list(weak),
        "preparation": {"max_side": dataset.facts.max_side, "ceiling": dataset.facts.ceiling},
        "versions": {
            "automodel": metadata.version("automodel"),
            "python": platform.python_version(),
            "machine": platform.platform(),
            "commit": _commit(),
            "harness": harness_checksum(),
            "sandbox": sandbox.describe(),
        },
        "hardware": {"cpu": cpu_name(), "cores": settings.job_cores(), "gpu": sandbox.gpu},
        "pretrained": revisions(settings.weights_dir),
    }


def cpu_name() -> str:
    """What the kernel calls the processor; another one sums in another order, and logits differ in their last bits."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _commit() -> str:
    """The git commit of this code, or an empty text where it is no checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ""
