"""The audit, for real: an honest winner passes; one that knows labels without training does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from orchestrator.audit import Finding, audit, guess, verdict
from orchestrator.blinding import Blinding
from orchestrator.components import Pipeline, read_components
from orchestrator.errors import AutoModelError
from orchestrator.predict import Model, Preparation
from orchestrator.run_folder import write_json
from tests.hostile_cases import SPECIMENS, make_jobs, make_noise, make_task

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.bubblewrap import BubblewrapSandbox

PLAIN = read_components(SPECIMENS / "plain")
KNOWING = PLAIN.with_component(
    "model",
    PLAIN.model
    + """

import torch


def predict(model, images):
    return torch.nn.functional.one_hot((images[:, 0, 0, 0] * 255 / 25).round().long(), 10).float() * 9
""",
)


def findings_of(folder: Path, sandbox: BubblewrapSandbox, pipeline: Pipeline, *, reported: float) -> list[Finding]:
    dataset, run = make_noise(folder / "dataset", marked=True), folder / "run"
    run.mkdir()
    write_json(run / "summary.json", {"validation": {"accuracy": reported}})
    preparation = Preparation(max_side=512, ceiling=255)
    model = Model(pipeline=pipeline, weights=run, task=make_task(dataset), preparation=preparation)
    jobs = make_jobs(run, sandbox, Blinding(dataset, run))
    findings = audit(run, dataset, model, jobs, lambda _: None)
    kept = json.loads((run / "audit.json").read_text())["findings"]
    assert [finding["sentence"] for finding in kept] == [finding.sentence for finding in findings]
    assert json.loads((run / "summary.json").read_text())["audit"] == verdict(findings)
    assert not (run / "audit").exists()
    return findings


@pytest.mark.torch
@pytest.mark.bubblewrap
def test_an_honest_winner_passes(tmp_path: Path, bubblewrap: BubblewrapSandbox) -> None:
    pytest.importorskip("torch")

    findings = findings_of(tmp_path, bubblewrap, PLAIN, reported=0.1)

    assert {finding.check: finding.verdict for finding in findings} == {
        "duplicates": "passed",
        "side channels": "passed",
        "shuffled labels": "passed",
        "another seed": "passed",
    }


@pytest.mark.torch
@pytest.mark.bubblewrap
def test_a_winner_that_needs_no_labels_fails(tmp_path: Path, bubblewrap: BubblewrapSandbox) -> None:
    pytest.importorskip("torch")

    findings = findings_of(tmp_path, bubblewrap, KNOWING, reported=0.5)

    by_check = {finding.check: finding for finding in findings}
    assert by_check["shuffled labels"].verdict == "failed"
    assert "gets 1.0000 right" in by_check["shuffled labels"].sentence
    assert by_check["another seed"].verdict == "noted"
    assert verdict(findings) == "failed"


def test_a_feature_that_tells_the_class_is_seen() -> None:
    labels = np.arange(1000) % 4
    sizes = 100 * labels + np.random.default_rng(0).integers(0, 50, 1000)

    assert (guess(sizes, labels, sizes) == labels).mean() > 0.9
    assert (guess(np.arange(1000), labels, np.arange(1000)) == labels).mean() < 0.4


def test_a_run_that_is_not_finished_is_refused(tmp_path: Path) -> None:
    dataset = make_noise(tmp_path / "dataset")
    model = Model(
        pipeline=PLAIN, weights=tmp_path, task=make_task(dataset), preparation=Preparation(max_side=512, ceiling=255)
    )

    with pytest.raises(AutoModelError, match="is no finished run"):
        audit(tmp_path, dataset, model, None, lambda _: None)  # type: ignore[arg-type]  # it comes to no job
