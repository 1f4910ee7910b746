"""The commands that a reader of the page may want to copy."""

from __future__ import annotations

import shlex
from dataclasses import fields
from typing import TYPE_CHECKING

from harness.report import printable
from orchestrator.settings import Settings

if TYPE_CHECKING:
    from orchestrator.page.facts import RunFacts

OF_THE_RUN = ("run_", "llm_", "dataset_", "budget_", "weights_fetch", "sandbox_")
"""Settings that shape what comes of it; of the others some only say where things are."""
LONGEST = 2000
"""Characters of a setting."""


def run_path(facts: RunFacts) -> str:
    """The run's folder, as commands are given it."""
    return shlex.quote(f"{_text(facts.manifest.settings.get('runs_dir', 'runs'))}/{facts.name}")


def reproduce_command(facts: RunFacts) -> str:
    """The command that begins another run like it, with each setting that is not the default."""
    said = facts.manifest.settings
    defaults = {knob.name: knob.default for knob in fields(Settings)}
    others = [
        f"{name.upper()}={shlex.quote(_text(said[name]))}"
        for name in defaults
        if name.startswith(OF_THE_RUN) and name in said and _text(said[name]) != _text(defaults[name])
    ]
    dataset = shlex.quote(_text(said.get("dataset", "")))
    return " \\\n  ".join([*others, f"make run NEW=1 DATASET={dataset}"])


def _text(value: object) -> str:
    """As an environment variable has it."""
    return str(value).lower() if isinstance(value, bool) else printable(str(value)[:LONGEST])
