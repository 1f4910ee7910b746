"""Is a run's number about images? The winner is trained again where it must fail, and again where it must not."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from orchestrator.blinding import OFFSETS, Blinding, chance
from orchestrator.link import link_or_copy
from orchestrator.outcome import Crashed
from orchestrator.retrain import retrainer
from orchestrator.run_folder import FINISHED, read_summary, write_json
from orchestrator.scoring import majority_accuracy, wilson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from orchestrator.dataset import Dataset, HiddenName
    from orchestrator.jobs import Jobs
    from orchestrator.outcome import Outcome
    from orchestrator.predict import Model

LEVEL = 1e-4
"""Probability of chance below which a result that should be chance is not."""
BINS = 20
"""Of a feature that should tell nothing."""
REPORT = "audit.json"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check came to."""

    check: str
    verdict: Literal["passed", "noted", "failed"]
    sentence: str


def audit(run: Path, dataset: Dataset, model: Model, jobs: Jobs, tell: Callable[[str], None]) -> list[Finding]:
    """Check a run; the verdict goes into `summary.json`, the rest into `audit.json`. `tell`: what goes on.

    Raises:
        AutoModelError: the run is not finished.
        SandboxError: the sandbox failed.
    """
    summary = read_summary(run)
    place = run / "audit"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    blinding = Blinding(dataset, run)
    reported = float(summary["validation"]["accuracy"])
    auditor = _Auditor(blinding=blinding, model=model, jobs=jobs, place=place, reported=reported)
    findings = []
    for check in (auditor.duplicates, auditor.side_channels, auditor.shuffled_labels, auditor.another_seed):
        tell(f"audit: {check.__name__.replace('_', ' ')}")
        findings += list(check())
    blinding.clear()
    shutil.rmtree(place, ignore_errors=True)
    write_json(run / REPORT, {"findings": [asdict(finding) for finding in findings]})
    write_json(run / FINISHED, summary | {"audit": verdict(findings)})
    return findings


def verdict(findings: list[Finding]) -> Literal["passed", "noted", "failed"]:
    """The worst of them."""
    found = {finding.verdict for finding in findings}
    return "failed" if "failed" in found else "noted" if "noted" in found else "passed"


@dataclass(frozen=True, kw_only=True)
class _Auditor:
    blinding: Blinding
    model: Model
    jobs: Jobs
    place: Path
    reported: float
    """The winner's accuracy on validation."""

    def duplicates(self) -> Iterator[Finding]:
        """Images that stand on both sides measure memory."""
        facts, splits = self.blinding.dataset.facts.duplicates, self.blinding.dataset.facts.splits
        counts: dict[HiddenName, int] = {"validation": facts.validation, "test": facts.test}
        for name, count in counts.items():
            sentence = f"{count} of {splits[name].images} {name} images have exactly the pixels of one that is learnt."
            yield Finding(check="duplicates", verdict="noted" if count else "passed", sentence=sentence)

    def side_channels(self) -> Iterator[Finding]:
        """What is no pixel must not tell the class; names and times are not in a prepared dataset at all."""
        dataset, blind = self.blinding.dataset, self.blinding.split("validation")
        known = np.load(dataset.folder / "train" / "labels.npy", allow_pickle=False)
        labels = dataset.hidden_labels("validation")[blind.order]
        seen = {"the place in the order": (np.arange(len(known)), np.arange(blind.rows))}
        if (blind.folder / OFFSETS).exists():
            seen["the size of the file"] = (sizes(dataset.folder / "train"), sizes(blind.folder))
        share = majority_accuracy(dataset.split("validation").counts)
        for what, (train, shown) in seen.items():
            hits = int((guess(train, known, shown) == labels)[~blind.canaries].sum())
            images = int((~blind.canaries).sum())
            leaks = chance(hits, images, share) < LEVEL
            sentence = f"{what} alone gets {hits / images:.4f} right, the most frequent class {share:.4f}."
            verdict: Literal["passed", "noted"] = "noted" if leaks else "passed"
            yield Finding(check="side channels", verdict=verdict, sentence=sentence[0].upper() + sentence[1:])

    def shuffled_labels(self) -> Iterator[Finding]:
        """Trained on shuffled labels, the winner has to fall to chance, or it knows labels from elsewhere."""
        share = majority_accuracy(self.blinding.dataset.split("validation").counts)
        outcome = self._train("shuffled", self.model.task.seed, shuffle=True)
        if isinstance(outcome, Crashed):
            yield Finding(check="shuffled labels", verdict="noted", sentence=f"It crashed: {outcome.crash.error}")
            return
        hits = round(outcome.score.accuracy * outcome.score.images)
        knows = chance(hits, outcome.score.images, share) < LEVEL
        sentence = (
            f"Trained on shuffled labels it gets {outcome.score.accuracy:.4f} right, one class for all {share:.4f}"
            + (": it knows labels that training did not give it." if knows else ".")
        )
        yield Finding(check="shuffled labels", verdict="failed" if knows else "passed", sentence=sentence)

    def another_seed(self) -> Iterator[Finding]:
        """Trained again with another seed, the winner has to be about as good."""
        outcome = self._train("seed", self.model.task.seed + 1, shuffle=False)
        if isinstance(outcome, Crashed):
            yield Finding(check="another seed", verdict="failed", sentence=f"It crashed: {outcome.crash.error}")
            return
        images, reported = outcome.score.images, self.reported
        low, high = wilson(round(reported * images), images)
        apart = outcome.score.interval[1] < low or high < outcome.score.interval[0]
        sentence = (
            f"With another seed it gets {outcome.score.accuracy:.4f} right on validation, and had {reported:.4f}."
        )
        yield Finding(check="another seed", verdict="noted" if apart else "passed", sentence=sentence)

    def _train(self, name: str, seed: int, *, shuffle: bool) -> Outcome:
        train = self.place / name / "train"
        train.mkdir(parents=True)
        for path in (self.blinding.dataset.folder / "train").iterdir():
            if path.name != "labels.npy" or not shuffle:
                link_or_copy(path, train / path.name)
        if shuffle:
            labels = np.load(self.blinding.dataset.folder / "train" / "labels.npy", allow_pickle=False)
            np.save(train / "labels.npy", np.random.default_rng(seed).permutation(labels))
        for path in (train.parent, train, *train.iterdir()):
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
        learnt = self.blinding.dataset.split("train")  # a refit's task counts more
        task = replace(self.model.task, train_size=learnt.images, class_counts=learnt.counts)
        with retrainer(task, self.blinding, self.jobs, seed=seed, train=train) as executor:
            return executor.execute(self.model.pipeline, self.place / name / "attempt")


def sizes(folder: Path) -> NDArray[np.int64]:
    """Bytes of each image of the encoded form, (N,)."""
    offsets: NDArray[np.int64] = np.load(folder / OFFSETS, allow_pickle=False)
    return offsets[1:] - offsets[:-1]


def guess(known: NDArray[np.int64], labels: NDArray[np.int64], shown: NDArray[np.int64]) -> NDArray[np.int64]:
    """The most frequent class among training images of about the same value: (N,), (N,), (M,) -> (M,)."""
    edges = np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])
    mine, theirs = np.searchsorted(edges, known), np.searchsorted(edges, shown)
    overall = np.bincount(labels).argmax()
    best = [np.bincount(labels[mine == each]).argmax() if (mine == each).any() else overall for each in range(BINS)]
    return np.take(np.array(best, dtype=np.int64), theirs)
