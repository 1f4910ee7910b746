"""What the files of a run say of its agents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator.agent import GO_ON

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def exchanges(run: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((run / "chat").glob("*.json"))]


def measured(events: Iterable[dict[str, Any]]) -> tuple[int, float]:
    """Iterations, and the share of them that ended in a score."""
    outcomes = [event["outcome"] for event in events if event["kind"] == "iteration"]
    return len(outcomes), sum("score" in outcome for outcome in outcomes) / len(outcomes)


def repairs(events: Iterable[dict[str, Any]]) -> tuple[int, int]:
    """Repairs, and how many of them rid the pipeline of the error."""
    made = [repair for event in events if event["kind"] == "iteration" for repair in event["repairs"]]
    return len(made), sum(repair["worked"] for repair in made)


def first_tries(run: Path, agent: str) -> tuple[int, int]:
    """Questions to an agent, and those whose first reply could be used."""
    asked, again = 0, 0
    retried = False
    for exchange in exchanges(run):
        turns = exchange["prompt"]["messages"]
        if exchange["agent"] != agent or turns[-1]["text"] == GO_ON:
            continue
        if len(turns) == 1:
            asked, retried = asked + 1, False
        elif not retried:
            again, retried = again + 1, True
    return asked, asked - again


def agent_rows(run: Path, bills: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [
        ("agent", "questions", "first try", "calls", "tokens in", "cached", "tokens out", "seconds")
    ]
    for agent, bill in bills.items():
        asked, good = first_tries(run, agent)
        counts = (asked, good, bill["calls"], bill["tokens_in"], bill["cached"], bill["tokens_out"], bill["seconds"])
        rows.append((agent, *(f"{count:.0f}" for count in counts)))
    return rows


def table(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(f"{row[0]:<18}" + "".join(f"{cell:>11}" for cell in row[1:]) for row in rows)
