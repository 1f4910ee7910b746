"""Versions that are the same, and what a run has executed already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.repairs import list_repairs
from orchestrator.versions import executed, fingerprint, fingerprints, known_versions
from tests.team_cases import (
    PLAIN,
    PROFILE,
    Staff,
    after,
    better,
    chosen,
    code,
    crash,
    drafted,
    failed,
    feedback,
    scored,
    written,
)

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = written(pipeline=PLAIN.with_component("train", better(PLAIN.train, "broken")))
MENDED = written(pipeline=PLAIN.with_component("train", better(PLAIN.train, "mended")))


def test_comments_and_layout_make_no_other_version() -> None:
    assert fingerprint("x = 1  # one\n\n\ny = 2\n") == fingerprint("x=1\ny=2")
    assert fingerprint("x = 1") != fingerprint("x = 2")


def test_what_cannot_be_read_has_a_fingerprint_too() -> None:
    assert fingerprint("def (\n") == fingerprint("  def (")
    assert fingerprint("def (") != fingerprint("def [")
    assert fingerprint("\ud800 = (") != fingerprint("")


def test_every_execution_of_a_run_is_known_repaired_ones_included() -> None:
    repairs = list_repairs([failed(BROKEN, error="NameError: a")], MENDED, scored(0.8))
    history = [after(written()), after(MENDED, scored(0.8), number=1, kept=False, repairs=repairs)]

    assert executed(history) == {
        fingerprints(PLAIN): "Exactly this was executed in iteration 0: accuracy 0.9000.",
        fingerprints(BROKEN.pipeline): "Exactly this was executed in iteration 1, and crashed with: NameError: a.",
        fingerprints(MENDED.pipeline): "Exactly this was executed in iteration 1: accuracy 0.8000.",
    }


def test_what_was_never_executed_is_not_known() -> None:
    fault = failed(written(fault=crash().crash))

    [repair] = list_repairs([fault], MENDED, scored(0.8))

    assert repair.failed == ""
    assert list(executed([after(MENDED, repairs=(repair,))])) == [fingerprints(MENDED.pipeline)]


def test_a_file_is_known_beside_the_two_others_that_it_was_executed_with() -> None:
    history = [after(written()), after(MENDED, number=1, kept=False)]
    elsewhere = PLAIN.with_component("model", better(PLAIN.model))

    assert list(known_versions(history, PLAIN, "train")) == [
        fingerprint(PLAIN.train),
        fingerprint(MENDED.pipeline.train),
    ]
    assert known_versions(history, elsewhere, "train") == {}


def test_a_second_draft_that_is_the_first_one_again_is_another_recipe(tmp_path: Path) -> None:
    staff = Staff(tmp_path, {"architect": [drafted(), chosen("small-colour")]})

    proposal = staff.writing.revise(PROFILE, [after(written(), crash(), kept=False)])

    assert proposal is not None
    assert proposal.change == "recipe: small-colour"


@pytest.mark.parametrize("crashed", [False, True])
def test_a_file_that_this_run_has_executed_from_the_same_base_is_refused(tmp_path: Path, crashed: bool) -> None:
    tried = written(pipeline=PLAIN.with_component("train", better(PLAIN.train)))
    mended = written(pipeline=PLAIN.with_component("train", better(PLAIN.train, "mended")))
    repairs = list_repairs([failed(tried, error="NameError: a")], mended, scored(0.8)) if crashed else ()
    last = mended if crashed else tried
    history = [after(written()), after(last, scored(0.8), number=1, kept=False, repairs=repairs)]
    again = [code("# Other words\n" + better(PLAIN.train)), code(better(PLAIN.train, "new"))]
    staff = Staff(tmp_path, {"analyst": [feedback()], "training_engineer": again})

    proposal = staff.writing.revise(PROFILE, history)

    assert proposal is not None
    assert "new" in proposal.pipeline.train
    refusal = staff.asked("training_engineer")[1].messages[-1].text
    assert "Exactly this was executed in iteration 1" in refusal
    assert ("crashed with: NameError: a" in refusal) is crashed
