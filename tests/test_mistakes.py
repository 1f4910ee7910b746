"""The picture of the worst mistakes, at the end of a run: of the test images, bounded, and never in the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from orchestrator.mistakes import keep_mistakes, reliability_of_test
from tests.fakes import LABELS, ScriptedJob, make_dataset, perfect_logits
from tests.test_sheets import DRAWN, PNG, scripted, write_logits

if TYPE_CHECKING:
    from pathlib import Path

WRONG = perfect_logits([2, 1, 1, 1, 0])
"""Of the labels 2, 1, 0, 1, 2: the third and the last."""


def listed(run: Path) -> list[dict[str, object]]:
    return list(json.loads((run / "mistakes" / "mistakes.json").read_text())["mistakes"])


def test_test_images_are_drawn_and_what_was_said_of_them_is_listed(tmp_path: Path) -> None:
    sheets, sandbox = scripted(tmp_path)

    assert keep_mistakes(tmp_path, write_logits(tmp_path / "tested", WRONG), sheets) == ""
    assert sandbox.started[0].mounts[0].source.name == "test"
    assert [(each["index"], each["truth"], each["said"]) for each in listed(tmp_path)] == [
        (2, "cat", "dog"),
        (4, "owl", "cat"),
    ]
    assert (tmp_path / "mistakes" / "sheet.png").read_bytes() == PNG


def test_without_a_mistake_nothing_is_drawn_and_the_list_is_empty(tmp_path: Path) -> None:
    sheets, sandbox = scripted(tmp_path)

    assert keep_mistakes(tmp_path, write_logits(tmp_path / "tested", perfect_logits(LABELS["test"])), sheets) == ""
    assert (listed(tmp_path), sandbox.started) == ([], [])


def test_a_picture_that_fails_is_told_and_harms_nothing(tmp_path: Path) -> None:
    tested = write_logits(tmp_path / "tested", WRONG)
    for name, job in {"dead": ScriptedJob(fails=True), "none": ScriptedJob(status=1, log="KeyError")}.items():
        sheets, _ = scripted(tmp_path / name, job)
        assert keep_mistakes(tmp_path, tested, sheets).startswith("There is no picture of the worst mistakes: ")
    assert not (tmp_path / "mistakes" / "mistakes.json").exists()


def test_without_logits_there_is_no_picture(tmp_path: Path) -> None:
    sheets, sandbox = scripted(tmp_path)

    assert "no logits" in keep_mistakes(tmp_path, tmp_path / "tested", sheets)
    assert sandbox.started == []


def test_made_once_more_it_is_the_same(tmp_path: Path) -> None:
    sheets, sandbox = scripted(tmp_path)
    sandbox.scripts["sheet"].append(DRAWN)
    tested = write_logits(tmp_path / "tested", WRONG)
    files = []
    for _ in range(2):
        keep_mistakes(tmp_path, tested, sheets)
        files.append({path.name: path.read_bytes() for path in (tmp_path / "mistakes").iterdir()})

    assert files[0] == files[1]


def test_how_far_its_confidence_can_be_trusted_is_counted_on_the_test_images(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset")
    logits = np.frombuffer(WRONG, "<f4").reshape(5, 3).copy()
    logits[:2] *= 0
    tested = write_logits(tmp_path / "tested", logits.tobytes())

    low, high = reliability_of_test(tested, dataset)
    assert (low.images, round(low.confidence, 3), low.accuracy) == (2, 0.333, 0.0)
    assert (high.images, round(high.confidence, 2), round(high.accuracy, 3)) == (3, 1.0, 0.333)
    assert reliability_of_test(tmp_path / "nowhere", dataset) == []
