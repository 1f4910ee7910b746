"""What was lost or damaged of an unfinished run is understood where it is not needed, else told in one sentence."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.chat_servers import serve
from tests.killing_runs import differences, look, play_whole
from tests.nursery import SAID, Order, nursery
from tests.played_runs import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.killing_runs import Played
    from tests.nursery import Nursery


class Bench:
    """A run that was never stopped, and one that was killed in its fifth iteration."""

    def __init__(self, folder: Path, children: Nursery) -> None:
        self._children = children
        self.whole: Played = play_whole(folder / "whole", children)
        self._killed = folder / "killed"
        with serve(then=answer) as server:
            order = Order(home=str(self._killed), url=server.url, at=self.whole.changes * 6 // 10)
            assert children.run(order) == -9

    def go_on(self, home: Path, harm: Callable[[Path], object]) -> tuple[int, str, list[str]]:
        """Do harm to the killed run and go on: the status, what is said, and what is otherwise in the end."""
        shutil.copytree(self._killed / "runs", home / "runs")
        [run] = home.glob("runs/[!.]*")
        harm(run)
        shutil.copy(self._killed / "executions", home)
        with serve(then=answer) as server:
            status = self._children.run(Order(home=str(home), url=server.url))
        said = (home / SAID).read_text()
        if status:
            return status, said, []
        found = replace(look(home, 0), replies=0)
        return 0, said, list(differences(found, self.whole, 1, 0))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with nursery() as children:
        yield Bench(tmp_path_factory.mktemp("bench"), children)


def test_what_is_not_needed_may_be_lost(tmp_path: Path, bench: Bench) -> None:
    def harm(run: Path) -> None:
        shutil.rmtree(run / "iterations" / "002" / "attempt-1")  # crashed
        shutil.rmtree(run / "best")
        shutil.rmtree(run / "presented")
        (run / "jobs" / "0001-fit").mkdir(parents=True, exist_ok=True)
        (run / "lock").write_text("99999999")

    assert bench.go_on(tmp_path, harm)[0] == 0


def test_an_iteration_that_was_discarded_may_be_lost(tmp_path: Path, bench: Bench) -> None:
    status, said, otherwise = bench.go_on(tmp_path, lambda run: shutil.rmtree(run / "iterations" / "002"))

    assert (status, said) == (0, "")
    assert otherwise
    assert all(each.startswith("iterations/002/") for each in otherwise)


def test_without_the_draft_there_is_no_comparison_with_it(tmp_path: Path, bench: Bench) -> None:
    status, said, otherwise = bench.go_on(tmp_path, lambda run: shutil.rmtree(run / "iterations" / "000"))

    assert (status, said) == (0, "")
    assert "summary: ['zero_shot']" in otherwise


def test_weights_of_the_best_that_best_has_still_are_taken_from_there(tmp_path: Path, bench: Bench) -> None:
    status, said, _ = bench.go_on(tmp_path, lambda run: shutil.rmtree(run / "iterations" / "003"))

    assert (status, said) == (0, "")


def test_without_weights_of_the_best_it_ends_in_one_sentence(tmp_path: Path, bench: Bench) -> None:
    def harm(run: Path) -> None:
        shutil.rmtree(run / "iterations" / "003")
        shutil.rmtree(run / "best")

    status, said, _ = bench.go_on(tmp_path, harm)

    assert status == 1
    [line] = said.splitlines()
    assert "iterations/003/attempt-3/weights.safetensors of the best pipeline so far is missing" in line
    assert "--new" in line


@pytest.mark.parametrize("content", ["", '{"agent": "ana', "[]", '{"request": 5}'])
def test_a_damaged_reply_is_asked_for_again(tmp_path: Path, bench: Bench, content: str) -> None:
    def harm(run: Path) -> None:
        [*_, last] = sorted((run / "chat").glob("*.json"))
        last.write_text(content)

    status, said, otherwise = bench.go_on(tmp_path, harm)

    assert (status, said) == (0, "")
    assert all(each.startswith(("chat: ", "summary: ")) for each in otherwise)  # the bill


@pytest.mark.parametrize("number", [None, 1, 3])
def test_a_journal_of_another_version_is_refused_in_one_sentence(
    tmp_path: Path, bench: Bench, number: int | None
) -> None:
    def harm(run: Path) -> None:
        path = run / "journal.jsonl"
        begin, *rest = [json.loads(line) for line in path.read_text().splitlines()]
        del begin["format"]
        if number:
            begin["format"] = number
        path.write_text("".join(json.dumps(event) + "\n" for event in (begin, *rest)))

    status, said, _ = bench.go_on(tmp_path, harm)

    assert status == 1
    [line] = said.splitlines()
    assert "was begun by another version of AutoModel" in line
    assert "--new" in line
