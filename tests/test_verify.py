"""One flipped byte in anything that a score was made from is found and named."""

from __future__ import annotations

import io
import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from orchestrator.blinding import Blinding
from orchestrator.compute import Compute
from orchestrator.custody import harness_checksum
from orchestrator.errors import AutoModelError
from orchestrator.execute import Executor
from orchestrator.finals import Winner
from orchestrator.job_files import WEIGHTS
from orchestrator.jobs import Jobs
from orchestrator.journal import Journal, attempt_folder
from orchestrator.log import open_log
from orchestrator.outcome import Trained
from orchestrator.run_folder import keep_best, write_json
from orchestrator.submission import submit
from orchestrator.summary import score_finals
from orchestrator.team import Iteration
from orchestrator.verify import verify
from tests.fakes import CLASSES, LABELS, ScriptedJob, ScriptedSandbox, make_dataset, make_proposal

if TYPE_CHECKING:
    from pathlib import Path

SANDBOX = "engine a script"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A run of a draft, and its dataset: `run`, `datasets/noise`."""
    wanted = {"columns": ["id", "label"], "labels": CLASSES, "notes": [], "rows": [["b"], ["a"]]}
    dataset = make_dataset(tmp_path / "datasets" / "noise", real=True, submission=wanted)
    run = tmp_path / "run"
    run.mkdir()
    blinding = Blinding(dataset, run)
    jobs = Jobs(
        sandbox=ScriptedSandbox(
            {
                "fit": [ScriptedJob({"weights.safetensors": b"weights"})],
                "predict": [
                    ScriptedJob(answers=[0, 1, 2, 1]),
                    ScriptedJob(answers=LABELS["test"]),
                    ScriptedJob(answers=[2, 1]),
                ],
            }
        ),
        compute=Compute(cpus=2, memory=1 << 30, output=1 << 20, gpu=False),
        weights=None,
        folder=run / "jobs",
        on_event=lambda _: None,
        log=open_log(io.StringIO()),
    )
    executor = Executor(jobs, blinding, dataset.task(device="cpu", seed=0, seconds=60, weights=()))
    write_json(run / "run.json", {"same": {"sandbox": "scripted"}})
    with closing(Journal(run)) as journal, closing(executor):
        proposal = make_proposal("a")
        outcome = executor.execute(proposal.pipeline, attempt_folder(run, 0, 1))
        iteration = Iteration(number=0, proposal=proposal, outcome=outcome, attempts=1, kept=True)
        keep_best(run, iteration)
        journal.record_turn([iteration])
        score_finals(journal, [iteration], Winner(iteration=iteration), executor, "because")
        submission = submit(run, proposal.pipeline, run / "best" / WEIGHTS, executor)
        assert submission is not None
        journal.record("submission", iteration=0, custody=submission.custody)
    assert isinstance(outcome, Trained)
    return tmp_path


def problems(home: Path, sandbox: str = SANDBOX) -> list[str]:
    scores, found = verify(home / "run", home / "datasets", lambda _: sandbox)
    assert scores == 2
    return found


def test_a_run_that_nobody_touched_has_no_problem(home: Path) -> None:
    assert problems(home) == []


@pytest.mark.parametrize(
    "path",
    [
        "run/iterations/000/attempt-1/components/model.py",
        "run/iterations/000/attempt-1/weights.safetensors",
        "run/iterations/000/attempt-1/logits.f32",
        "run/final/000-0/logits.f32",
        "run/final/unlabelled/logits.f32",
        "run/submission.csv",
        "run/best/components/train.py",
        "datasets/noise/hidden/validation.npy",
        "datasets/noise/hidden/test.npy",
        "datasets/noise/train/images.npy",
    ],
)
def test_one_flipped_byte_is_found(home: Path, path: str) -> None:
    file = home / path
    file.chmod(0o644)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)

    found = problems(home)

    assert found
    assert any(str(file if "components" not in path else file.parent) in problem for problem in found) or "best" in path


def test_a_score_that_was_written_into_the_journal_is_found(home: Path) -> None:
    journal = home / "run" / "journal.jsonl"
    journal.write_text(journal.read_text().replace('"accuracy": 0.75', '"accuracy": 0.85'))

    assert problems(home) == ["iteration 0: the accuracy is 0.7500, and 0.8500 was recorded"]


def test_an_altered_dataset_json_is_no_dataset_of_this_run(home: Path) -> None:
    facts = home / "datasets" / "noise" / "dataset.json"
    raw = json.loads(facts.read_text())
    raw["checksums"]["hidden/test.npy"] = "0" * 64
    facts.write_text(json.dumps(raw))

    assert "was altered" in problems(home)[0]


def test_another_harness_and_another_sandbox_are_told(home: Path) -> None:
    journal = home / "run" / "journal.jsonl"
    journal.write_text(journal.read_text().replace(harness_checksum(), "0" * 64))

    harness, sandbox = problems(home, "image 2")

    assert "the harness is another one" in harness
    assert "image 2 now, engine a script then" in sandbox


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AutoModelError, match="is no run"):
        verify(tmp_path, tmp_path, str)
