"""What a run says of what it gave out: all that is needed to make it again, and to tell whether it can be, here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestrator.asked_weights import asked_weights
from orchestrator.custody import file_checksum, harness_checksum, sandbox_identity
from orchestrator.errors import AutoModelError
from orchestrator.manifest import cpu_name
from orchestrator.predict import load_model
from orchestrator.replay import read_events
from orchestrator.run_folder import read_manifest, read_summary
from orchestrator.verify import altered
from orchestrator.weights import revisions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from orchestrator.average import Form
    from orchestrator.dataset import Dataset, HiddenName
    from orchestrator.predict import Model

NEAR = 0.85
"""Share of its clock after which a training may have been shaped by it: recipes keep 6 % of it in reserve."""


class Then(NamedTuple):
    """A score of summary.json."""

    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What lies in best/, and what was said of it."""

    run: Path
    model: Model
    manifest: Mapping[str, Any]
    scores: Mapping[HiddenName, Then]
    """Of validation only where those images were not learnt."""
    logits: Mapping[HiddenName, str]
    """Checksums."""
    custody: Mapping[str, str]
    """What the score on the test images was made from."""
    cores: int
    """Threads of each job."""
    by_clock: bool
    """Whether its clock ended the training, or was so near that a schedule may have followed it."""
    refit: bool
    members: tuple[Path, ...]
    """Folders of the networks that it is an average of, the winner first; none where it is no average."""
    form: Form = "weights"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is different here, and may move the last bits."""
        then, now = self.manifest.get("hardware", {}).get("cpu", "one that was not recorded"), cpu_name()
        return () if then == now else (f"the processor was {then} and is {now}",)


def read_recorded(run: Path) -> Recorded:
    """What a finished run gave out.

    Raises:
        AutoModelError: it is not finished, or its files do not agree.
    """
    summary, manifest, model = read_summary(run), read_manifest(run), load_model(run)
    try:
        where = json.loads((run / "best" / "iteration.json").read_bytes())
        cores = int(json.loads((run / "best" / "task.json").read_bytes())["cpus"])
        events = list(_events_of(run, file_checksum(model.weights), model.pipeline.checksum))
        ending = summary.get("ending")
        validation = ending["validation"] if ending else summary["validation"]
        scores: dict[HiddenName, Any] = {"validation": validation, "test": summary["test"]}
        custodies = {split: custody for split, custody, _ in events}
        return Recorded(
            run=run,
            model=model,
            manifest=manifest,
            scores={split: _then(score) for split, score in scores.items() if score},
            logits={split: custody["logits"] for split, custody in custodies.items()},
            custody=custodies["test"],
            cores=cores,
            by_clock=any(by_clock(report, model.task.seconds) for _, _, report in events),
            refit=bool(where.get("refit")),
            members=tuple(run / place for place in where.get("members", ())),
            form=where.get("form", "weights"),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        raise AutoModelError(
            f"{run}/best is not what the journal and the summary of the run speak of: see `automodel verify {run}`."
        ) from None


def by_clock(report: Mapping[str, Any], clock: float) -> bool:
    """Whether what a job measured of itself shows the hand of its clock, in seconds: no such training is repeated."""
    return report.get("stopped") == "clock" or report.get("seconds", {}).get("train", 0.0) > NEAR * clock


def require_same(recorded: Recorded, dataset: Dataset, sandbox: Mapping[str, str], weights: Path) -> None:
    """Refuse to reproduce where something is not what it was.

    `sandbox`: what it says of itself; `weights`: the folder of the pretrained ones.

    Raises:
        AutoModelError: with a sentence that says what differs.
    """
    problems = [*altered(dataset), *_differences(recorded, sandbox_identity(sandbox), revisions(weights))]
    if problems:
        raise AutoModelError(f"{recorded.run} cannot be reproduced here: {'; '.join(problems)}.")


def _differences(recorded: Recorded, sandbox: str, pretrained: Mapping[str, str]) -> Iterator[str]:
    if harness_checksum() != recorded.custody["harness"]:
        commit = recorded.manifest["versions"].get("commit")
        yield f"the harness is another one than it was{f' (check out {commit})' if commit else ''}"
    if sandbox != recorded.custody["sandbox"]:
        yield f"the sandbox is another one than it was: {sandbox} now, {recorded.custody['sandbox']} then"
    known = recorded.manifest.get("pretrained", {})
    for name in asked_weights(recorded.model.pipeline):
        if name in recorded.model.task.weights and name not in pretrained:
            yield f"the pretrained weights of {name} are not here: automodel weights fetch {name}"
        elif known.get(name, pretrained.get(name)) != pretrained.get(name):
            which = f"{pretrained[name]} now, {known[name]} then"
            yield f"the pretrained weights of {name} are of another revision: {which}"


def _events_of(run: Path, weights: str, components: str) -> Iterator[tuple[HiddenName, dict[str, str], dict[str, Any]]]:
    """Where the journal speaks of these weights: split, custody, and the report of the job that trained them."""
    for event in read_events(run):
        outcome = event["outcome"] if event["kind"] == "execution" else event if event["kind"] == "final" else {}
        custody = outcome.get("custody") or {}
        if (custody.get("weights"), custody.get("components")) == (weights, components):
            split: HiddenName = "test" if event["kind"] == "final" else "validation"
            yield split, custody, outcome.get("report", {})


def _then(score: Mapping[str, Any]) -> Then:
    low, high = score["interval"]
    return Then(float(score["accuracy"]), (float(low), float(high)))
