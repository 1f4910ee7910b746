"""A component that could not even be imported is refused before a container is asked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from orchestrator.components import (
    LARGEST,
    InvalidComponentError,
    Pipeline,
    check_component,
    read_components,
    write_components,
)

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.components import ComponentName

TRAIN = "def train(model, task, run):\n    pass\n"
PIPELINE = Pipeline(data="a = 1\n", model="b = 'ä'\n", train=TRAIN)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("train", TRAIN),
        ("train", "def train(m, t, r, extra=1):\n    pass\n"),
        ("train", "def train(*everything):\n    pass\n"),
        ("model", "def build_model(task):\n    pass\ndef predict(model, images):\n    pass\n"),
    ],
)
def test_what_the_contract_allows_is_accepted(name: ComponentName, source: str) -> None:
    check_component(name, source)


@pytest.mark.parametrize(
    ("name", "source", "says"),
    [
        ("train", "def train(model, task, run)\n    pass\n", "does not parse"),
        ("train", "x = 1\n", r"lacks the function train\(model, task, run\)"),
        ("train", "def train(model, task):\n    pass\n", r"must take \(model, task, run\)"),
        ("train", "def train(model, task, run, more):\n    pass\n", "must take"),
        ("train", "def train(model, task, run, *, more):\n    pass\n", "must take"),
        ("model", "class build_model:\n    pass\n", "lacks the function build_model"),
        ("model", "def build_model(task):\n    pass\ndef predict(images):\n    pass\n", "predict must take"),
        ("data", "\0", "NUL"),
        ("data", "#" * (LARGEST + 1), "larger"),
        ("data", "(" * 5000, "does not parse"),
    ],
)
def test_what_it_does_not_is_refused_in_one_sentence(name: ComponentName, source: str, says: str) -> None:
    with pytest.raises(InvalidComponentError, match=says):
        check_component(name, source)


def test_components_come_back_as_written_and_nobody_may_write_them(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        write_components(PIPELINE, tmp_path / "components")
    finally:
        os.umask(old)

    assert read_components(tmp_path / "components") == PIPELINE
    assert (tmp_path / "components" / "data.py").stat().st_mode & 0o777 == 0o444
    assert (tmp_path / "components").stat().st_mode & 0o777 == 0o755


def test_the_checksum_knows_which_file_holds_what() -> None:
    moved = Pipeline(data=PIPELINE.data + PIPELINE.model, model="", train=TRAIN)

    assert PIPELINE.checksum != moved.checksum
    assert PIPELINE.checksum == PIPELINE.with_component("train", TRAIN).checksum
