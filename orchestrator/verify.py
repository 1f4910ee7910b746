"""Is each number of a run still what its files give? Recomputes every checksum and every score, and compares."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.components import read_components
from orchestrator.custody import file_checksum, harness_checksum
from orchestrator.dataset import Dataset
from orchestrator.errors import AutoModelError, DatasetError
from orchestrator.job_files import LOGITS, WEIGHTS
from orchestrator.journal import attempt_folder
from orchestrator.replay import read_events
from orchestrator.run_folder import read_manifest
from orchestrator.scoring import InvalidLogitsError, read_logits, score
from orchestrator.submission import SUBMISSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from orchestrator.dataset import HiddenName


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A score of the journal, with the places of what it was made from."""

    what: str
    split: HiddenName
    score: dict[str, Any]
    custody: dict[str, str]
    components: Path
    folder: Path
    """Where weights and logits lie."""
    dropped: bool
    """Whether its weights were freed, because the pipeline was discarded."""


def verify(run: Path, datasets: Path, identify: Callable[[str], str]) -> tuple[int, list[str]]:
    """How many scores were recomputed, and what is not as it was recorded: a sentence each.

    Args:
        run: The run's folder.
        datasets: Where prepared datasets are.
        identify: What `custody.sandbox_identity` gives now, of the sandbox of a name.

    Raises:
        AutoModelError: the folder holds no run.
    """
    backend = str(read_manifest(run)["same"]["sandbox"])
    scores = list(_scores(run))
    if not scores:
        raise AutoModelError(f"{run} holds no score: name the folder of a run in which something trained.")
    dataset = find_dataset(datasets, scores[0].custody["dataset"])
    problems = altered(dataset) if dataset else [f"the dataset is not in {datasets}, or its dataset.json was altered"]
    sound = None if problems else dataset
    for scored in scores:
        problems += [f"{scored.what}: {problem}" for problem in _compare(scored, sound)]
    problems += _of_today(scores[-1].custody, identify(backend))
    problems += _best(run, scores)
    problems += _submission(run)
    return len(scores), problems


def find_dataset(datasets: Path, checksum: str) -> Dataset | None:
    """The prepared dataset with this checksum, wherever it lies in the folder."""
    for path in sorted(datasets.glob("*/dataset.json")):
        try:
            dataset = Dataset(path.parent)
        except DatasetError:
            continue
        if dataset.checksum == checksum:
            return dataset
    return None


def need_dataset(datasets: Path, checksum: str) -> Dataset:
    """As `find_dataset`.

    Raises:
        DatasetError: it is not there.
    """
    dataset = find_dataset(datasets, checksum)
    if dataset is None:
        raise DatasetError(f"{datasets} does not hold the dataset of this run: set DATASETS_DIR, or prepare it again.")
    return dataset


def _scores(run: Path) -> Iterator[Scored]:
    iterations: dict[int, dict[str, Any]] = {}
    for event in read_events(run):
        if event["kind"] == "iteration" and event["outcome"].get("custody"):
            iterations[event["number"]] = event
            folder = attempt_folder(run, event["number"], event["attempts"])
            yield Scored(
                what=f"iteration {event['number']}",
                split="validation",
                score=event["outcome"]["score"],
                custody=event["outcome"]["custody"],
                components=folder / "components",
                folder=folder,
                dropped=bool(event["number"]) and not event["kept"],
            )
        elif event["kind"] == "execution" and _alone(event["place"]) and event["outcome"].get("custody"):
            folder = run / event["place"]
            yield Scored(
                what=f"{event['place']}, seed {event['seed']}",
                split="validation",
                score=event["outcome"]["score"],
                custody=event["outcome"]["custody"],
                components=folder / "components",
                folder=folder,
                dropped=not (folder / WEIGHTS).exists(),  # of the winner's, final/ has them, too
            )
        elif event["kind"] == "final":
            of, place = iterations[event["iteration"]], event.get("place", f"final/{event['iteration']:03}")
            seed = f", seed {event['trial']}" if event.get("trial") else ""
            yield Scored(
                what=f"test score of iteration {event['iteration']}{seed}",
                split="test",
                score=event["score"],
                custody=event["custody"],
                components=run / event["components"]
                if "components" in event
                else attempt_folder(run, of["number"], of["attempts"]) / "components",
                folder=run / place,
                dropped=False,
            )


def _alone(place: str) -> bool:
    """Whether what was executed in a folder stands in no iteration: other seeds, and an average that was given out."""
    return "/seed-" in place or place.startswith("average/")


def _compare(scored: Scored, dataset: Dataset | None) -> Iterator[str]:
    recorded = scored.custody
    if _components(scored.components) != recorded["components"]:
        yield f"{scored.components} is not what was scored"
    files = [LOGITS] if scored.dropped else [LOGITS, WEIGHTS]
    for name, key in zip(files, ("logits", "weights"), strict=False):
        if _file(scored.folder / name) != recorded[key]:
            yield f"{scored.folder / name} is not what was scored"
    if dataset and (problem := _score(scored, dataset)):
        yield problem


def _score(scored: Scored, dataset: Dataset) -> str:
    labels, classes = dataset.hidden_labels(scored.split), len(dataset.facts.classes)
    try:
        logits = read_logits(scored.folder / LOGITS, len(labels), classes)
    except InvalidLogitsError as error:
        return str(error)
    recorded, found = scored.score["accuracy"], asdict(score(logits, labels))["accuracy"]
    return "" if found == recorded else f"the accuracy is {found:.4f}, and {recorded:.4f} was recorded"


def altered(dataset: Dataset) -> list[str]:
    """What is no longer as it was prepared: a sentence for each file."""
    recorded = dataset.facts.checksums.items()
    return [
        f"{dataset.folder / name} was altered"
        for name, checksum in recorded
        if _file(dataset.folder / name) != checksum
    ]


def _of_today(recorded: dict[str, str], sandbox: str) -> Iterator[str]:
    if harness_checksum() != recorded["harness"]:
        yield "the harness is another one than it was: check out the commit that run.json names"
    if sandbox != recorded["sandbox"]:
        yield f"the sandbox is another one than it was: {sandbox} now, {recorded['sandbox']} then"


def _best(run: Path, scores: list[Scored]) -> Iterator[str]:
    """best/ has to be what the winner was."""
    best = run / "best"
    known = [(scored.custody["components"], scored.custody["weights"]) for scored in scores]
    if best.exists() and (_components(best / "components"), _file(best / WEIGHTS)) not in known:
        yield f"{best} is no pipeline that was scored"


def _submission(run: Path) -> Iterator[str]:
    """What was written last of images without labels has to be there still."""
    written = [event["custody"] for event in read_events(run) if event["kind"] == "submission"]
    files = {"submission": run / SUBMISSION, "logits": run / "final" / "unlabelled" / LOGITS}
    for name, path in files.items() if written else ():
        if _file(path) != written[-1][name]:
            yield f"{path} is not what was written"


def _components(folder: Path) -> str:
    try:
        return read_components(folder).checksum
    except (OSError, ValueError):
        return ""


def _file(path: Path) -> str:
    try:
        return file_checksum(path)
    except OSError:
        return ""
