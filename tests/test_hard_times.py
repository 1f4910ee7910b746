"""A full disk and an engine that fails end a run in one sentence, or not at all; it goes on when they are mended."""

from __future__ import annotations

import os
import random
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from orchestrator.replay import read_events
from tests.chat_servers import serve
from tests.killing_runs import differences, look, play_whole
from tests.nursery import SAID, Order, nursery
from tests.played_runs import answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.killing_runs import Played
    from tests.nursery import Nursery

FEW = Order(knobs={"run_iterations": "2"})
SIZES = 6


@pytest.fixture(scope="module")
def children() -> Iterator[Nursery]:
    with nursery() as parent:
        yield parent


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, children: Nursery) -> Played:
    return play_whole(tmp_path_factory.mktemp("hard") / "whole", children, FEW)


@contextmanager
def small_disk(folder: Path, pages: int) -> Iterator[None]:
    """A disk of so many pages in memory."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"nr_blocks={pages}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root mounts a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607


def test_on_a_full_disk_it_ends_in_one_sentence_and_goes_on_when_there_is_room(
    tmp_path: Path, children: Nursery, whole: Played
) -> None:
    pages = sum(1 + len(content) // 4096 for content in whole.files.values())
    chance, full = random.Random(1), 0
    for number in range(SIZES):
        home = tmp_path / f"{number}"
        with small_disk(home / "runs", chance.randint(pages // 8, pages)), serve(then=answer) as server:
            order = replace(FEW, home=str(home), url=server.url)
            status, said = children.run(order), (home / SAID).read_text()
            if status:
                full += 1
                assert (status, said.count("\n")) == (1, 1), said
                assert "The disk is full" in said
                assert "make room, and the same command goes on from there." in said
            for run in home.glob("runs/[!.]*"):
                read_events(run)
            subprocess.run(["mount", "-o", "remount,nr_blocks=0", str(home / "runs")], check=True)  # noqa: S607
            assert not status or children.run(order) == 0, (home / SAID).read_text()
            assert list(differences(look(home, len(server.bodies)), whole, 1, 0)) == []
    assert full


def test_a_job_that_the_engine_fails_once_is_repeated(tmp_path: Path, children: Nursery, whole: Played) -> None:
    with serve(then=answer) as server:
        order = replace(FEW, home=str(tmp_path), url=server.url, fails=(2, 5, 9))
        assert children.run(order) == 0

    assert list(differences(look(tmp_path, len(server.bodies)), whole, 0, 0)) == []


@pytest.mark.parametrize("fails", [(1, 2), (3, 4), (10, 11)])
def test_an_engine_that_fails_twice_is_told_in_one_sentence_and_the_run_goes_on_later(
    tmp_path: Path, children: Nursery, whole: Played, fails: tuple[int, int]
) -> None:
    with serve(then=answer) as server:
        order = replace(FEW, home=str(tmp_path), url=server.url)
        assert children.run(replace(order, fails=fails)) == 4
        [line] = (tmp_path / SAID).read_text().splitlines()
        assert children.run(order) == 0

    assert "ended without a last word" in line
    assert list(differences(look(tmp_path, len(server.bodies)), whole, 1, 0)) == []
