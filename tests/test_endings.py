"""What may be given out in place of the winner: an average that beats it, or a refit that is no wreck; each once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from orchestrator.endings import Endings
from orchestrator.finals import Winner
from orchestrator.refit import learning_all, merged
from orchestrator.run_folder import restore
from orchestrator.selection import Rule
from orchestrator.tensor_file import read_header
from orchestrator.verify import verify
from sandbox.base import Verdict
from tests.endings import make_shades, make_weights, open_over
from tests.fakes import LABELS, ScriptedJob, ScriptedSandbox, make_dataset, make_pipeline
from tests.test_average import PLAIN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestrator.components import Pipeline
    from orchestrator.endings import Ending
    from sandbox.bubblewrap import BubblewrapSandbox
    from tests.endings import Over

MODEL = make_pipeline().with_component("model", "def build_model(task):\n    return task\n")
ANY_GAIN = Rule(protocol="paper")
MIDDLING = [0, 1, 2, 1]


def endings(over: Over) -> Endings:
    return Endings(over.executions, Winner(iteration=over.history[-1]), over.executor, over.told.append)


def scripted(*answers: Sequence[int], weights: Sequence[bytes] = ()) -> ScriptedSandbox:
    """Two trainings of one network, then what is predicted after them."""
    trained = weights or [make_weights(1, 2, steps=5), make_weights(3, 6, steps=9)]
    return ScriptedSandbox(
        {
            "fit": [ScriptedJob({"weights.safetensors": each}) for each in trained],
            "predict": [ScriptedJob(answers=each) for each in (MIDDLING, MIDDLING, *answers)],
        }
    )


def average(folder: Path, sandbox: ScriptedSandbox, other: Pipeline = MODEL) -> tuple[Over, Ending | None]:
    with open_over(folder, sandbox, make_dataset(folder / "datasets" / "noise", real=True)) as over:
        over.train(other, kept=False)
        over.train(MODEL)
        return over, endings(over).average(over.history, ANY_GAIN)


def test_averaged_weights_that_win_are_given_out(tmp_path: Path) -> None:
    over, ending = average(tmp_path, scripted(LABELS["validation"], LABELS["validation"], LABELS["test"]))

    assert ending
    assert (ending.validation and ending.validation.accuracy, ending.test.accuracy) == (1.0, 1.0)
    assert ending.sentence.startswith("An average: the mean of 2 networks' weights")
    best = (over.folder / "best" / "weights.safetensors").read_bytes()
    assert best[-16:] == make_weights(2, 4, steps=9)[-16:]  # what counts is the winner's
    where = json.loads((over.folder / "best" / "iteration.json").read_text())
    assert where["members"] == ["iterations/001/attempt-1", "iterations/000/attempt-1"]


def test_averaged_logits_have_to_beat_averaged_weights(tmp_path: Path) -> None:
    over, ending = average(tmp_path, scripted(MIDDLING, LABELS["validation"], LABELS["test"]))

    assert ending
    assert "AutomodelAverage" in (over.folder / "best" / "components" / "model.py").read_text()
    assert set(read_header(over.folder / "best" / "weights.safetensors").tensors) == {
        f"members.{index}.{name}" for index in (0, 1) for name in "wn"
    }
    assert not (over.folder / "average" / "weights" / "weights.safetensors").exists()


def test_averages_that_do_not_win_leave_the_winner(tmp_path: Path) -> None:
    over, ending = average(tmp_path, scripted(MIDDLING, MIDDLING))

    assert ending is None
    assert "made" not in json.loads((over.folder / "best" / "iteration.json").read_text())


def test_weights_that_do_not_fit_are_averaged_as_logits(tmp_path: Path) -> None:
    misfits = [make_weights(1, 2), make_weights(1, 2, 3)]

    over, ending = average(tmp_path, scripted(LABELS["validation"], LABELS["test"], weights=misfits))

    assert ending
    assert "logits" in ending.sentence
    assert any("does not fit" in line and "see the tensor w" in line for line in over.told)


def test_where_nothing_shares_the_network_nothing_is_averaged(tmp_path: Path) -> None:
    over, ending = average(tmp_path, scripted(), make_pipeline("another data.py").with_component("model", MODEL.model))

    assert ending is None
    assert "no other network" in over.told[-1]


def test_an_average_that_was_interrupted_at_its_very_end_ends_the_same(tmp_path: Path) -> None:
    over, ending = average(tmp_path, scripted(MIDDLING, LABELS["validation"], LABELS["test"]))
    before = (over.folder / "journal.jsonl").read_text()

    again = ScriptedSandbox({"predict": [ScriptedJob(answers=MIDDLING), ScriptedJob(answers=LABELS["validation"])]})
    with open_over(tmp_path, again, over.dataset) as other:
        other.history = other.journal.history()
        restore(other.folder, other.history, other.journal.places())
        once_more = endings(other).average(other.history, ANY_GAIN)

    assert once_more == ending
    assert (over.folder / "journal.jsonl").read_text() == before


REFITTED = ScriptedJob({"weights.safetensors": make_weights(7, 7)})


def refit(folder: Path, fit: ScriptedJob, *answers: Sequence[int]) -> tuple[Over, ScriptedSandbox, Ending | None]:
    sandbox = ScriptedSandbox(
        {
            "fit": [ScriptedJob({"weights.safetensors": make_weights(1, 2)}), fit],
            "predict": [ScriptedJob(answers=each) for each in (MIDDLING, *answers)],
        }
    )
    with open_over(folder, sandbox, make_dataset(folder / "datasets" / "noise", real=True)) as over:
        over.train(MODEL)
        return over, sandbox, endings(over).refit()


def test_a_refit_learns_all_but_the_test_images_and_is_given_out(tmp_path: Path) -> None:
    seen: dict[str, np.ndarray] = {}

    def look(train: Path) -> None:
        seen.update({name: np.load(train / f"{name}.npy") for name in ("images", "labels")})

    fit = ScriptedJob(REFITTED.files, fill=look)
    over, sandbox, ending = refit(tmp_path, fit, LABELS["validation"], LABELS["test"])

    assert ending
    assert (ending.validation, ending.test.accuracy) == (None, 1.0)
    assert "all 34 images that are not test images. It has no validation number" in ending.sentence
    assert seen["labels"].tolist() == LABELS["train"] + LABELS["validation"]
    assert len(seen["images"]) == 34
    told = [json.loads(files["task.json"]) for files in sandbox.inputs[-3:]]
    assert [(task["hold_out"], task["train_size"], task["class_counts"]) for task in told] == [
        (False, 34, [12, 11, 11])
    ] * 3
    assert (over.folder / "best" / "weights.safetensors").read_bytes() == make_weights(7, 7)
    assert not (over.folder / "refit-images").exists()


@pytest.mark.parametrize(
    ("fit", "answers", "says"),
    [
        (ScriptedJob(verdict=Verdict.OUT_OF_MEMORY), [], "The refit crashed (It ran out of memory"),
        (REFITTED, [[1, 2, 0, 1]], "gets 0.0000 right of validation images that it has learnt"),
    ],
)
def test_a_refit_that_is_a_wreck_leaves_the_winner(
    tmp_path: Path, fit: ScriptedJob, answers: list[list[int]], says: str
) -> None:
    over, _, ending = refit(tmp_path, fit, *answers)

    assert ending is None
    assert says in over.told[-1]
    assert over.told[-1].endswith("the winner stays as it was trained.")
    assert (over.folder / "best" / "weights.safetensors").read_bytes() == make_weights(1, 2)


def test_a_refit_is_trained_and_tested_once_however_often_it_is_interrupted(tmp_path: Path) -> None:
    over, _, ending = refit(tmp_path, REFITTED, LABELS["validation"], LABELS["test"])
    before = (over.folder / "journal.jsonl").read_text()

    with open_over(tmp_path, ScriptedSandbox({}), over.dataset) as other:
        other.history = other.journal.history()
        restore(other.folder, other.history, other.journal.places())
        once_more = endings(other).refit()

    assert once_more == ending
    assert (over.folder / "journal.jsonl").read_text() == before
    assert (over.folder / "best" / "weights.safetensors").read_bytes() == make_weights(7, 7)


def test_encoded_images_are_merged_end_to_end(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset")
    for name in ("train", "validation"):
        files = [f"{name}{index}".encode() * (index + 1) for index in range(len(LABELS[name]))]
        (dataset.folder / name / "images.npy").unlink()
        (dataset.folder / name / "images.bin").write_bytes(b"".join(files))
        np.save(dataset.folder / name / "offsets.npy", np.cumsum([0, *map(len, files)]))

    with merged(dataset, tmp_path / "merged") as folder:
        offsets, images = np.load(folder / "offsets.npy"), (folder / "images.bin").read_bytes()
        assert len(offsets) == 35
        assert images[offsets[29] : offsets[30]] == b"train29" * 30
        assert images[offsets[30] : offsets[31]] == b"validation0"
        assert len(images) == offsets[-1]
    assert not folder.exists()


@pytest.mark.torch
@pytest.mark.bubblewrap
@pytest.mark.long
def test_the_harness_predicts_with_all_of_them_and_verify_knows_them(
    tmp_path: Path, bubblewrap: BubblewrapSandbox
) -> None:
    pytest.importorskip("torch")
    with open_over(tmp_path, bubblewrap, make_shades(tmp_path / "datasets" / "shades")) as over:
        over.train(PLAIN, seeds=2)
        averaged = endings(over).average(over.history, Rule(level=1.0))  # both forms come to stand, one after the other
        assert averaged, over.told
        assert "logits" in averaged.sentence
        refitted = endings(over).refit()
        task = learning_all(over.executor.task, over.dataset)

    assert refitted, over.told
    assert min(averaged.test.accuracy, refitted.test.accuracy) > 0.5
    assert (task.train_size, task.class_counts) == (150, (50, 50, 50))
    identity = over.journal.events[-1]["custody"]["sandbox"]
    assert verify(over.folder, tmp_path / "datasets", lambda _: identity) == (5, [])
