"""All that the page shows of a run, read from its folder whether the run is over or goes on.

The folder is text from elsewhere: names of classes, code and sentences of language models, what containers printed. All
of it is parsed strictly and cut to a size; where it cannot be read there is one sentence, and no page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report import printable, shorten
from orchestrator.audit import REPORT as AUDIT
from orchestrator.dataset_notes import dataset_notes
from orchestrator.dataset_profile import profile_lines
from orchestrator.errors import AutoModelError
from orchestrator.ledger import bill_by_agent, read_entries
from orchestrator.mistakes import MISTAKES
from orchestrator.page.records import Audit, Manifest, Mistakes, Reproduction, Summary, read_file, read_record
from orchestrator.page.turns import read_turns
from orchestrator.progress import read_progress
from orchestrator.replay import DamagedJournalError, replay
from orchestrator.reproduce import REPORT as REPRODUCTION
from orchestrator.run_folder import FINISHED, UNFINISHED
from orchestrator.scoring import majority_accuracy
from orchestrator.sheets import SIGNATURE
from orchestrator.team import best
from orchestrator.verify import find_dataset

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.dataset import Dataset
    from orchestrator.ledger import Bill
    from orchestrator.page.turns import Turn
    from orchestrator.progress import Now

SHEET_BYTES = 1_500_000
"""A larger contact sheet stays beside the page, which must not grow beyond 5 MB; photos take half of it."""
MISTAKES_BYTES = 1_100_000
"""24 thumbnails of pure noise, with their captions, fit into it."""
NOTES = 30
"""Sentences about a dataset."""


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """The worst mistakes: one picture of them all, and what is on it."""

    png: bytes
    listed: Mistakes


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is known of the dataset."""

    name: str
    description: str
    licence: str
    source: str
    classes: int
    images: dict[str, int]
    """Of each split."""
    profile: tuple[str, ...]
    notes: tuple[str, ...]
    majority: float
    """What always naming the most frequent class gets on the test images."""
    sheet: bytes | None
    sheet_path: str


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """A run."""

    name: str
    manifest: Manifest
    summary: Summary | None
    """None while the run goes on, or was interrupted."""
    began: float
    """Seconds since 1970; 0 where nothing has happened yet."""
    latest: float
    seconds: float
    """That it took so far."""
    turns: tuple[Turn, ...]
    best: int | None
    """The iteration that stands, or won."""
    bill: dict[str, Bill]
    """By agent."""
    dataset: Seen | None
    """None where it is not found."""
    pictures: Pictures | None
    audit: Audit | None
    reproduction: Reproduction | None
    now: Now

    @property
    def turn(self) -> Turn | None:
        """The iteration that stands, or won."""
        return next((turn for turn in self.turns if turn.number == self.best), None)


def read_facts(run: Path, datasets: Path) -> RunFacts:
    """Read a run's folder. `datasets`: where prepared datasets are.

    Raises:
        AutoModelError: it holds no run, or one that is damaged.
    """
    manifest = read_record(run / UNFINISHED, Manifest)
    if manifest is None:
        raise AutoModelError(f"{run} is no run: name the folder of one, as `automodel run` does.")
    summary = read_record(run / FINISHED, Summary)
    try:
        replayed = replay(run)
        turns, bill = tuple(read_turns(run, replayed)), bill_by_agent(read_entries(run))
        times = [float(event["time"]) for event in replayed.events]
    except DamagedJournalError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise AutoModelError(
            f"{run} is damaged ({type(error).__name__}: {error}): what is in its journal or in chat/ is not what was "
            "written there."
        ) from None
    standing = best(replayed.history)
    dataset = find_dataset(datasets, manifest.same.dataset) if datasets.is_dir() else None
    return RunFacts(
        name=printable(run.name[:200]),
        manifest=manifest,
        summary=summary,
        began=times[0] if times else 0.0,
        latest=times[-1] if times else 0.0,
        seconds=summary.seconds if summary else replayed.seconds,
        turns=turns,
        best=summary.best_iteration if summary else standing.number if standing else None,
        bill=bill,
        dataset=_seen(dataset) if dataset else None,
        pictures=_pictures(run / MISTAKES),
        audit=read_record(run / AUDIT, Audit),
        reproduction=read_record(run / REPRODUCTION, Reproduction),
        now=read_progress(run),
    )


def _seen(dataset: Dataset) -> Seen:
    facts = dataset.facts
    return Seen(
        name=_words(facts.name, 200),
        description=_words(facts.description, 4000),
        licence=_words(facts.licence, 400),
        source=_words(facts.source, 400),
        classes=len(facts.classes),
        images={name: split.images for name, split in facts.splits.items()},
        profile=tuple(_words(line, 1000) for line in profile_lines(facts)[:NOTES]),
        notes=tuple(_words(line, 1000) for line in dataset_notes(facts)[:NOTES]),
        majority=majority_accuracy(dataset.split("test").counts),
        sheet=_png(dataset.sheet, SHEET_BYTES),
        sheet_path=str(dataset.sheet),
    )


def _pictures(folder: Path) -> Pictures | None:
    listed = read_record(folder / f"{MISTAKES}.json", Mistakes)
    if listed is None:
        return None
    png = _png(folder / "sheet.png", MISTAKES_BYTES) if listed.mistakes else b""
    return None if png is None else Pictures(png=png, listed=listed)


def _png(path: Path, limit: int) -> bytes | None:
    content = read_file(path, limit)
    return content if content and content.startswith(SIGNATURE) else None


def _words(text: str, limit: int) -> str:
    return printable(shorten(text, limit))
