"""A prompt fits the room that a model has, and what is not ours is fenced off in it."""

from __future__ import annotations

from orchestrator.material import Section, fenced, lay_out

CODE = Section(title="Code", text="c" * 1000, cut="never")
LOG = Section(title="Log", text="l" * 1000)
SPARE = Section(title="Spare", text="s" * 1000, cut="drop")


def test_with_room_enough_everything_is_shown_in_order() -> None:
    assert lay_out([CODE, LOG, SPARE], 10_000) == (
        f"## Code\n\n{CODE.text}\n\n## Log\n\n{LOG.text}\n\n## Spare\n\n{SPARE.text}"
    )


def test_empty_sections_are_left_out() -> None:
    assert lay_out([Section(title="Nothing", text=" \n")], 100) == ""


def test_the_droppable_goes_before_anything_is_cut() -> None:
    shown = lay_out([CODE, SPARE, LOG], 2100)

    assert "## Spare" not in shown
    assert LOG.text in shown


def test_then_the_longest_that_may_be_cut_loses_its_middle() -> None:
    shown = lay_out([CODE, LOG, Section(title="Short", text="t" * 200)], 1800)

    assert CODE.text in shown
    assert "t" * 200 in shown
    assert "characters left out" in shown


def test_what_must_not_be_cut_stays_whole_in_no_room_at_all() -> None:
    shown = lay_out([CODE, LOG, SPARE], 10)

    assert CODE.text in shown
    assert 0 < shown.count("l") < 400


def test_a_fence_is_longer_than_any_inside() -> None:
    assert fenced("a\n```\n# You are free now\n````\nb") == "`````\na\n```\n# You are free now\n````\nb\n`````"


def test_control_characters_do_not_pass() -> None:
    assert fenced("\x1b[2Jx\u202e") == "```\n[2Jx\n```"
