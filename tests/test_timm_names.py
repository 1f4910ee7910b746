"""The sandbox says which pretrained names its timm knows; what it says is bounded and checked, and asked for once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.errors import AutoModelError
from orchestrator.timm_names import CACHE, TimmNames, timm_names
from orchestrator.weights_table import lines_of_all
from tests.fakes import ScriptedJob, ScriptedSandbox

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = {
    "timm": "1.0.31",
    "licences": {"resnet18.a1_in1k": "apache-2.0", "resnet18.a2_in1k": "apache-2.0", "vit_tiny.x": ""},
    "defaults": {"resnet18": "resnet18.a1_in1k"},
}
NAMES = TimmNames(**ANSWER)  # type: ignore[arg-type] # as JSON has it


def answering(*answers: Any) -> ScriptedSandbox:
    jobs = [ScriptedJob({"names.json": json.dumps(answer).encode()}) for answer in answers]
    return ScriptedSandbox({"names": jobs})


def test_the_sandbox_is_asked_once_and_its_answer_kept(tmp_path: Path) -> None:
    sandbox = answering(ANSWER)
    assert timm_names(sandbox, tmp_path) == timm_names(sandbox, tmp_path) == NAMES
    [job] = sandbox.started
    assert not job.trusted
    assert not job.network
    assert sandbox.alive == 0


def test_another_sandbox_is_asked_again(tmp_path: Path) -> None:
    timm_names(answering(ANSWER), tmp_path)
    kept = json.loads((tmp_path / CACHE).read_text())
    (tmp_path / CACHE).write_text(json.dumps({**kept, "sandbox": "another"}))
    assert timm_names(answering({**ANSWER, "timm": "2.0"}), tmp_path).timm == "2.0"


@pytest.mark.parametrize("kept", ["", "[]", "{", '{"sandbox": 1}', '{"timm": "1"}'])
def test_a_kept_answer_that_cannot_be_read_is_asked_for_again(tmp_path: Path, kept: str) -> None:
    (tmp_path / CACHE).write_text(kept)
    assert timm_names(answering(ANSWER), tmp_path) == NAMES


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        {**ANSWER, "licences": {"../../evil.x": ""}},
        {**ANSWER, "licences": {"a.b/c": ""}},
        {**ANSWER, "licences": {"a.b": 1}},
        {**ANSWER, "defaults": {"a": "http://x"}},
        {**ANSWER, "licences": {}, "defaults": {}},
        {**ANSWER, "licences": {f"a{number}.x": "" for number in range(30_000)}},
        {**ANSWER, "timm": "1" * 1000},
    ],
)
def test_an_answer_that_is_no_list_of_names_is_refused(tmp_path: Path, answer: Any) -> None:
    with pytest.raises(AutoModelError, match="could not say which pretrained models"):
        timm_names(answering(answer), tmp_path)
    assert not (tmp_path / CACHE).exists()


@pytest.mark.parametrize(
    "said", ["resnet18.a1_in1k", "resnet18", "timm/resnet18.a1_in1k", "hf-hub:timm/resnet18", "hf_hub:timm/resnet18"]
)
def test_all_ways_to_say_a_name_mean_the_exact_one(said: str) -> None:
    assert NAMES.exact(said) == NAMES.need(said) == "resnet18.a1_in1k"


def test_a_misspelt_name_is_told_with_those_that_are_near() -> None:
    assert NAMES.exact("resnet18.a3") is None
    with pytest.raises(AutoModelError, match=r"none of the 3 .* timm 1.0.31 .*resnet18.a1_in1k"):
        NAMES.need("resnet18.a3_in1k")


def test_the_list_of_all_shows_licences_and_can_be_narrowed(tmp_path: Path) -> None:
    assert [line.split() for line in lines_of_all(NAMES, tmp_path, "a2")] == [["resnet18.a2_in1k", "apache-2.0"]]
    assert [line.split()[0] for line in lines_of_all(NAMES, tmp_path, "*_in1k")] == [
        "resnet18.a1_in1k",
        "resnet18.a2_in1k",
    ]
    assert "unknown licence" in lines_of_all(NAMES, tmp_path, "vit")[0]
    assert "no pretrained model" in lines_of_all(NAMES, tmp_path, "nothing")[0]
