"""Diffs of components: what is new, what is gone, and no more of it than can be read."""

from __future__ import annotations

from orchestrator.components import Pipeline
from orchestrator.page.diffs import SOURCE, Line, diff_pipelines, parse_diff

BEFORE = Pipeline(data="a\nb\n", model="m\n", train="t\n")


def test_only_what_differs_is_shown() -> None:
    [diff] = diff_pipelines(BEFORE, Pipeline(data="a\nc\n", model="m\n", train="t\n"), 100)

    assert (diff.component, diff.added, diff.removed, diff.more) == ("data.py", 1, 1, 0)
    assert diff.lines[1:] == (Line("same", " a"), Line("removed", "-b"), Line("added", "+c"), Line("same", " "))


def test_without_a_pipeline_before_all_of_it_is_new() -> None:
    assert [diff.component for diff in diff_pipelines(None, BEFORE, 100)] == ["data.py", "model.py", "train.py"]
    assert diff_pipelines(BEFORE, BEFORE, 100) == ()


def test_a_long_diff_is_cut_and_says_by_how_much() -> None:
    long = "\n".join(map(str, range(50)))
    [diff] = diff_pipelines(BEFORE, Pipeline(data="a\nb\n", model="m\n", train=long), 10)

    assert len(diff.lines) == 10
    assert diff.more > 30
    assert diff.added == 50


def test_of_a_huge_component_a_part_is_compared() -> None:
    huge = "\n".join(f"x = {number}" for number in range(10 * SOURCE))
    [diff] = diff_pipelines(BEFORE, Pipeline(data="a\nb\n", model="m\n", train=huge), 10)

    assert diff.added <= SOURCE


def test_a_line_is_cut_and_holds_no_controls() -> None:
    [line] = parse_diff("+" + "\x1b\N{RIGHT-TO-LEFT OVERRIDE}" + "y" * 1000, 5)

    assert line.kind == "added"
    assert len(line.text) < 220
    assert set(line.text) <= set("+y .")
