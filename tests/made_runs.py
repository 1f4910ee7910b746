"""Folders of runs for the page, written by what writes those of real ones, as long and as hostile as one may get."""

from __future__ import annotations

import io
import json
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from harness.report import Crash, Report
from orchestrator.chat import Message, Reply, Request, Usage
from orchestrator.components import Pipeline
from orchestrator.dataset import Dataset
from orchestrator.journal import Journal, attempt_folder
from orchestrator.ledger import Cap, Ledger, bill_facts
from orchestrator.mistakes import MISTAKES
from orchestrator.outcome import Crashed, Trained
from orchestrator.prices import Price
from orchestrator.replay import FORMAT
from orchestrator.run_folder import write_json
from orchestrator.scoring import reliability, score
from orchestrator.summary import Final, Finish, write_summary
from orchestrator.team import Iteration, Proposal, Repair
from tests.fakes import make_facts, noise

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from orchestrator.scoring import Score

HOSTILE = "<script>alert(1)</script>"
BIDI = "a\N{RIGHT-TO-LEFT OVERRIDE}b\N{LEFT-TO-RIGHT ISOLATE}c"
CLASSES = (HOSTILE, "dog & cat", "</script></style>", "'\"><img src=x onerror=alert(2)>", BIDI)
IMAGES = 400


@dataclass(frozen=True, kw_only=True)
class Made:
    """A run, and where its dataset is."""

    run: Path
    datasets: Path


def make_run(
    home: Path,
    *,
    turns: int = 4,
    classes: Sequence[str] = CLASSES,
    finished: bool = True,
    words: str = HOSTILE,
    repeat: int = 1,
    pictures: bool = True,
) -> Made:
    """A run with a crash at every third iteration. `words`: everybody's, so many times over where texts are long."""
    run, datasets = home / "runs" / "made-20260101-120000", home / "datasets"
    run.mkdir(parents=True)
    dataset = _dataset(datasets / "made", classes, pictures=pictures)
    write_json(run / "run.json", _manifest(dataset))
    history = [_iteration(number, words, repeat, dataset) for number in range(turns)]
    with closing(Journal(run)) as journal:
        journal.record("begin", format=FORMAT, spent=0.0, weak=[])
        for iteration in history:
            for attempt in range(1, iteration.attempts + 1):
                place = attempt_folder(run, iteration.number, attempt).relative_to(run)
                outcome = iteration.outcome if attempt == iteration.attempts else _crashed(words, repeat)
                journal.record_execution(str(place), "0", 0, outcome)
            journal.record_turn([iteration])
    ledger = Ledger(run, {"model": Price(1.0, 2.0, 0.1, 1.0)}, Cap())
    for number in range(turns):
        for agent in ("analyst", "train_engineer", HOSTILE[:30]):
            ledger.record(*_exchange(agent, number, words * repeat))
    if finished:
        _finish(run, history, dataset, ledger, pictures=pictures)
    return Made(run=run, datasets=datasets)


def _finish(run: Path, history: list[Iteration], dataset: Dataset, ledger: Ledger, *, pictures: bool) -> None:
    labels = dataset.hidden_labels("test")
    final, draft = (
        Final(
            iteration=each,
            validation=each.trials[0].score,
            test=score(_logits(dataset, "test", each.number), labels),
            custody={},
        )
        for each in ([each for each in history if each.kept][-1], history[0])
    )
    write_summary(
        run,
        ended="20 iterations are done",
        history=history,
        finish=Finish(final=final, draft=draft, seeds=(final,)),
        seed=0,
        finals=[{"iteration": 0, "change": history[0].proposal.change, "seeds": [0, 1], "validation": [0.5, 0.625]}],
        reliability=reliability(_logits(dataset, "test", final.iteration.number), labels),
        classes=dataset.facts.classes,
        dataset_notes=[],
        majority=0.25,
        seconds=4000.0,
        tokens=ledger.total().tokens,
        usd=ledger.total().usd,
        bill=bill_facts(ledger),
    )
    if pictures:
        (run / MISTAKES).mkdir()
        names = dataset.facts.classes
        listed = [{"index": each, "truth": names[0], "said": names[1], "confidence": 0.9} for each in range(24)]
        write_json(run / MISTAKES / f"{MISTAKES}.json", {"columns": 6, "mistakes": listed})
        (run / MISTAKES / "sheet.png").write_bytes(picture(700, 588))


def picture(width: int, height: int) -> bytes:
    """A PNG of noise, which cannot be packed."""
    drawn = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels[::4] = 255  # the captions' part is white
    Image.fromarray(pixels).save(drawn, "png")
    return drawn.getvalue()


def _dataset(folder: Path, classes: Sequence[str], *, pictures: bool) -> Dataset:
    images = max(IMAGES, 3 * len(classes))
    labels = {name: np.arange(images) % len(classes) for name in ("train", "validation", "test")}
    for name, values in labels.items():
        hidden = folder / ("train/labels.npy" if name == "train" else f"hidden/{name}.npy")
        for path in (folder / name, hidden.parent):
            path.mkdir(parents=True, exist_ok=True)
        np.save(folder / name / "images.npy", noise(len(values)))
        np.save(hidden, values)
    make_facts(folder, classes=classes, size=4, labels=labels)
    if pictures:
        (folder / "sheet.png").write_bytes(picture(700, 640))
    return Dataset(folder)


def _manifest(dataset: Dataset) -> dict[str, Any]:
    return {
        "same": {"dataset": dataset.checksum, "team": "scripted", "sandbox": "scripted", "settings": {}},
        "settings": {"dataset": "a folder/of photos", "runs_dir": "runs", "run_iterations": 20, "run_seed": 0},
        "weak": [],
        "versions": {
            "automodel": "0.1.0",
            "python": "3.11.7",
            "machine": "Linux",
            "commit": "c" * 40,
            "sandbox": {"image_id": "sha256:" + "d" * 64},
        },
        "hardware": {"cpu": "a processor", "cores": 2.0, "gpu": False},
    }


def _logits(dataset: Dataset, split: str, number: int) -> NDArray[np.float32]:
    """Right about more of the images, the later the iteration."""
    labels = np.load(dataset.folder / "hidden" / f"{split}.npy")
    chance, classes = np.random.default_rng(number), len(dataset.facts.classes)
    said = np.where(chance.random(len(labels)) < 0.6 + 0.3 * number / (number + 3), labels, (labels + 1) % classes)
    logits: NDArray[np.float32] = np.eye(classes, dtype="<f4")[said] * chance.uniform(1, 5, (len(labels), 1))
    return logits.astype("<f4")


def _iteration(number: int, words: str, repeat: int, dataset: Dataset) -> Iteration:
    crashes = number % 3 == 2
    code = "\n".join(f"rate_{line} = {line + number * (line % 7 == 0)}  # {words[:60]}" for line in range(40 * repeat))
    outcome = (
        _crashed(words, repeat)
        if crashes
        else _trained(score(_logits(dataset, "validation", number), dataset.hidden_labels("validation")), number)
    )
    repairs = tuple(
        Repair(error=f"ValueError: {words}", component="train", fix=f"@@ -1 +1 @@\n-old {words}\n+new", worked=last)
        for last in (False, True)[: 1 if crashes else 2]
    )
    return Iteration(
        number=number,
        proposal=Proposal(
            pipeline=Pipeline(data=f"# {words}\n", model="import torch\n", train=code),
            component="train" if number else None,
            change=f"train: idea {number} {words}",
            reason=f"Because. {words}",
            notes=words * repeat,
        ),
        outcome=outcome,
        attempts=len(repairs) + 1,
        kept=not crashes and number % 2 == 0,
        repairs=repairs,
        turn=number,
        verdict=f"12 images right that were wrong, 3 the other way: p = 0.02. {words}",
    )


def _trained(judged: Score, number: int) -> Trained:
    points = [(epoch, 1 - 0.9 ** (epoch + number)) for epoch in range(1, 400)]
    curve = tuple({"epoch": float(epoch), "loss": 2 - 2 * up, "tuning_accuracy": up} for epoch, up in points)
    return Trained(score=judged, report=Report(curve=curve, parameters=270_000, warnings=(HOSTILE,)), seconds=60.0)


def _crashed(words: str, repeat: int) -> Crashed:
    trace = "\n".join(f'  File "/job/components/train.py", line {line}, in {words}' for line in range(20 * repeat))
    crash = Crash(phase="fit", step="train", culprit="train", error=f"ValueError: {words}", traceback=trace[: 32 << 10])
    return Crashed(crash=crash, log=trace, seconds=3.0)


def _exchange(agent: str, number: int, words: str) -> tuple[Request, Reply]:
    request = Request(
        agent=agent,
        iteration=number,
        system="You are an agent.",
        messages=(Message(role="user", text=f"What next? {words}"),),
        output_tokens=1000,
    )
    usage = Usage(tokens_in=1200, tokens_out=300)
    return request, Reply(text=f"Raise it. {words}", usage=usage, seconds=2.0, model="model", cut_off=False)


def damage(path: Path, **changes: Any) -> None:
    """Put other values into a JSON file."""
    write_json(path, json.loads(path.read_text()) | changes)
