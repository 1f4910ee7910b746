"""What mended what is remembered with its diff, and found again for errors of a kind."""

from __future__ import annotations

import pytest

from orchestrator.repairs import LONGEST_DIFF, list_repairs, similar_repairs
from tests.team_cases import PLAIN, after, better, crash, failed, scored, written

BEFORE = written()
AFTER = written(pipeline=PLAIN.with_component("train", better(PLAIN.train)))


def test_a_repair_has_its_error_its_diff_and_whether_it_worked() -> None:
    [repair] = list_repairs([failed(BEFORE, error="NameError: a")], AFTER, scored(0.9))

    assert (repair.error, repair.component, repair.worked) == ("NameError: a", "train", True)
    assert "--- train.py" in repair.fix
    assert "+MARK = 'x'" in repair.fix


def test_the_same_error_again_means_that_it_did_not_work() -> None:
    attempts = [failed(BEFORE, error="ValueError: got 3"), failed(AFTER, error="ValueError: got 4")]

    assert [repair.worked for repair in list_repairs(attempts, AFTER, scored(0.9))] == [False, True]
    assert [repair.worked for repair in list_repairs(attempts, AFTER, crash(error="ValueError: got 5"))] == [
        False,
        False,
    ]


def test_an_iteration_without_a_crash_has_no_repair() -> None:
    assert list_repairs([], BEFORE, scored(0.9)) == ()


def test_a_whole_new_pipeline_is_nobodys_component_and_its_diff_is_cut() -> None:
    other = written(pipeline=PLAIN.with_component("data", "x = 1\n" * 999).with_component("model", "y = 1\n" * 999))

    [repair] = list_repairs([failed(BEFORE)], other, scored(0.9))

    assert repair.component is None
    assert len(repair.fix) < LONGEST_DIFF + 100


@pytest.mark.parametrize(
    ("error", "found"),
    [
        ("RuntimeError: mat1 and mat2 shapes cannot be multiplied (8x64 and 32x10)", 1),
        ("RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x1 and 2x2)", 1),
        ("KeyError: 'lr'", 0),
    ],
)
def test_errors_of_a_kind_are_found_whatever_their_numbers(error: str, found: int) -> None:
    told = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x128 and 64x10)"
    worked = after(AFTER, repairs=list_repairs([failed(BEFORE, error=told)], AFTER, scored(0.9)))

    assert len(similar_repairs(error, [worked])) == found


def test_what_did_not_work_is_not_recommended() -> None:
    lost = crash(error="NameError: a")
    failing = after(AFTER, lost, kept=False, repairs=list_repairs([failed(BEFORE, error="NameError: a")], AFTER, lost))

    assert similar_repairs("NameError: a", [failing]) == []
