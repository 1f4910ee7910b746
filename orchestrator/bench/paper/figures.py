"""What stands in a table: of each row and dataset a mean, a deviation, and the trials that they are of."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean, stdev
from typing import TYPE_CHECKING

from orchestrator.bench.paper.cells import Failed, read_cell
from orchestrator.bench.paper.measured import Measured
from orchestrator.bench.paper.systems import PAIRS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from orchestrator.bench.paper.cells import Found
    from orchestrator.bench.paper.plan import Cell, Table
    from orchestrator.bench.paper.systems import Row


NO_FIRST = "The first iteration came to nothing that could be scored."


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial of a row."""

    cell: Cell
    folder: Path
    found: Found


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Accuracies of some trials."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return mean(self.values)

    @property
    def deviation(self) -> float | None:
        """Of the sample; None of a single one."""
        return stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A row on a dataset."""

    row: Row
    dataset: str
    """What it is called: no path."""
    published: float | None
    """The paper's own."""
    trials: tuple[Trial, ...]

    @property
    def measured(self) -> list[tuple[Trial, Measured]]:
        return [(each, self.row.read(each.found)) for each in self.trials if isinstance(each.found, Measured)]

    @property
    def scored(self) -> list[tuple[Trial, Measured]]:
        return [(trial, measured) for trial, measured in self.measured if measured.test]

    @property
    def test(self) -> Spread | None:
        return _spread([measured.test.accuracy for _, measured in self.scored if measured.test])

    @property
    def chose(self) -> Spread | None:
        """Of the winner, on the images that chose it: as the paper counts."""
        return _spread([measured.validation.accuracy for _, measured in self.scored if measured.validation])

    @property
    def done(self) -> bool:
        return len(self.measured) == len(self.trials)

    def remarks(self) -> list[str]:
        """Why a trial is missing, and what was noted of those that are there; each thing once."""
        lacks = [f"Not measured: {trial.cell.lacks}" for trial in self.trials if trial.cell.lacks]
        failed = [f"Failed: {trial.found.sentence}" for trial in self.trials if isinstance(trial.found, Failed)]
        unscored = [measured.problem or NO_FIRST for _, measured in self.measured if not measured.test]
        notes = [f"seed {trial.cell.seed}: {each.notes}" for trial, each in self.scored if each.notes]
        missing = ["Not measured yet."] if not lacks and any(trial.found is None for trial in self.trials) else []
        return list(dict.fromkeys((*lacks, *failed, *missing, *unscored, *([] if self.row.first else notes))))


def figures(table: Table, study: Path) -> Iterator[Figure]:
    """Every row of a table, by dataset."""
    for dataset, row, cells in table.lines():
        places = [(cell, cell.folder(study)) for cell in cells]
        yield Figure(
            row=row,
            dataset=cells[0].origin.name,
            published=table.published.find(dataset, row.key),
            trials=tuple(Trial(cell=cell, folder=folder, found=read_cell(folder)) for cell, folder in places),
        )


def worth(of: Sequence[Figure]) -> Iterator[str]:
    """What it is worth to report the images that chose, wherever both rules of selection were measured."""
    found = {(each.dataset, each.row.key): each for each in of}
    for dataset in dict.fromkeys(each.dataset for each in of):
        for paper, careful in PAIRS:
            one, other = found.get((dataset, paper)), found.get((dataset, careful))
            if one and other and one.test and one.chose and other.test:
                yield (
                    f"{dataset}, {one.row.title}: counted as the paper does, on the images that chose, "
                    f"{one.chose.mean:.4f}; on test images {one.test.mean:.4f}, "
                    f"with this project's selection {other.test.mean:.4f}."
                )


def _spread(values: Sequence[float]) -> Spread | None:
    return Spread(values=tuple(values)) if values else None
