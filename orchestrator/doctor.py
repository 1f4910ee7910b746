"""What was found on this machine, and what to do about what is missing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table

from orchestrator.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.settings import Settings


@dataclass(frozen=True)
class Finding:
    """One line of the table."""

    what: str
    found: str
    advice: str = ""


def sandbox_findings(settings: Settings) -> tuple[list[Finding], bool]:
    """Engine, image, GPU, bubblewrap; and whether `run` would find a sandbox here, with these settings."""
    from orchestrator.extra import lacking
    from orchestrator.setup import sandbox_choice
    from sandbox.choose import survey

    seen = survey(sandbox_choice(settings))
    docker, wanted = seen.backend == "docker", settings.sandbox_backend
    missing = ", ".join(lacking())
    usable = docker or (seen.backend == "bubblewrap" and not missing)
    optional = "" if seen.image or wanted == "docker" else "only needed for GPUs and stronger isolation"
    install = ("not needed: Docker is used" if docker else "`make setup` installs it") if missing else ""
    findings = [
        Finding("engine", seen.engine, optional),
        Finding("image", seen.image or "-", "" if seen.image_present or not seen.image else "`make image` builds it"),
        Finding("GPU", seen.gpus or "none", "" if seen.gpus else "training runs on the CPU"),
        Finding("bubblewrap", seen.bubblewrap),
        Finding("torch", f"lacking: {missing}" if missing else "installed", install),
        Finding("sandbox", seen.backend or "none", "" if seen.backend else f"SANDBOX_BACKEND={wanted}: see above"),
    ]
    return findings, usable


def machine_findings(settings: Settings) -> list[Finding]:
    """Cores, memory, disk, keys, weights."""
    from orchestrator.weights import available_weights

    weights = available_weights(settings.weights_dir)
    return [
        Finding("cores", f"{settings.job_cores():g} for a job"),
        Finding("memory", f"{settings.job_memory() / (1 << 30):.0f} GiB for a job"),
        _disk(settings.runs_dir),
        _keys(settings),
        _team(settings),
        Finding(
            "weights",
            f"{len(weights)} pretrained in {settings.weights_dir}" if weights else "none",
            "" if weights else f"recipes train from scratch; put weights into {settings.weights_dir}",
        ),
    ]


def _keys(settings: Settings) -> Finding:
    keys = [name.upper() for name in ("openai_api_key", "anthropic_api_key") if getattr(settings, name)]
    return Finding("keys", ", ".join(f"{name} is set" for name in keys) or "none", "" if keys else "none is needed")


def _team(settings: Settings) -> Finding:
    """Who would work, or why nobody could."""
    from orchestrator.teams import check_team

    try:
        return Finding("team", check_team(settings))
    except SettingsError as error:
        return Finding("team", "-", str(error))


def _disk(folder: Path) -> Finding:
    folder = folder.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / (1 << 30)
    return Finding("disk", f"{free:.0f} GiB free for runs", "free some: a run takes 1 to 10 GiB" if free < 10 else "")


def table(findings: list[Finding]) -> Table:
    rows = Table("", "found", "what to do", box=None, pad_edge=False, header_style="bold")
    for finding in findings:
        rows.add_row(finding.what, finding.found, finding.advice)
    return rows
