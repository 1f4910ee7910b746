"""Weights that a component asks for are fetched before it runs, if they may be, once a run; else they stay away."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from harness.report import Crash
from orchestrator.components import Pipeline
from orchestrator.errors import AutoModelError
from orchestrator.journal import Journal
from orchestrator.supply import MOST, Supply
from orchestrator.timm_names import TimmNames
from orchestrator.weights import Kept
from tests.playbook_cases import make_profile
from tests.small_weights import put, tensors_file

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

ABSENT = "LocalEntryNotFoundError: Cannot find an appropriate cached snapshot folder"
NAMES = TimmNames(
    timm="1.0",
    licences=dict.fromkeys(("a.x", "b.x", "gone.x", *(f"n{number}.x" for number in range(100))), ""),
    defaults={"a": "a.x"},
)


@dataclass
class ScriptedSource:
    """Has all names but `gone.x`."""

    folder: Path
    asked: list[str] = field(default_factory=list)
    knows: bool = True

    def names(self) -> TimmNames:
        if not self.knows:
            raise AutoModelError("nobody knows.")
        return NAMES

    def fetch(self, name: str) -> Kept:
        self.asked.append(name)
        if name == "gone.x":
            raise AutoModelError("gone.x cannot be had.")
        put(self.folder, name, tensors_file())
        return Kept(name=name, bytes=7)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o755)
    return folder


@pytest.fixture
def source(cache: Path) -> ScriptedSource:
    return ScriptedSource(cache)


def supply(cache: Path, source: ScriptedSource | None) -> Supply:
    (cache.parent / "run").mkdir(exist_ok=True)
    return Supply(cache, Journal(cache.parent / "run"), source, lambda _: None)


def asking(*names: str) -> Pipeline:
    calls = [f'timm.create_model("{name}", pretrained=True)' for name in names]
    return Pipeline(data="", model="\n".join(calls), train="")


def events(cache: Path) -> list[dict[str, object]]:
    return [event for event in Journal(cache.parent / "run").events if event["kind"] == "weights"]


def test_what_is_asked_for_is_fetched_told_to_the_team_and_written_down(cache: Path, source: ScriptedSource) -> None:
    ours = supply(cache, source)
    ours.meet(asking("b.x"))
    profile = ours.inform(make_profile())
    assert source.asked == ["b.x"]
    assert profile.task.weights == ("b.x",)
    assert profile.fetches
    [event] = events(cache)
    assert (event["name"], event["bytes"]) == ("b.x", 7)


def test_nothing_is_fetched_where_it_may_not_be(cache: Path) -> None:
    ours = supply(cache, None)
    ours.meet(asking("b.x"))
    assert ours.weights == ()
    assert not ours.inform(make_profile()).fetches
    assert events(cache) == []


@pytest.mark.parametrize("name", ["unknown.x", "evil/../../x", "resnet18"])
def test_a_name_that_timm_does_not_know_is_never_asked_for(cache: Path, source: ScriptedSource, name: str) -> None:
    supply(cache, source).meet(asking(name))
    assert source.asked == []


def test_a_name_without_its_tag_means_what_timm_takes_for_it(cache: Path, source: ScriptedSource) -> None:
    ours = supply(cache, source)
    ours.meet(asking("a"))
    ours.meet(asking("a"))
    assert source.asked == ["a.x"]


def test_what_is_there_is_not_fetched(cache: Path, source: ScriptedSource) -> None:
    put(cache, "a.x", tensors_file())
    supply(cache, source).meet(asking("a.x", "a"))
    assert source.asked == []


def test_what_failed_is_not_tried_again_not_even_by_the_next_process(cache: Path, source: ScriptedSource) -> None:
    ours = supply(cache, source)
    ours.meet(asking("gone.x"))
    ours.meet(asking("gone.x"))
    again = supply(cache, source)
    again.meet(asking("gone.x"))
    assert source.asked == ["gone.x"]
    assert again.weights == ()
    assert not again.fetches
    assert [event["error"] for event in events(cache)] == ["gone.x cannot be had."]


def test_a_source_that_knows_no_names_fails_a_name_once(cache: Path, source: ScriptedSource) -> None:
    source.knows = False
    ours = supply(cache, source)
    ours.meet(asking("b.x"))
    ours.meet(asking("b.x"))
    assert [event["error"] for event in events(cache)] == ["nobody knows."]


def test_a_run_does_not_fetch_without_end(cache: Path, source: ScriptedSource) -> None:
    ours = supply(cache, source)
    for number in range(100):
        ours.meet(asking(f"n{number}.x"))
    assert len(source.asked) == MOST


def test_the_first_of_the_weights_stays_the_first_of_a_run(cache: Path, source: ScriptedSource) -> None:
    put(cache, "b.x", tensors_file())
    ours = supply(cache, source)
    ours.meet(asking("a.x"))
    assert ours.weights == supply(cache, source).weights == ("b.x", "a.x")


def test_a_crash_for_want_of_weights_names_those_that_are_there(cache: Path) -> None:
    put(cache, "a.x", tensors_file())
    crash = Crash(phase="check", step="build", culprit="model", error=ABSENT, traceback="...")
    told = supply(cache, None).explain(crash, asking("b.x"))
    assert told.error == "The pretrained weights of b.x are not there; those that are: a.x."
    assert told.traceback == "..."


def test_where_there_are_none_a_crash_says_to_train_from_scratch_and_why_none_came(
    cache: Path, source: ScriptedSource
) -> None:
    ours = supply(cache, source)
    ours.meet(asking("gone.x"))
    told = ours.explain(Crash(phase="check", step="build", culprit="model", error=ABSENT), asking("gone.x"))
    assert "those that are: none at all: train from scratch" in told.error
    assert told.error.endswith("gone.x cannot be had.")


@pytest.mark.parametrize("error", ["NameError: x", "ValueError: shapes"])
def test_another_crash_is_left_as_it_is(cache: Path, error: str) -> None:
    crash = Crash(phase="check", step="build", culprit="model", error=error)
    assert supply(cache, None).explain(crash, asking("b.x")) == crash
