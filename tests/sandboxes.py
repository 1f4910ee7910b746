"""Real sandboxes with torch in them, for tests that run components."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from orchestrator.settings import read_settings
from orchestrator.setup import sandbox_choice
from sandbox import choose, owner
from sandbox.cgroup import PREFIX, ROOT

if TYPE_CHECKING:
    from sandbox.base import Sandbox


def skip_without(name: str) -> None:
    """Skip where this sandbox cannot run a component: no engine, no image, no torch."""
    pytest.importorskip("torch", reason="the extra `harness` is not installed")
    seen = choose.survey(sandbox_choice(read_settings({"sandbox_backend": name})))
    if name == "docker" and not seen.image_present:
        pytest.skip(f"no sandbox image: {seen.engine}")
    if name == "bubblewrap" and not seen.bubblewrap.startswith("bubblewrap "):
        pytest.skip(seen.bubblewrap)


def open_real(name: str) -> Sandbox:
    skip_without(name)
    return choose.open_sandbox(sandbox_choice(read_settings({"sandbox_backend": name})))


def own_groups() -> set[str]:
    """Control groups that this process made; those of others come and go meanwhile."""
    folders = (name for _, names, _ in os.walk(ROOT) for name in names)
    return {name for name in folders if name.startswith(f"{PREFIX}_{owner.tag()}_")}
