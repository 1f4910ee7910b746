"""What a table takes: its cells, each a system on a dataset in a trial, and the settings of each."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from orchestrator.bench.paper.systems import ROWS
from orchestrator.errors import SettingsError
from orchestrator.origin import find_origin
from orchestrator.playbook import Playbook
from orchestrator.providers import AGENTS
from orchestrator.teams import check_team

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from orchestrator.bench.paper.published import Published
    from orchestrator.bench.paper.systems import Row, System
    from orchestrator.origin import Origin
    from orchestrator.settings import Settings

APART = 100
"""Between the seeds of two trials: the finals of a run count on from its own."""
PREFIXES: Mapping[str, tuple[str, ...]] = {
    "run": ("run_", "dataset_"),
    "script": ("run_fit_minutes", "run_seed", "dataset_"),
}
"""Of the settings that a cell of this kind depends on; `TUNING` for any other."""
TUNING = ("run_fit_minutes", "run_seed", "dataset_")
APART_FROM = ("run_seed", "llm_timeout_seconds", "llm_patience_minutes", "llm_prices", "llm_provider")
"""The seed is told beside, the provider by the team's name; on the others no result depends."""
FEW = "-vtab1k"
"""What the names of VTAB-1k's datasets end with. Where there is one, the grid is tried on its 1,000 images alone."""
NO_MODEL = (
    "needs a language model: set OPENAI_API_KEY or ANTHROPIC_API_KEY, or for a server of your own "
    "LLM_PROVIDER=openai, OPENAI_BASE_URL and LLM_MODEL."
)
NO_WRITER = "needs a language model that writes code: with LLM_SKILL=choose the engineers cannot write a draft in turn."
NO_SMALLER = "needs a smaller language model: name it with --smaller-model (the paper's was gpt-4o-mini)."


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of the paper's effort is made."""

    name: str
    trials: int
    knobs: Mapping[str, Any]
    backbone: str
    """Imposed on table 2."""
    datasets: tuple[str, ...] = ()
    """In place of the paper's."""


SCALES: Mapping[str, Scale] = {
    "paper": Scale(name="paper", trials=3, knobs={"run_iterations": 20}, backbone="vit_base_patch16_224"),
    "tiny": Scale(
        name="tiny",
        trials=2,
        knobs={"run_iterations": 1, "run_fit_minutes": 0.25, "run_finals": 2, "run_final_seeds": 1},
        backbone="vit_tiny_patch16_224",
        datasets=("digits",),
    ),
}
"""tiny: every row works, in minutes on two cores; its numbers say nothing else."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A system on a dataset in a trial."""

    system: System
    origin: Origin
    """Of the dataset."""
    files: str
    """Its fingerprint."""
    settings: Settings
    scale: str
    """Of the grid, where there is one."""
    lacks: str = ""
    """What it would need, in a sentence; empty: nothing."""

    @property
    def seed(self) -> int:
        return self.settings.run_seed

    def conditions(self) -> dict[str, Any]:
        """All that the result depends on, but for the seed and the machine."""
        public = self.settings.public()
        prefixes = (*PREFIXES.get(self.system.by, TUNING), *(("llm_",) if self.system.asks else ()))
        knobs = {name: value for name, value in public.items() if name.startswith(prefixes) and name not in APART_FROM}
        return {
            "system": self.system.by,
            "scale": "" if self.system.by in PREFIXES else self.scale,
            "dataset": str(self.origin.place or self.origin.given),
            "files": self.files,
            "team": check_team(self.settings) if self.system.asks and not self.lacks else "",
            "settings": knobs,
        }

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.conditions(), sort_keys=True).encode()).hexdigest()[:8]

    def folder(self, study: Path) -> Path:
        """Its own: cells of several tables with the same conditions are one."""
        return study / "cells" / self.origin.name / f"{self.system.key}-{self.digest}" / f"seed-{self.seed}"


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table, as it will be measured."""

    published: Published
    rows: tuple[Row, ...]
    datasets: tuple[str, ...]
    cells: Mapping[tuple[str, str], tuple[Cell, ...]]
    """Of a system's key and a dataset: one for each trial."""

    def lines(self) -> Iterator[tuple[str, Row, tuple[Cell, ...]]]:
        """Each row on each dataset, with its cells."""
        for dataset in self.datasets:
            for row in self.rows:
                if cells := self.cells.get((row.system.key, dataset)):
                    yield dataset, row, cells


def make_table(  # noqa: PLR0913 - what a command line says, each met once
    published: Published, scale: Scale, settings: Settings, *, trials: int, datasets: Sequence[str], smaller: str
) -> Table:
    """Everything that a table takes. `datasets`: the user's own choice; `smaller`: a language model's name."""
    rows = ROWS[published.number]
    chosen = tuple(dict.fromkeys((*scale.datasets, *datasets) or published.datasets))
    backbone: dict[str, Any] = {"run_backbone": scale.backbone} if published.number == 2 else {}
    settings = replace(settings, **scale.knobs, **backbone)
    systems = {row.system.key: row.system for row in rows}
    seeds = [settings.run_seed + APART * trial for trial in range(trials)]
    cells = {
        (key, dataset): tuple(
            _cells(system, replace(settings, dataset=dataset), seeds, scale=scale.name, smaller=smaller)
        )
        for key, system in systems.items()
        for dataset in chosen
        if system.by in PREFIXES or f"{dataset}{FEW}" not in published.datasets
    }
    return Table(published=published, rows=rows, datasets=chosen, cells=cells)


def _cells(system: System, settings: Settings, seeds: Sequence[int], *, scale: str, smaller: str) -> Iterator[Cell]:
    of_agents: dict[str, Any] = {f"llm_model_{agent}": "" for agent in AGENTS}
    settings = replace(settings, **system.knobs, **({"llm_model": smaller, **of_agents} if system.smaller else {}))
    origin, lacks = find_origin(settings.dataset), _lacks(system, settings)
    files = origin.fingerprint(settings)
    for seed in seeds:
        own = replace(settings, run_seed=seed)
        yield Cell(system=system, origin=origin, files=files, settings=own, scale=scale, lacks=lacks)


def _lacks(system: System, settings: Settings) -> str:
    if not system.asks:
        return ""
    if system.smaller and not settings.llm_model:
        return NO_SMALLER
    if not settings.run_zero_shot_init and settings.llm_skill == "choose":
        return NO_WRITER
    try:
        return NO_MODEL if check_team(settings) == Playbook.name else ""
    except SettingsError as error:
        return f"needs a language model: {error}"


def in_order(tables: Iterable[Table], study: Path) -> Iterator[Cell]:
    """Each cell of these tables once; all of the first trial before any of the next, so that there soon is a table."""
    cells = [(trial, cell) for table in tables for own in table.cells.values() for trial, cell in enumerate(own)]
    yield from {cell.folder(study): cell for _, cell in sorted(cells, key=lambda each: each[0])}.values()
