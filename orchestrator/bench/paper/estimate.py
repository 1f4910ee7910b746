"""What a study would take: `automodel bench paper --dry-run` tells it, and measures nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.bench.paper.cells import Failed, read_cell
from orchestrator.bench.paper.measured import Measured
from orchestrator.bench.paper.measuring import GRIDS
from orchestrator.chat import Usage
from orchestrator.ledger import Cap
from orchestrator.page.words import count, money
from orchestrator.prices import find_price, read_prices
from orchestrator.providers import check_chat
from orchestrator.teams import chat_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from orchestrator.bench.paper.plan import Cell, Table
    from orchestrator.settings import Settings

DRAFT = Usage(tokens_in=11_000, tokens_out=2_500)
CHANGE = Usage(tokens_in=19_000, tokens_out=2_250)
SCRIPT = Usage(tokens_in=600, tokens_out=1_500)
"""Tokens of a draft, of a change with its repairs (measured with a small model that does not reason), of one script."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of some cells, as far as it can be told beforehand."""

    cells: int = 0
    containers: int = 0
    tokens: int = 0
    usd: float | None = 0.0
    """None: a price is unknown."""
    hours: float = 0.0
    """At most, of trainings, by their clock; what a language model thinks comes on top."""

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            cells=self.cells + other.cells,
            containers=self.containers + other.containers,
            tokens=self.tokens + other.tokens,
            usd=None if self.usd is None or other.usd is None else self.usd + other.usd,
            hours=self.hours + other.hours,
        )


def plan_lines(tables: Sequence[Table], cells: Sequence[Cell], study: Path) -> Iterator[str]:
    """Each cell by table, with what became of it, and what is left to do."""
    for table in tables:
        yield f"Table {table.published.number}: {table.published.title}"
        for dataset, row, own in table.lines():
            yield f"  {dataset:28} {row.title:52} {', '.join(_state(cell, study) for cell in own)}"
    left = [cell for cell in cells if not isinstance(read_cell(cell.folder(study)), Measured)]
    able = [cell for cell in left if not cell.lacks]
    total = sum(map(cost, able), start=Cost())
    yield f"{len(cells)} cells, also where several tables share them: {len(cells) - len(left)} done, {len(left)} to do."
    for lack in dict.fromkeys(cell.lacks for cell in left if cell.lacks):
        systems = dict.fromkeys(cell.system.key for cell in left if cell.lacks == lack)
        yield f"Cannot be measured now: {', '.join(systems)}: {lack}"
    yield (
        f"The {len(able)} that can be: about {total.containers:,} containers, {count(total.tokens)} tokens, "
        f"{money(total.usd)}, at most {total.hours:.1f} hours of training."
    )


def cost(cell: Cell) -> Cost:
    """What a cell takes from its beginning."""
    times, usage = _trainings(cell), _usage(cell)
    return Cost(
        cells=1,
        containers=2 * times + 2,
        tokens=usage.tokens_in + usage.tokens_out,
        usd=_usd(usage, cell.settings),
        hours=times * cell.settings.run_fit_minutes / 60,
    )


def _trainings(cell: Cell) -> int:
    match cell.system.by:
        case "run":
            settings = cell.settings
            finals = settings.run_finals * settings.run_final_seeds if settings.run_protocol == "careful" else 0
            return 1 + settings.run_iterations + finals
        case "script":
            return 1
        case method:
            return len(GRIDS[cell.scale].points(method)) + 1


def _usage(cell: Cell) -> Usage:
    """Tokens of its language model."""
    if not cell.system.asks:
        return Usage(tokens_in=0, tokens_out=0)
    if cell.system.by == "script":
        return SCRIPT
    turns = cell.settings.run_iterations
    return Usage(
        tokens_in=DRAFT.tokens_in + turns * CHANGE.tokens_in,
        tokens_out=DRAFT.tokens_out + turns * CHANGE.tokens_out,
    )


def _usd(usage: Usage, settings: Settings) -> float | None:
    """At the price of the architect's model, which is no cheaper than the others'."""
    chat, prices = chat_settings(settings), read_prices(settings.llm_prices)
    if chat is None or not usage.tokens_in:
        return 0.0
    price = find_price(check_chat(chat, prices, Cap())["architect"], prices)
    return price.usd(usage) if price else None


def _state(cell: Cell, study: Path) -> str:
    found = read_cell(cell.folder(study))
    if isinstance(found, Measured):
        return "done"
    if cell.lacks:
        return "lacking"
    return "failed" if isinstance(found, Failed) else "to do"
