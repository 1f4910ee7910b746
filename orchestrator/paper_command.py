"""`automodel bench paper`: its parts, wired as `__main__` does it for the other commands."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from orchestrator.bench.paper.plan import Cell, Table
    from orchestrator.settings import Settings
    from sandbox.base import Sandbox

FOLDER = "bench-paper"
"""In RUNS_DIR with the scale's name behind it, where none is given."""


def add_paper(parser: argparse.ArgumentParser) -> None:
    """Add what `automodel bench paper` takes beside the settings."""
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="for what is measured, and its tables")
    parser.add_argument("--table", default="1..5", metavar="N", help="which of the paper's: 1, or 1..5 (default: all)")
    parser.add_argument(
        "--scale",
        choices=("paper", "tiny"),
        default="paper",
        help="paper: 3 trials, 20 iterations, its datasets; tiny: digits and --dataset, in minutes (default: paper)",
    )
    parser.add_argument("--trials", type=int, metavar="N", help="each with a seed of its own (default: the scale's)")
    parser.add_argument(
        "--dataset",
        dest="datasets",
        action="append",
        default=[],
        metavar="DATASET",
        help="a name or a folder, in place of the paper's, or with --scale tiny beside digits; may be repeated",
    )
    parser.add_argument("--smaller-model", default="", metavar="NAME", help="the language model of table 5")
    parser.add_argument(
        "--rank",
        dest="ranks",
        action="append",
        default=[],
        metavar="DATASET=RANK/TEAMS",
        help="what Kaggle answered to a submission.csv of table 3; kept in FOLDER; may be repeated",
    )
    parser.add_argument("--dry-run", action="store_true", help="tell what would be measured, and measure nothing")


def paper(given: argparse.Namespace, settings: Settings) -> int:
    """The paper's experiments."""
    from orchestrator.bench.paper.estimate import plan_lines
    from orchestrator.bench.paper.plan import in_order
    from orchestrator.bench.paper.ranks import keep_ranks
    from orchestrator.run_folder import hold

    folder = (given.folder or settings.runs_dir / f"{FOLDER}-{given.scale}").resolve()
    tables = _tables(given, settings)
    cells = list(in_order(tables, folder))
    if given.dry_run:
        print("\n".join(plan_lines(tables, cells, folder)))
        return 0
    folder.mkdir(parents=True, exist_ok=True)
    hold(folder)
    ranks = keep_ranks(folder, given.ranks)
    return _measure(settings, folder, tables, cells, ranks)


def _tables(given: argparse.Namespace, settings: Settings) -> list[Table]:
    from orchestrator.bench.paper.plan import SCALES, make_table
    from orchestrator.bench.paper.published import find_tables
    from orchestrator.errors import SettingsError

    scale = SCALES[given.scale]
    trials = scale.trials if given.trials is None else given.trials
    if trials < 1:
        raise SettingsError(f"--trials {trials} measures nothing: say 1 or more.")
    return [
        make_table(published, scale, settings, trials=trials, datasets=given.datasets, smaller=given.smaller_model)
        for published in find_tables(given.table)
    ]


def _measure(
    settings: Settings, folder: Path, tables: Sequence[Table], cells: Sequence[Cell], ranks: dict[str, str]
) -> int:
    from orchestrator.bench.paper.cells import read_cell
    from orchestrator.bench.paper.measured import Measured
    from orchestrator.bench.paper.measuring import measure
    from orchestrator.bench.paper.study import Study
    from orchestrator.bench.paper.tables import write_tables
    from orchestrator.setup import open_sandbox, prove
    from orchestrator.terminal import Terminal

    with Terminal() as terminal, closing(open_sandbox(settings, terminal.say)) as sandbox:
        prove(settings, sandbox, folder)
        conditions = _conditions(settings, sandbox)
        study = Study(
            folder=folder, measure=lambda cell, place: measure(cell, sandbox, terminal, place), say=terminal.say
        )
        try:
            study.run(cells)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"what was measured is in {folder}; the same command goes on from there.") from None
        finally:
            texts = [write_tables(table, folder, ranks, conditions) for table in tables]
    print("\n".join(("", *texts)))
    missing = sum(not isinstance(read_cell(cell.folder(folder)), Measured) for cell in cells)
    print(f"All of it is in {folder}: table-N.md, .csv and .html, and what ran, in cells/.")
    if missing:
        print(f"{missing} of {len(cells)} cells are not measured: see above why; the same command tries them again.")
    return int(bool(missing))


def _conditions(settings: Settings, sandbox: Sandbox) -> str:
    """Where this was written, and with what."""
    from orchestrator.custody import sandbox_identity
    from orchestrator.errors import SettingsError
    from orchestrator.manifest import cpu_name
    from orchestrator.teams import chat_settings, check_team

    try:
        team = check_team(settings) if chat_settings(settings) else "none"
    except SettingsError:
        team = "none"
    where = f"{sandbox.name} ({sandbox_identity(sandbox.describe())}), {cpu_name()}, {settings.job_cores():g} cores"
    return f"{where}, {'a GPU' if sandbox.gpu else 'no GPU'}; team of the rows with a language model: {team}."
