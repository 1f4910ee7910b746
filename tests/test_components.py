"""Components as values, and on disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.components import Pipeline, read_components, write_components

if TYPE_CHECKING:
    from pathlib import Path

TRAIN = "def train(model, task, run):\n    pass\n"
PIPELINE = Pipeline(data="a = 1\n", model="b = 'ä'\n", train=TRAIN)


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
