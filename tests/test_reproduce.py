"""What a run gave out is made again, to the last bit on one machine; what differs is named, and refused."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.report import Report
from orchestrator.endings import Endings
from orchestrator.errors import AutoModelError
from orchestrator.finals import Winner
from orchestrator.recorded import read_recorded, require_same
from orchestrator.reproduce import reproduce
from orchestrator.run_folder import write_json
from orchestrator.selection import Rule
from orchestrator.summary import score_finals
from sandbox.base import Verdict
from tests.endings import make_shades, make_weights, open_over
from tests.fakes import LABELS, ScriptedJob, ScriptedSandbox, make_dataset, make_pipeline
from tests.test_average import PLAIN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from orchestrator.endings import Ending
    from orchestrator.reproduce import Reproduction
    from orchestrator.scoring import Score
    from sandbox.base import Sandbox
    from tests.endings import Over

MODEL = make_pipeline().with_component("model", "def build_model(task):\n    return task\n")
MIDDLING = [0, 1, 2, 1]
TEST = LABELS["test"]


def finish(over: Over, *, average: bool = False, refit: bool = False) -> None:
    """The end of a run, up to its summary."""
    winner = Winner(iteration=over.history[-1])
    final = score_finals(over.journal, over.history, winner, over.executor, "because").final
    endings = Endings(over.executions, winner, over.executor, over.told.append)
    ending: Ending | None = endings.average(over.history, Rule(level=1.0)) if average else None
    ending = endings.refit() if refit else ending
    assert ending or not (average or refit), over.told
    facts = {"kind": ending.kind, "validation": ending.validation and short(ending.validation)} if ending else None
    test = ending.test if ending else final.test
    write_json(
        over.folder / "summary.json", {"validation": short(final.validation), "test": short(test), "ending": facts}
    )
    manifest = json.loads((over.folder / "run.json").read_text())
    more = {"preparation": {"max_side": 512, "ceiling": 255.0}, "versions": {"commit": "abc"}}
    write_json(over.folder / "run.json", manifest | more)


def short(score: Score) -> dict[str, Any]:
    return {name: value for name, value in asdict(score).items() if name in ("accuracy", "interval", "images")}


def once_more(over: Over, sandbox: Sandbox) -> Reproduction:
    over.executor.jobs.sandbox = sandbox
    result = reproduce(read_recorded(over.folder), over.dataset, over.executor.jobs, over.told.append)
    kept = json.loads((over.folder / "reproduction.json").read_text())
    assert (kept["reproduced"], kept["sentence"]) == (result.reproduced, result.sentence)
    assert not (over.folder / "reproduction").exists()
    return result


def fits(*weights: bytes) -> list[ScriptedJob]:
    return [ScriptedJob({"weights.safetensors": each}) for each in weights]


def predicts(*answers: Sequence[int]) -> list[ScriptedJob]:
    return [ScriptedJob(answers=each) for each in answers]


def plain_run(folder: Path) -> Over:
    sandbox = ScriptedSandbox({"fit": fits(make_weights(1, 2)), "predict": predicts(MIDDLING, TEST)})
    with open_over(folder, sandbox, make_dataset(folder / "datasets" / "noise", real=True)) as over:
        over.train(MODEL)
        finish(over)
        return over


def test_equal_logits_are_told(tmp_path: Path) -> None:
    over = plain_run(tmp_path)
    again = ScriptedSandbox({"fit": fits(make_weights(1, 2)), "predict": predicts(MIDDLING, TEST)})

    result = once_more(over, again)

    assert result.reproduced
    assert result.sentence == (
        "Reproduced: validation 0.7500 lies inside 0.3006 to 0.9544 (it was 0.7500), test 1.0000 lies inside 0.5655 to "
        "1.0000 (it was 1.0000); the logits are identical, bit for bit."
    )
    told = [json.loads(files["task.json"]) for files in again.inputs]
    assert [(task["seed"], task["seconds"]) for task in told] == [(0, 30)] * 3


def test_an_accuracy_outside_of_the_interval_is_not_reproduced(tmp_path: Path) -> None:
    over = plain_run(tmp_path)
    again = ScriptedSandbox({"fit": fits(make_weights(1, 3)), "predict": predicts(MIDDLING, [0, 0, 1, 2, 1])})

    result = once_more(over, again)

    assert not result.reproduced
    assert result.sentence.startswith("Not reproduced: validation 0.7500 lies inside")
    assert "test 0.0000 lies outside 0.5655 to 1.0000" in result.sentence
    assert "the logits are not identical (the processor was one that was not recorded and is" in result.sentence


def test_a_training_that_followed_its_clock_is_told(tmp_path: Path) -> None:
    over = plain_run(tmp_path)
    late = ScriptedJob(
        {"weights.safetensors": make_weights(1, 3), "report.json": Report(seconds={"train": 29.0}).dump()}
    )

    result = once_more(over, ScriptedSandbox({"fit": [late], "predict": predicts([0, 1, 2, 0], TEST)}))

    assert result.reproduced is False  # four images are not many: 1.0 lies outside of the interval of 0.75
    assert "the training followed its clock" in result.sentence


def test_a_crash_is_not_reproduced(tmp_path: Path) -> None:
    over = plain_run(tmp_path)

    result = once_more(over, ScriptedSandbox({"fit": [ScriptedJob(verdict=Verdict.OUT_OF_MEMORY)]}))

    assert not result.reproduced
    assert result.sentence.startswith("Not reproduced: it crashed (It ran out of memory")


def test_what_differs_is_refused_by_name(tmp_path: Path) -> None:
    over = plain_run(tmp_path)
    recorded, here = read_recorded(over.folder), {"engine": "a script"}
    require_same(recorded, over.dataset, here, tmp_path)

    with pytest.raises(AutoModelError, match="the sandbox is another one than it was: engine x now, engine a script"):
        require_same(recorded, over.dataset, {"engine": "x"}, tmp_path)
    older = replace(recorded, custody={**recorded.custody, "harness": "0"})
    with pytest.raises(AutoModelError, match=r"the harness is another one than it was \(check out abc\)"):
        require_same(older, over.dataset, here, tmp_path)
    (over.dataset.folder / "test" / "images.npy").write_bytes(b"")
    with pytest.raises(AutoModelError, match=r"cannot be reproduced here: .*images\.npy was altered"):
        require_same(recorded, over.dataset, here, tmp_path)


def test_pretrained_weights_that_are_gone_or_others_are_refused(tmp_path: Path) -> None:
    over = plain_run(tmp_path)
    recorded, name = read_recorded(over.folder), "resnet18.a1_in1k"
    model = f"import timm\n\n\ndef build_model(task):\n    return timm.create_model({name!r}, pretrained=True)\n"
    tuned = replace(
        recorded.model,
        pipeline=MODEL.with_component("model", model),
        task=replace(recorded.model.task, weights=(name,)),
    )

    with pytest.raises(AutoModelError, match=f"the pretrained weights of {name} are not here"):
        require_same(replace(recorded, model=tuned), over.dataset, {"engine": "a script"}, tmp_path)


def test_a_run_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    over = plain_run(tmp_path)
    path = over.folder / "best" / "weights.safetensors"
    path.unlink()
    path.write_bytes(b"other")

    with pytest.raises(AutoModelError, match="is not what the journal and the summary of the run speak of"):
        read_recorded(over.folder)


def test_an_average_is_made_again_from_its_members(tmp_path: Path) -> None:
    weights = make_weights(1, 2), make_weights(3, 6)
    answers = MIDDLING, MIDDLING, TEST, TEST, MIDDLING, MIDDLING, TEST
    sandbox = ScriptedSandbox({"fit": fits(*weights), "predict": predicts(*answers)})
    with open_over(tmp_path, sandbox, make_dataset(tmp_path / "datasets" / "noise", real=True)) as over:
        over.train(MODEL, seeds=2)
        finish(over, average=True)
    again = ScriptedSandbox({"fit": fits(*weights), "predict": predicts(MIDDLING, MIDDLING, MIDDLING, TEST)})

    result = once_more(over, again)

    assert result.sentence.endswith("the logits are identical, bit for bit.")
    assert [each.split for each in result.compared] == ["validation", "test"]
    trained = [json.loads(files["task.json"])["seed"] for files in again.inputs if "components/train.py" in files]
    assert trained == [0, 1]


@pytest.mark.torch
@pytest.mark.bubblewrap
def test_a_refit_is_made_again_to_the_last_bit(tmp_path: Path, bubblewrap: Any) -> None:
    pytest.importorskip("torch")
    with open_over(tmp_path, bubblewrap, make_shades(tmp_path / "datasets" / "shades")) as over:
        over.train(PLAIN)
        finish(over, refit=True)

        result = once_more(over, bubblewrap)

    assert [(each.split, each.inside, each.same) for each in result.compared] == [("test", True, True)]
