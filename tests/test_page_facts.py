"""What is read of a run's folder, which may be damaged, unfinished, or made by somebody who means harm."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import AutoModelError
from orchestrator.page.facts import read_facts
from orchestrator.page.turns import DIFF_LINES, TURN_WORDS
from orchestrator.progress import Now
from tests.chat_servers import serve
from tests.made_runs import Made, damage, make_run
from tests.played_runs import answer, lay_out, play

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.page.facts import RunFacts


def read(made: Made) -> RunFacts:
    return read_facts(made.run, made.datasets)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> RunFacts:
    """A run that was run: by the real loop, with agents on loopback."""
    home = tmp_path_factory.mktemp("played")
    with serve(then=answer) as server:
        settings = lay_out(home, openai_base_url=f"{server.url}/v1")
        run = play(settings, home / "executions")
    return read_facts(run, settings.datasets_dir)


def test_a_run_tells_what_was_tried_and_what_came_of_it(played: RunFacts) -> None:
    assert [turn.mark for turn in played.turns] == ["kept", "kept", "discarded", "kept", "discarded", "discarded"]
    assert played.summary
    assert played.best == played.summary.best_iteration


def test_each_change_is_a_diff_of_one_component_against_what_was_changed(played: RunFacts) -> None:
    assert [(turn.base, [diff.component for diff in turn.diffs]) for turn in played.turns] == [
        (None, ["data.py", "model.py", "train.py"]),
        (0, ["train.py"]),
        (1, ["model.py"]),
        (1, ["data.py"]),
        (3, ["train.py"]),
        (3, ["model.py"]),
    ]


def test_crashes_are_told_with_what_mended_them(played: RunFacts) -> None:
    mended, replaced = played.turns[2], played.turns[5]

    assert [(failure.error, failure.worked) for failure in mended.failures] == [("ValueError: 2.1", True)]
    assert any(line.kind == "added" for line in mended.failures[0].fix)
    assert [failure.worked for failure in replaced.failures] == [False, False, True]
    assert replaced.failures[-1].where == "fit: train, model.py"


def test_the_conversation_behind_an_iteration_is_told_with_it(played: RunFacts) -> None:
    agents = [exchange.agent for exchange in played.turns[1].exchanges]

    assert "analyst" in agents
    assert "training engineer" in agents
    assert played.bill.keys() >= {"architect", "analyst", "summarizer"}


def test_the_end_of_a_run_leaves_a_picture_of_mistakes_and_what_a_reliability_diagram_needs(played: RunFacts) -> None:
    assert played.pictures
    assert played.pictures.listed.mistakes
    assert all(each.truth != each.said for each in played.pictures.listed.mistakes)
    assert played.summary
    assert sum(each.images for each in played.summary.test.reliability) == played.summary.test.images


def test_a_run_that_goes_on_has_the_best_so_far_and_no_summary(tmp_path: Path) -> None:
    facts = read(make_run(tmp_path, turns=4, finished=False))

    assert (facts.summary, facts.best, len(facts.turns)) == (None, 0, 4)
    assert facts.now == Now()


def test_a_run_that_has_only_begun_is_one(tmp_path: Path) -> None:
    made = make_run(tmp_path, turns=0, finished=False)
    (made.run / "journal.jsonl").unlink()

    assert (read(made).turns, read(made).best, read(made).turn) == ((), None, None)


def test_a_folder_that_is_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(AutoModelError, match="is no run"):
        read_facts(tmp_path, tmp_path)


def test_without_its_dataset_the_rest_is_told(tmp_path: Path) -> None:
    made = make_run(tmp_path)

    assert read_facts(made.run, tmp_path / "elsewhere").dataset is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("summary.json", b"{"),
        ("summary.json", b"[]"),
        ("run.json", b"\xff\xfe"),
        ("audit.json", b'{"findings": 3}'),
        ("reproduction.json", b"null"),
        ("mistakes/mistakes.json", b'{"columns": 0, "mistakes": []}'),
        ("journal.jsonl", b'{"kind": "iteration"}\n'),
        ("journal.jsonl", b"no JSON\n"),
    ],
)
def test_a_damaged_file_is_told_in_one_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    made = make_run(tmp_path)
    (made.run / name).write_bytes(content)

    with pytest.raises(AutoModelError, match="damaged"):
        read(made)


@pytest.mark.parametrize(
    "changes",
    [
        {"test": {"accuracy": 2, "interval": [0, 1], "images": 5}},
        {"majority": float("nan")},
        {"classes": 5},
        {"seconds": "long"},
        {"seeds": None},
        {"tokens": 10**400},
    ],
)
def test_numbers_that_cannot_be_are_told(tmp_path: Path, changes: dict[str, object]) -> None:
    made = make_run(tmp_path)
    damage(made.run / "summary.json", **changes)

    with pytest.raises(AutoModelError, match=r"summary\.json is damaged"):
        read(made)


def test_a_journal_whose_values_are_of_other_kinds_is_told(tmp_path: Path) -> None:
    made = make_run(tmp_path)
    lines = [json.loads(line) for line in (made.run / "journal.jsonl").read_text().splitlines()]
    for line in lines:
        if line["kind"] == "iteration":
            line["outcome"]["seconds"] = ["a", "b"]
    (made.run / "journal.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    with pytest.raises(AutoModelError, match="damaged"):
        read(made)


def test_no_link_is_followed_and_no_pipe_is_waited_for(tmp_path: Path) -> None:
    made, secret = make_run(tmp_path), tmp_path / "secret.png"
    picture = made.run / "mistakes" / "sheet.png"
    picture.rename(secret)
    picture.symlink_to(secret)
    os.mkfifo(made.run / "audit.json")

    assert (read(made).pictures, read(made).audit) == (None, None)


def test_what_is_no_picture_or_too_large_is_not_shown(tmp_path: Path) -> None:
    made = make_run(tmp_path)
    (made.run / "mistakes" / "sheet.png").write_bytes(b"<svg onload=alert(1)>")
    (made.datasets / "made" / "sheet.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(2_000_000))
    facts = read(made)

    assert facts.pictures is None
    assert facts.dataset
    assert facts.dataset.sheet is None


def test_texts_are_cut_to_a_size_and_hold_no_marks_that_turn_them_round(tmp_path: Path) -> None:
    made = make_run(tmp_path, words="\N{RIGHT-TO-LEFT OVERRIDE}\x1b[31m long " * 50, repeat=50)
    turn = read(made).turns[2]

    assert sum(len(each.asked) + len(each.replied) for each in turn.exchanges) < TURN_WORDS
    assert sum(len(failure.traceback) for failure in turn.failures) < TURN_WORDS
    assert all(len(diff.lines) <= DIFF_LINES for diff in turn.diffs)
    assert "characters left out" in turn.exchanges[0].asked
    assert not {"\N{RIGHT-TO-LEFT OVERRIDE}", "\x1b"} & set(f"{turn.reason}{turn.notes}{turn.diffs}{turn.exchanges}")


def test_the_page_of_a_long_run_says_less_of_each_iteration(tmp_path: Path) -> None:
    short, long = (
        read(make_run(tmp_path / str(turns), turns=turns, words="word " * 100, repeat=30)) for turns in (3, 60)
    )

    assert len(long.turns[1].notes) < len(short.turns[1].notes)
    assert len(long.turns[1].diffs[0].lines) < len(short.turns[1].diffs[0].lines)
