"""The winner predicts what has no labels, and the host writes it in the layout that is wanted, or says why not."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from orchestrator.blinding import Blinding
from orchestrator.compute import Compute
from orchestrator.dataset import Dataset
from orchestrator.errors import DatasetError
from orchestrator.execute import Executor
from orchestrator.jobs import Jobs
from orchestrator.log import open_log
from orchestrator.submission import Submission, submit
from sandbox.base import Verdict
from tests.fakes import ScriptedJob, ScriptedSandbox, make_dataset, make_pipeline

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [["b.png"], ["=gone", "owl"], ["a, 2.png"], ["c.png"]]
LABELS = {"columns": ["id", "species"], "labels": ["cat", "dog", "owl"], "notes": [], "rows": [["b"], ["a"], ["c"]]}


def submitted(
    folder: Path, wanted: dict[str, Any] | None, *scripts: ScriptedJob
) -> tuple[Submission | None, ScriptedSandbox]:
    """What `submit` says where the job that predicts goes by these scripts."""
    dataset = make_dataset(folder / "dataset", submission=wanted)
    blinding = Blinding(dataset, folder)
    sandbox = ScriptedSandbox({"predict": list(scripts)})
    jobs = Jobs(
        sandbox=sandbox,
        compute=Compute(cpus=2, memory=1 << 30, output=1 << 20, gpu=False),
        weights=None,
        folder=folder / "jobs",
        on_event=lambda _: None,
        log=open_log(io.StringIO()),
        bait=blinding.decoys(),
    )
    executor = Executor(jobs, blinding, dataset.task(device="cpu", seed=0, seconds=60, weights=()))
    (folder / "weights").write_text("w")
    return submit(folder, make_pipeline(), folder / "weights", executor), sandbox


def test_a_label_stands_behind_each_id_in_the_order_of_the_sample(tmp_path: Path) -> None:
    found, sandbox = submitted(tmp_path, LABELS, ScriptedJob(answers=[2, 0, 1]))

    assert (tmp_path / "submission.csv").read_text() == "id,species\nb,owl\na,cat\nc,dog\n"
    assert found is not None
    assert found.sentence == f"Predictions for the images without labels: {tmp_path}/submission.csv"
    assert found.custody.keys() == {"submission", "logits"}
    assert sandbox.alive == 0


def test_the_container_sees_the_images_and_neither_their_names_nor_labels(tmp_path: Path) -> None:
    _, sandbox = submitted(tmp_path, LABELS, ScriptedJob(answers=[2, 0, 1]))

    [job] = sandbox.started
    assert {mount.target for mount in job.mounts} == {"/job/images", "/job/hidden"}
    assert job.mounts[0].source == tmp_path / "dataset" / "unlabelled"
    assert [path.name for path in job.mounts[0].source.iterdir()] == ["images.npy"]


def test_what_a_class_is_called_in_the_submission_is_what_is_written(tmp_path: Path) -> None:
    submitted(tmp_path, LABELS | {"labels": ["0", "3", "4"]}, ScriptedJob(answers=[2, 0, 1]))

    assert (tmp_path / "submission.csv").read_text() == "id,species\nb,4\na,0\nc,3\n"


def test_probabilities_stand_in_the_order_of_the_sample_s_columns(tmp_path: Path) -> None:
    columns = {"columns": ["id", "owl", "cat", "dog"], "labels": ["cat", "dog", "owl"]}
    submitted(tmp_path, LABELS | columns, ScriptedJob({"logits.f32": np.log([[1, 2, 5]] * 3).astype("<f4").tobytes()}))

    header, *lines = (tmp_path / "submission.csv").read_text().splitlines()
    assert header == "id,owl,cat,dog"
    name, *shares = lines[0].split(",")
    assert name == "b"
    assert [float(share) for share in shares] == pytest.approx([0.625, 0.125, 0.25], abs=1e-6)


def test_a_row_without_an_image_stays_as_it_is_and_odd_ids_are_quoted(tmp_path: Path) -> None:
    wanted = LABELS | {"rows": [["b"], ["=gone", "owl"], ['"a, 2"'], ["c"]]}
    submitted(tmp_path, wanted, ScriptedJob(answers=[2, 0, 1]))

    assert (tmp_path / "submission.csv").read_text() == 'id,species\nb,owl\n=gone,owl\n"a, 2",cat\nc,dog\n'


def test_without_such_images_nothing_is_started(tmp_path: Path) -> None:
    found, sandbox = submitted(tmp_path, None)

    assert found is None
    assert sandbox.started == []


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (ScriptedJob({"logits.f32": b"1234"}), "The logits are 4 bytes, not the 36 of 3 images x 3 classes"),
        (ScriptedJob({"logits.f32": np.full(9, np.inf, "<f4").tobytes()}), "not finite"),
        (ScriptedJob(verdict=Verdict.DEADLINE), "It did not end in time"),
        (ScriptedJob(status=1), "It left no logits"),
    ],
)
def test_bad_logits_make_one_sentence_and_no_file(tmp_path: Path, script: ScriptedJob, says: str) -> None:
    found, _ = submitted(tmp_path, LABELS, script)

    assert found is not None
    assert says in found.sentence
    assert found.sentence.startswith("There is no submission.csv: the best pipeline failed on the images without")
    assert not (tmp_path / "submission.csv").exists()


@pytest.mark.parametrize(
    "rows",
    [
        [["b"], ["a"], ["b"]],
        [["b"], ["a"], ["c", "cat", "dog"]],
        [["b"], ["a"], ['"c']],
        [["b"], ["a"], ["c"], [""]],
    ],
)
def test_damaged_rows_make_one_sentence_and_no_file(tmp_path: Path, rows: list[list[str]]) -> None:
    logits = np.zeros((sum(len(row) == 1 for row in rows), 3), "<f4").tobytes()
    found, _ = submitted(tmp_path, LABELS | {"rows": rows}, ScriptedJob({"logits.f32": logits}))

    assert found is not None
    assert "hidden/unlabelled.csv is damaged" in found.problem
    assert not (tmp_path / "submission.csv").exists()
    assert not list(tmp_path.glob(".submission*"))


@pytest.mark.parametrize(
    "change", [{"columns": ["id", "x", "y", "z"]}, {"columns": ["id"]}, {"labels": ["a", "b"]}, {"notes": ["x" * 2000]}]
)
def test_a_layout_that_does_not_fit_the_classes_is_no_dataset(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(DatasetError, match="holds no prepared dataset"):
        make_dataset(tmp_path, submission=LABELS | change)
    with pytest.raises(DatasetError):
        Dataset(tmp_path)
