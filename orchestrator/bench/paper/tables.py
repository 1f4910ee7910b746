"""What a study leaves for people and programs: table-N.md, table-N.csv and table-N.html, each made anew."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from orchestrator.bench.paper.figures import figures
from orchestrator.bench.paper.markdown import render_markdown
from orchestrator.bench.paper.page import render_page
from orchestrator.bench.paper.ranks import rank_lines
from orchestrator.bench.paper.shown import show
from orchestrator.growing import growing_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.bench.paper.figures import Figure
    from orchestrator.bench.paper.plan import Table

COLUMNS = (
    *(
        "table",
        "dataset",
        "system",
        "test_mean",
        "test_deviation",
        "chose_mean",
        "chose_deviation",
        "trials",
        "planned",
    ),
    *("seeds", "tests", "images", "seconds", "tokens", "usd", "paper", "remarks", "runs"),
)


def write_tables(table: Table, study: Path, ranks: Mapping[str, str], conditions: str) -> str:
    """Write all three; return what the Markdown says."""
    number, found = table.published.number, list(figures(table, study))
    shown = show(table.published, found, list(rank_lines(found, ranks)), conditions)
    text = render_markdown(shown)
    for ending, content in (("md", text), ("html", render_page(shown))):
        with growing_file(study / f"table-{number}.{ending}") as file:
            file.write(content)
    with growing_file(study / f"table-{number}.csv") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({"table": number, **_facts(each, study)} for each in found)
    return text


def _facts(figure: Figure, study: Path) -> dict[str, object]:
    """A line of the CSV; several values of a cell stand with semicolons between, and places are in the study."""
    test, chose, measured = figure.test, figure.chose, [each for _, each in figure.measured]
    prices = [each.usd for each in measured]
    return {
        "dataset": figure.dataset,
        "system": figure.row.key,
        "test_mean": test and test.mean,
        "test_deviation": test and test.deviation,
        "chose_mean": chose and chose.mean,
        "chose_deviation": chose and chose.deviation,
        "trials": len(figure.scored),
        "planned": len(figure.trials),
        "seeds": "; ".join(str(trial.cell.seed) for trial, _ in figure.scored),
        "tests": "; ".join(map(str, test.values)) if test else "",
        "images": "; ".join(str(each.test.images) for each in measured if each.test),
        "seconds": round(sum(each.seconds for each in measured), 1),
        "tokens": sum(each.tokens for each in measured),
        "usd": None if None in prices else round(sum(usd for usd in prices if usd), 6),
        "paper": figure.published,
        "remarks": " ".join(figure.remarks()),
        "runs": "; ".join(str(trial.folder.relative_to(study)) for trial in figure.trials),
    }
