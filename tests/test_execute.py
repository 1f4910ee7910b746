"""Two jobs make an attempt; whatever a job leaves, the outcome is a score made here or a crash with its reason."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from harness.report import Crash, Report
from orchestrator.blinding import Blinding
from orchestrator.compute import Compute
from orchestrator.execute import Executor, Terms
from orchestrator.jobs import Jobs
from orchestrator.log import open_log
from orchestrator.outcome import Crashed, Trained
from sandbox.base import SandboxError, Verdict
from tests.fakes import LABELS, ScriptedJob, ScriptedSandbox, make_dataset, make_pipeline, perfect_logits

if TYPE_CHECKING:
    from pathlib import Path

REPORT = Report(parameters=7, curve=({"epoch": 1.0},)).dump()
FITTED = ScriptedJob({"weights.safetensors": b"w", "report.json": REPORT})
CRASH = Crash(phase="check", step="import data", culprit="data", error="NameError: x")


def make_executor(
    folder: Path,
    fit: list[ScriptedJob],
    predict: list[ScriptedJob],
    *,
    weights: Path | None = None,
    seconds: float = 60,
) -> tuple[Executor, ScriptedSandbox]:
    sandbox = ScriptedSandbox({"fit": fit, "predict": predict})
    dataset = make_dataset(folder / "dataset")
    blinding = Blinding(dataset, folder)
    jobs = Jobs(
        sandbox=sandbox,
        compute=Compute(cpus=2, memory=1 << 30, output=1 << 20, gpu=False),
        weights=weights,
        folder=folder / "jobs",
        on_event=lambda _: None,
        log=open_log(io.StringIO()),
        bait=blinding.decoys(),
    )
    return Executor(jobs, blinding, dataset.task(device="cpu", seed=0, seconds=seconds, weights=())), sandbox


def test_logits_of_the_validation_images_are_scored_here(tmp_path: Path) -> None:
    executor, _ = make_executor(tmp_path, [FITTED], [ScriptedJob({"report.json": REPORT}, answers=[0, 1, 2, 1])])

    outcome = executor.execute(make_pipeline(), tmp_path / "attempt")

    assert isinstance(outcome, Trained)
    assert outcome.score.accuracy == 0.75
    assert outcome.report.parameters == 7
    assert outcome.seconds == 2.0


def test_an_attempt_leaves_its_files_and_no_job(tmp_path: Path) -> None:
    done = ScriptedJob({"report.json": REPORT}, answers=LABELS["validation"], log="hello")
    executor, sandbox = make_executor(tmp_path, [FITTED], [done])

    executor.execute(make_pipeline(), tmp_path / "attempt")
    executor.close()

    names = {path.name for path in (tmp_path / "attempt").iterdir()}
    assert names >= {"components", "task.json", "weights.safetensors", "logits.f32", "fit-report.json", "predict.log"}
    assert sandbox.alive == 0
    assert not (tmp_path / "jobs").exists()


def test_training_sees_no_validation_image_and_prediction_sees_neither_train_py_nor_labels(tmp_path: Path) -> None:
    done = ScriptedJob(answers=LABELS["validation"])
    executor, sandbox = make_executor(tmp_path, [FITTED], [done])

    executor.execute(make_pipeline(), tmp_path / "attempt")

    mounts = {job.name: [mount.target for mount in job.mounts] for job in sandbox.started}
    assert mounts == {"fit": ["/job/train", "/job/hidden"], "predict": ["/job/images", "/job/hidden"]}
    hidden = tmp_path / "dataset" / "hidden"
    assert not any(mount.source in (hidden, *hidden.parents) for job in sandbox.started for mount in job.mounts)
    fit, predict = sandbox.inputs
    assert "components/train.py" in fit
    assert sorted(predict) == ["components/data.py", "components/model.py", "task.json", "weights.safetensors"]


def test_terms_change_seed_and_clock_of_both_jobs_and_training_meets_its_rival(tmp_path: Path) -> None:
    done = [ScriptedJob(answers=LABELS["validation"]) for _ in range(2)]
    executor, sandbox = make_executor(tmp_path, [FITTED, FITTED], done)

    terms = Terms(seed=5, seconds=30, rival=((1.0, 0.5), (40.0, 0.9)), hold_out=False)
    executor.execute(make_pipeline(), tmp_path / "a", terms)
    executor.execute(make_pipeline(), tmp_path / "b")

    tasks = [json.loads(files["task.json"]) for files in sandbox.inputs]
    assert [(task["seed"], task["seconds"]) for task in tasks] == [(5, 30), (5, 30), (0, 60), (0, 60)]
    assert [task.get("rival") for task in tasks] == [[[1.0, 0.5], [40.0, 0.9]], None, None, None]
    assert [task.get("hold_out", True) for task in tasks] == [False, False, True, True]


def test_a_longer_clock_gets_a_container_that_lives_longer(tmp_path: Path) -> None:
    executor, sandbox = make_executor(tmp_path, [FITTED], [ScriptedJob(answers=LABELS["validation"])])
    executor.start_ahead()

    executor.execute(make_pipeline(), tmp_path / "attempt", Terms(seconds=600))

    usual, longer = (job.limits.seconds for job in sandbox.started if job.name == "fit")
    assert longer == usual + 540 * 1.1


def test_pretrained_weights_are_there_for_both_jobs(tmp_path: Path) -> None:
    done = ScriptedJob(answers=LABELS["validation"])
    executor, sandbox = make_executor(tmp_path, [FITTED], [done], weights=tmp_path / "weights")

    executor.execute(make_pipeline(), tmp_path / "attempt")

    assert {job.name for job in sandbox.started} == {"fit", "predict"}
    assert all(job.mounts[1].target == "/job/weights" for job in sandbox.started)


def test_a_container_waits_ahead_and_none_is_used_twice(tmp_path: Path) -> None:
    done = [ScriptedJob(answers=LABELS["validation"]) for _ in range(2)]
    executor, sandbox = make_executor(tmp_path, [FITTED, FITTED], done)

    executor.execute(make_pipeline("a"), tmp_path / "a")
    assert [job.name for job in sandbox.started] == ["fit", "predict", "fit"]
    executor.execute(make_pipeline("b"), tmp_path / "b")

    assert [job.name for job in sandbox.started] == ["fit", "predict", "fit", "predict", "fit"]
    assert len({job.input for job in sandbox.started}) == 5


def test_jobs_that_died_or_gave_up_while_they_waited_are_replaced(tmp_path: Path) -> None:
    done = [ScriptedJob(answers=LABELS["validation"]) for _ in range(2)]
    executor, sandbox = make_executor(tmp_path, [FITTED, FITTED], done)
    executor.start_ahead()
    executor.execute(make_pipeline("a"), tmp_path / "a")
    assert [job.name for job in sandbox.started] == ["fit", "predict", "fit"]

    sandbox.running[2].ended = True

    assert isinstance(executor.execute(make_pipeline("b"), tmp_path / "b"), Trained)
    assert [job.name for job in sandbox.started] == ["fit", "predict", "fit", "fit", "predict", "fit"]
    executor.close()
    assert sandbox.alive == 0


def test_a_job_waits_as_long_as_what_comes_before_it_may_take(tmp_path: Path) -> None:
    done = ScriptedJob(answers=LABELS["validation"])
    executor, sandbox = make_executor(tmp_path, [FITTED], [done], seconds=100 * 3600)

    executor.execute(make_pipeline(), tmp_path / "attempt")

    fit, predict, following = (job.limits for job in sandbox.started)
    assert predict.idle > fit.seconds
    assert following.idle > fit.seconds + predict.seconds + 3600


@pytest.mark.parametrize("refused", [{1}, {2}, {1, 2}])
def test_a_start_ahead_that_fails_costs_no_training(tmp_path: Path, refused: set[int]) -> None:
    done = [ScriptedJob(answers=LABELS["validation"]) for _ in range(2)]
    executor, sandbox = make_executor(tmp_path, [FITTED, FITTED], done)
    sandbox.refuses = refused

    outcomes = [executor.execute(make_pipeline(name), tmp_path / name) for name in ("a", "b")]

    assert all(isinstance(outcome, Trained) for outcome in outcomes)
    assert len(sandbox.inputs) == 4  # no job ran twice


def test_a_start_before_the_team_thinks_may_fail(tmp_path: Path) -> None:
    done = ScriptedJob(answers=LABELS["validation"])
    executor, sandbox = make_executor(tmp_path, [FITTED], [done])
    sandbox.refuses = {0}

    executor.start_ahead()

    assert isinstance(executor.execute(make_pipeline(), tmp_path / "attempt"), Trained)


def test_a_job_whose_sandbox_fails_runs_once_more_in_a_fresh_container(tmp_path: Path) -> None:
    done = ScriptedJob(answers=LABELS["validation"])
    executor, sandbox = make_executor(tmp_path, [ScriptedJob(fails=True), FITTED], [ScriptedJob(fails=True), done])

    outcome = executor.execute(make_pipeline(), tmp_path / "attempt")

    assert isinstance(outcome, Trained)
    ran = [("components/train.py" in files, "weights.safetensors" in files) for files in sandbox.inputs]
    assert ran == [(True, False), (True, False), (False, True), (False, True)]  # what is trained is not trained again
    assert len({job.input for job in sandbox.started}) == len(sandbox.started)


@pytest.mark.parametrize(("fit", "predict"), [([True, True], []), ([False], [True, True])])
def test_a_sandbox_that_fails_twice_is_an_error_and_leaves_no_job(
    tmp_path: Path, fit: list[bool], predict: list[bool]
) -> None:
    scripts = [[ScriptedJob(FITTED.files, fails=fails) for fails in job] for job in (fit, predict)]
    executor, sandbox = make_executor(tmp_path, *scripts)

    with pytest.raises(SandboxError, match="without a last word"):
        executor.execute(make_pipeline(), tmp_path / "attempt")
    executor.close()

    assert sandbox.alive == 0


@pytest.mark.parametrize(
    ("job", "culprit", "says"),
    [
        (ScriptedJob({"report.json": Report(crash=CRASH).dump()}, status=1), "data", "NameError"),
        (ScriptedJob(status=139, log="Segmentation fault"), "train", "Exit status 139"),
        (ScriptedJob({"report.json": b"{" * 9}, status=0), "train", "no weights"),
        (ScriptedJob(verdict=Verdict.DEADLINE), "train", "in time"),
        (ScriptedJob(verdict=Verdict.OUT_OF_MEMORY), "train", "out of memory"),
        (
            ScriptedJob({"report.json": Report(crash=CRASH).dump()}, verdict=Verdict.OUT_OF_MEMORY),
            "data",
            "out of memory",
        ),
        (ScriptedJob({"weights.safetensors": b"w"}, verdict=Verdict.LOG_OVERFLOW), "train", "printed too much"),
    ],
)
def test_a_failed_training_is_a_crash_with_its_reason(
    tmp_path: Path, job: ScriptedJob, culprit: str, says: str
) -> None:
    executor, sandbox = make_executor(tmp_path, [job], [])

    outcome = executor.execute(make_pipeline(), tmp_path / "attempt")

    assert isinstance(outcome, Crashed)
    assert outcome.crash.culprit == culprit
    assert says in outcome.crash.error
    assert [job.name for job in sandbox.started] == ["fit", "predict", "fit"]


def test_weights_saved_before_the_deadline_count(tmp_path: Path) -> None:
    late = ScriptedJob({"weights.safetensors": b"w"}, verdict=Verdict.DEADLINE)
    done = ScriptedJob(answers=LABELS["validation"])
    executor, _ = make_executor(tmp_path, [late], [done])

    assert isinstance(executor.execute(make_pipeline(), tmp_path / "attempt"), Trained)


@pytest.mark.parametrize(
    ("logits", "says"),
    [
        (None, "left no logits"),
        (b"", "0 bytes"),
        (perfect_logits(LABELS["test"]), "60 bytes"),
        (np.full((68, 3), np.nan, dtype="<f4").tobytes(), "finite"),
    ],
)
def test_logits_that_are_none_are_the_models_crash(tmp_path: Path, logits: bytes | None, says: str) -> None:
    executor, _ = make_executor(tmp_path, [FITTED], [ScriptedJob({} if logits is None else {"logits.f32": logits})])

    outcome = executor.execute(make_pipeline(), tmp_path / "attempt")

    assert isinstance(outcome, Crashed)
    assert outcome.crash.culprit == "model"
    assert says in outcome.crash.error


def test_the_test_images_are_scored_with_the_given_weights(tmp_path: Path) -> None:
    done = ScriptedJob(answers=LABELS["test"])
    executor, sandbox = make_executor(tmp_path, [], [done])
    (tmp_path / "weights").write_text("best")

    outcome = executor.score_test(make_pipeline(), tmp_path / "weights", tmp_path / "final" / "000")

    assert isinstance(outcome, Trained)
    assert (outcome.score.accuracy, outcome.score.images) == (1.0, 5)
    assert sandbox.inputs[0]["weights.safetensors"] == "best"
    assert sandbox.started[0].mounts[0].source.name == "test"


def test_more_images_have_more_time_and_what_start_up_left_for_fewer(tmp_path: Path) -> None:
    done = [ScriptedJob(answers=LABELS[split]) for split in ("validation", "test")]
    executor, sandbox = make_executor(tmp_path, [], done, seconds=600)
    rows = [executor.blinding.split(split).rows for split in ("validation", "test")]
    (tmp_path / "weights").write_text("best")

    executor.score_validation(make_pipeline(), tmp_path / "weights", tmp_path / "validation")
    executor.score_test(make_pipeline(), tmp_path / "weights", tmp_path / "test")

    usual, longer = (job.limits.seconds for job in sandbox.started)
    assert rows[1] > rows[0]
    assert longer - usual == pytest.approx((600 + executor.jobs.check_seconds) * (rows[1] / rows[0] - 1))
