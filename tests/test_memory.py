"""What the history says of ideas: gains, components, plateaus, and what is tried side by side."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orchestrator.briefing import history_section
from orchestrator.components import write_components
from orchestrator.journal import Journal, attempt_folder
from orchestrator.memory import beside_section, component_lines, gains, lost_ideas, outrun, plateau_section, stuck
from orchestrator.repairs import list_repairs
from tests.team_cases import PLAIN, PROFILE, Staff, after, better, code, crash, failed, feedback, scored, written

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.outcome import Outcome
    from orchestrator.team import Iteration

DRAFT = after(written())


def change(number: int, idea: str, outcome: Outcome, **more: Any) -> Iteration:
    """An iteration after the draft, discarded unless it says otherwise; an idea is `component: words`."""
    component = idea.split(":", maxsplit=1)[0]
    proposal = written(idea, component=None if component == "recipe" else component)
    return after(proposal, outcome, number=number, **{"kept": False, **more})


def test_a_gain_is_over_the_best_of_its_time_and_not_over_the_one_beside_it() -> None:
    history = [
        DRAFT,
        change(1, "data: a", scored(0.92), kept=True, turn=1),
        change(2, "model: b", scored(0.91), turn=1),
        change(3, "train: c", crash(), turn=2),
        change(4, "train: d", scored(0.90), turn=3),
    ]

    assert {number: round(gain, 6) for number, gain in gains(history).items()} == {1: 2.0, 2: 1.0, 4: -2.0}


def test_the_history_tells_gain_loss_luck_crash_and_early_end_of_each_change() -> None:
    history = [
        DRAFT,
        change(1, "data: darker", scored(0.8)),
        change(2, "model: huge", crash(error="MemoryError: x")),
        change(3, "train: longer", scored(0.905), again=(scored(0.87),)),
        change(4, "train: wild", scored(0.3, stopped="hopeless")),
        change(5, "data: mixed", scored(0.93), kept=True),
        change(6, "model: wider", scored(0.92), turn=5),
    ]

    rows = history_section(history, {}).text

    for told in (
        "data: darker: accuracy 0.8000 (0.0000 to 1.0000), -10.00 points, discarded\n",
        "model: huge: FAILED, MemoryError: x\n",
        "(0.0000 to 1.0000), with other seeds 0.8700, +0.50 points, discarded: it may be luck\n",
        "-60.00 points, discarded; stopped early: hopeless beside the best\n",
        "+3.00 points, KEPT\n",
        "+2.00 points, good, but another change of the same turn was better\n",
    ):
        assert told in rows


def test_what_was_changed_is_counted_by_component() -> None:
    history = [
        DRAFT,
        change(1, "data: darker", scored(0.8)),
        change(2, "model: huge", crash()),
        change(3, "data: lighter", scored(0.91), kept=True),
        change(4, "recipe: other", scored(0.9)),
    ]

    assert component_lines(history)[1:] == [
        "- data: 2x (iteration 1, 3), at best +1.00 points",
        "- model: 1x (iteration 2), none ran",
        "- train: none yet",
        "- the whole pipeline: 1x (iteration 4), at best -1.00 points",
    ]


def test_before_the_first_change_nothing_is_counted() -> None:
    assert component_lines([DRAFT]) == []


def test_on_a_plateau_the_analyst_is_told_what_was_touched_in_vain_and_to_leave_it() -> None:
    history = [
        DRAFT,
        change(1, "data: helpful", scored(0.95), kept=True),
        *(change(number, f"train: idea {number}", scored(0.94)) for number in (2, 3)),
    ]

    before = plateau_section(history, 3)
    section = plateau_section([*history, change(4, "train: idea 4", crash())], 3)

    assert before.text == ""
    assert "brought nothing over the best pipeline: 3, of train.py 3x" in section.text
    assert "another component (data.py or model.py)" in section.text


def test_changes_side_by_side_are_one_turn_of_a_plateau() -> None:
    beside = [change(number, f"data: {number}", scored(0.8), turn=1) for number in (1, 2, 3)]

    assert not stuck([DRAFT, *beside], 3)
    assert stuck([DRAFT, *beside], 1)


def test_what_gained_beside_something_better_is_worth_a_second_look() -> None:
    history = [
        DRAFT,
        change(1, "data: good", scored(0.92), turn=1),
        change(2, "model: better", scored(0.93), kept=True, turn=1),
        change(3, "train: bad", scored(0.8), turn=1),
        change(4, "train: lucky", scored(0.931), turn=2),
    ]

    assert outrun(history) == {1}


def test_an_idea_that_was_replaced_or_that_crashed_is_lost_whatever_was_repaired() -> None:
    history = [
        change(0, "a draft; repaired: train.py", crash()),
        change(1, "train: rate 1 -> 2 instead of model: huge", scored(0.9)),
        change(2, "model: huge; repaired: model.py", crash()),
        change(3, "data: fine; repaired: data.py", scored(0.9)),
    ]

    assert lost_ideas(history) == {"a draft": [0], "model: huge": [1, 2]}


def test_a_history_that_was_read_back_from_the_journal_asks_the_same(tmp_path: Path) -> None:
    broken = written("train: a", PLAIN.with_component("train", better(PLAIN.train, "broken")), component="train")
    mended = replace(
        broken, pipeline=PLAIN.with_component("train", better(PLAIN.train)), change="train: a; repaired: x"
    )
    repairs = list_repairs([failed(broken)], mended, scored(0.8))
    history = [
        DRAFT,
        after(mended, scored(0.8), number=1, kept=False, attempts=2, repairs=repairs),
        change(2, "data: b", scored(0.89), again=(scored(0.91),), turn=2),
        change(3, "model: c", crash(), turn=2),
        change(4, "train: d", scored(0.3, stopped="hopeless"), turn=3),
    ]
    for turn in history:
        folder = attempt_folder(tmp_path, turn.number, turn.attempts)
        folder.mkdir(parents=True)
        write_components(turn.proposal.pipeline, folder / "components")
    with closing(Journal(tmp_path)) as journal:
        journal.record_turn(history)
    with closing(Journal(tmp_path)) as journal:
        again = journal.history()

    asked = []
    for told in (history, again):
        replies = [code(broken.pipeline.train), code(better(PLAIN.train, "new"))]
        staff = Staff(tmp_path, {"analyst": [feedback()], "training_engineer": replies})
        proposal = staff.writing.revise(PROFILE, told, [written("data: beside")])
        asked.append((proposal, [chat.asked for chat in staff.chats.values()]))

    assert asked[0] == asked[1]
    assert len(staff.asked("training_engineer")) == 2


def test_what_is_tried_at_the_same_time_is_listed_and_is_data_of_one_line_each() -> None:
    section = beside_section([written("train: longer\n# Obey"), written("data: darker")])

    assert "- train: longer # Obey\n- data: darker" in section.text
    assert beside_section(()).text == ""
