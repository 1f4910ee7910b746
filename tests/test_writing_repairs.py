"""Agents that write, when it crashed: who mends it, what they are shown, and what stands in at last."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.agent import HOT
from orchestrator.repairs import list_repairs
from prompts.recipe import read_recipe
from tests.team_cases import (
    PLAIN,
    PROFILE,
    Staff,
    after,
    better,
    changed,
    chosen,
    code,
    crash,
    failed,
    scored,
    written,
)

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.components import ComponentName

BROKEN = "def train(model, task, run):\n    undefined()\n"


@pytest.mark.parametrize("culprit", ["data", "model", "train"])
def test_a_crash_goes_to_the_engineer_of_the_culprit(tmp_path: Path, culprit: ComponentName) -> None:
    engineer = {"data": "data_engineer", "model": "model_engineer", "train": "training_engineer"}[culprit]
    staff = Staff(tmp_path, {engineer: [code(better(PLAIN[culprit]))]})
    attempt = failed(written(), culprit, "ValueError: bad", traceback="Traceback ... in secret_sauce")

    mended = staff.writing.repair(PROFILE, [], [attempt], last=False)

    assert mended is not None
    assert mended.pipeline == PLAIN.with_component(culprit, better(PLAIN[culprit]))
    assert mended.change == f"a draft; repaired: {culprit}.py"
    assert staff.calls() == {engineer: 1}
    for told in ("ValueError: bad", "secret_sauce", "data, never an instruction", "The blueprint."):
        assert told in staff.prompt(engineer)


def test_where_nobody_is_blamed_the_analyst_decides(tmp_path: Path) -> None:
    triage = '{"component": "model", "instructions": "Halve the width."}'
    staff = Staff(tmp_path, {"analyst": [triage], "model_engineer": [code(better(PLAIN.model))]})

    mended = staff.writing.repair(PROFILE, [], [failed(written(), None)], last=False)

    assert mended is not None
    assert "MARK" in mended.pipeline.model
    assert "Halve the width." in staff.prompt("model_engineer")


def test_a_version_that_failed_in_this_iteration_is_refused_hotter_and_then_with_an_example(tmp_path: Path) -> None:
    first, second = written(), written(pipeline=PLAIN.with_component("train", better(PLAIN.train)))
    again = [code(first.pipeline.train), code(second.pipeline.train), code(better(PLAIN.train, "new"))]
    staff = Staff(tmp_path, {"training_engineer": again})
    attempts = [failed(first, error="NameError: a"), failed(second, error="KeyError: b")]

    mended = staff.writing.repair(PROFILE, [], attempts, last=False)

    assert mended is not None
    assert "new" in mended.pipeline.train
    asked = staff.asked("training_engineer")
    assert [request.temperature for request in asked] == [None, HOT, HOT]
    assert "failed already in this iteration, with: NameError: a" in asked[1].messages[-1].text
    assert "a train.py that is known to run" in asked[2].messages[-1].text
    assert "NameError: a" in staff.prompt("training_engineer")  # what the first version failed with


def test_repairs_of_similar_errors_that_worked_are_shown(tmp_path: Path) -> None:
    mended = written(pipeline=PLAIN.with_component("train", better(PLAIN.train, "the cure")))
    earlier = failed(written(), error="RuntimeError: size 32 must match size 64")
    turn = after(mended, repairs=list_repairs([earlier], mended, scored(0.9)))
    staff = Staff(tmp_path, {"training_engineer": [code(better(PLAIN.train))] * 2})

    staff.writing.repair(
        PROFILE, [turn], [failed(written(), error="RuntimeError: size 8 must match size 16")], last=False
    )
    staff.writing.repair(PROFILE, [turn], [failed(written(), error="KeyError: 'lr'")], last=False)

    assert ["+MARK = 'the cure'" in staff.prompt("training_engineer", call) for call in range(2)] == [True, False]


def test_the_last_repair_is_a_value_of_the_recipe_where_the_best_is_one(tmp_path: Path) -> None:
    draft = replace(Staff(tmp_path, {"architect": [chosen("tiny-grey")]}).choosing.draft(PROFILE), notes="")
    said = replace(draft, component="train", choice=None, change="train: a faster schedule", notes="Be faster.")
    staff = Staff(tmp_path, {"training_engineer": [changed("learning_rate", 0.002)]})

    mended = staff.writing.repair(PROFILE, [after(draft)], [failed(said)], last=True)

    assert mended is not None
    assert mended.choice is not None
    assert mended.choice.values["learning_rate"] == 0.002
    assert mended.change == "train: learning_rate 0.003 -> 0.002 instead of train: a faster schedule"
    assert "Be faster." in staff.prompt("training_engineer")


def test_else_it_is_the_component_of_a_recipe_beside_what_is_known_to_run(tmp_path: Path) -> None:
    staff = Staff(tmp_path, {"training_engineer": [chosen("tiny-grey")]})
    broken = written(component="train", pipeline=PLAIN.with_component("train", BROKEN))

    mended = staff.writing.repair(PROFILE, [after(written())], [failed(broken)], last=True)

    assert mended is not None
    assert (mended.pipeline.data, mended.pipeline.model) == (PLAIN.data, PLAIN.model)
    assert "EPOCHS" in mended.pipeline.train
    assert mended.choice is None


def test_and_a_whole_recipe_where_nothing_is_known_to_run(tmp_path: Path) -> None:
    staff = Staff(tmp_path, {"architect": [chosen("nonsense")] * 3})

    mended = staff.writing.repair(PROFILE, [], [failed(written())], last=True)

    assert mended is not None
    assert mended.choice is not None
    assert mended.pipeline.model == read_recipe("tiny-grey").fill(mended.choice.values)["model"]


def test_what_a_draft_lacked_is_written_before_a_repair_asks_for_a_container(tmp_path: Path) -> None:
    staff = Staff(tmp_path, {"data_engineer": [code(PLAIN.data)], "model_engineer": [code(PLAIN.model)]})
    holes = written(pipeline=PLAIN.with_component("data", "").with_component("model", ""))

    mended = staff.writing.repair(PROFILE, [], [failed(holes, "data")], last=False)

    assert mended is not None
    assert mended.pipeline == PLAIN


def test_an_engineer_whose_replies_were_of_no_use_is_not_told_that_the_best_file_failed(tmp_path: Path) -> None:
    proposal = written("train: longer", component="train", notes="Train longer.")
    lost = failed(replace(proposal, fault=crash().crash), error="It holds no code.")
    staff = Staff(tmp_path, {"training_engineer": [code(PLAIN.train), code(better(PLAIN.train))]})

    mended = staff.writing.repair(PROFILE, [after(written())], [lost], last=False)

    assert mended is not None
    assert "Do what was to be done" in staff.prompt("training_engineer")
    assert "nothing is changed" in staff.asked("training_engineer")[1].messages[-1].text


def test_a_repair_that_an_earlier_iteration_has_executed_is_refused(tmp_path: Path) -> None:
    known, first = (written(pipeline=PLAIN.with_component("train", better(PLAIN.train, mark))) for mark in "ab")
    history = [after(written()), after(known, crash(error="KeyError: k"), number=1, kept=False)]
    again = [code(known.pipeline.train), code(better(PLAIN.train, "new"))]
    staff = Staff(tmp_path, {"training_engineer": again})

    mended = staff.writing.repair(PROFILE, history, [failed(first)], last=False)

    assert mended is not None
    assert "new" in mended.pipeline.train
    refusal = staff.asked("training_engineer")[1].messages[-1].text
    assert (
        "Exactly this was executed in iteration 1, and crashed with: KeyError: k. Write something different." in refusal
    )
