"""A table in words: the same for Markdown and for the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.bench.paper.figures import worth
from orchestrator.bench.paper.published import read_paper

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.bench.paper.figures import Figure, Spread
    from orchestrator.bench.paper.published import Published
    from orchestrator.bench.paper.ranks import Rank

HEAD = ("dataset", "system", "test", "chose", "trials", "paper")
LEGEND = (
    "test: top-1 on images that chose nothing, mean ± standard deviation (of the sample) over the trials; chose: of "
    "the same models, on the images that chose them, which is how the paper counts; trials: scored of planned, with "
    "their seeds; paper: the paper's own number, a constant."
)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Everything that is said of a table; all of it text that may come from anybody."""

    title: str
    conditions: str
    rows: tuple[tuple[str, ...], ...]
    """Under `HEAD`."""
    sentences: tuple[str, ...]
    source: str
    paper: tuple[tuple[str, ...], ...]
    """The paper's own table, its head first."""
    caveats: tuple[str, ...]


def show(published: Published, figures: Sequence[Figure], ranks: Sequence[Rank], conditions: str) -> Shown:
    return Shown(
        title=f"Table {published.number}: {published.title}",
        conditions=conditions,
        rows=(*map(_row, figures), *map(_rank, ranks)),
        sentences=(
            *(f"{rank.dataset}, rank on Kaggle: {rank.remark}" for rank in ranks if rank.remark),
            *worth(figures),
            *_remarks(figures),
        ),
        source=f"The paper's own numbers, constants ({read_paper().source}; {published.place})",
        paper=tuple(_paper(published)),
        caveats=published.caveats,
    )


def _row(figure: Figure) -> tuple[str, ...]:
    return (
        figure.dataset,
        figure.row.title,
        _told(figure.test) or ("nothing to score" if figure.measured else "not measured"),
        _told(figure.chose),
        _trials(figure),
        "" if figure.published is None else f"{figure.published:.4f}",
    )


def _trials(figure: Figure) -> str:
    """`3 of 3 (seeds 0, 100, 200)`."""
    seeds = ", ".join(str(trial.cell.seed) for trial, _ in figure.scored)
    return f"{len(figure.scored)} of {len(figure.trials)}" + (f" (seeds {seeds})" if seeds else "")


def _told(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return f"{spread.mean:.4f}" + (f" ± {spread.deviation:.4f}" if spread.deviation is not None else "")


def _rank(rank: Rank) -> tuple[str, ...]:
    return (rank.dataset, "rank on Kaggle, of a submission", rank.ours or "not known", "", "", rank.paper)


def _remarks(figures: Sequence[Figure]) -> Iterator[str]:
    """Each remark once, with all that it is about."""
    about: dict[str, list[str]] = {}
    for figure in figures:
        for remark in figure.remarks():
            about.setdefault(remark, []).append(f"{figure.dataset}, {figure.row.title}")
    yield from (f"{'; '.join(names)}: {remark}" for remark, names in about.items())


def _paper(published: Published) -> Iterator[tuple[str, ...]]:
    rows = list(dict.fromkeys(row for accuracy in published.accuracy.values() for row in accuracy))
    more = ("rank", "top accuracy", "attempts of the first five") if published.kaggle else ()
    yield ("dataset", *rows, *more)
    for dataset, accuracy in published.accuracy.items():
        kaggle = published.kaggle.get(dataset)
        beside = (f"{kaggle.rank}/{kaggle.teams}", f"{kaggle.top:.4f}", str(kaggle.attempts)) if kaggle else ()
        yield (dataset, *(f"{accuracy[row]:.4f}" if row in accuracy else "" for row in rows), *beside)
