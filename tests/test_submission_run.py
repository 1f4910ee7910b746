"""A whole run where test images lack labels, by the playbook in both sandboxes, ends with their submission."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("PIL", reason="the extra `harness` is not installed")

from PIL import Image

from harness.sources.digits import Digits
from tests.test_run import LEARNT, automodel, backend, mostly, only_run

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["backend"]

TRAINED_ON = 400
UNLABELLED = 40


def lay_digits(root: Path) -> dict[str, str]:
    """Digits in class folders, others in a flat test folder, a sample with a row too many; return id -> truth."""
    digits = Digits()
    truth = {}
    for index in range(TRAINED_ON + UNLABELLED):
        label = digits.classes[digits.labels[index]]
        folder = root / "train" / label if index < TRAINED_ON else root / "test"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits.read(index)).save(folder / f"{index}.png")
        if index >= TRAINED_ON:
            truth[str(index)] = label
    names = [*sorted(truth, reverse=True), "gone"]
    (root / "sample_submission.csv").write_text("image,digit\n" + "".join(f"{name},7\n" for name in names))
    return truth


@mostly("bubblewrap")
def test_a_run_ends_with_the_submission_that_the_sample_wants(tmp_path: Path, backend: str) -> None:
    truth = lay_digits(tmp_path / "data")

    done = automodel("run", str(tmp_path / "data"), home=tmp_path, backend=backend, RUN_ITERATIONS="0")

    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path, backend)
    with (run / "submission.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    assert header == ["image", "digit"]
    assert [name for name, _ in rows] == [*sorted(truth, reverse=True), "gone"]
    assert rows[-1] == ["gone", "7"]
    assert sum(truth.get(name) == label for name, label in rows) > LEARNT * len(truth)
    assert f"Images without labels, to be predicted for submission.csv: {UNLABELLED}." in done.stdout
    assert f"Predictions for the images without labels: {run}/submission.csv" in done.stdout
    summary = json.loads((run / "summary.json").read_text())
    assert summary["submission"] == {"file": "submission.csv", "problem": ""}
    assert "'gone' first" in summary["dataset_notes"][-1]
    checked = automodel("verify", str(run), home=tmp_path, backend=backend)
    assert (checked.returncode, checked.stdout.split(", ")[1]) == (0, "no problems found.\n"), checked.stdout

    written = (run / "submission.csv").read_bytes()
    (run / "submission.csv").unlink()
    (run / "summary.json").unlink()  # as if it had been killed before either
    again = automodel("run", str(tmp_path / "data"), home=tmp_path, backend=backend, RUN_ITERATIONS="0")

    assert again.returncode == 0, again.stderr
    assert only_run(tmp_path, backend) == run
    assert (run / "submission.csv").read_bytes() == written
