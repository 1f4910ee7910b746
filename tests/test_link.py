"""A file gets a second name, or a copy where the file system has no such thing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from orchestrator.link import link_or_copy


def test_a_file_is_linked_where_that_can_be(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("w")

    link_or_copy(tmp_path / "weights", tmp_path / "again")

    assert (tmp_path / "again").samefile(tmp_path / "weights")


def test_a_file_is_copied_onto_another_file_system(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:
        if Path(memory).stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("/dev/shm is no file system of its own here")
        Path(memory, "weights").write_text("w")

        link_or_copy(Path(memory, "weights"), tmp_path / "copy")

    assert (tmp_path / "copy").read_text() == "w"


def test_what_is_not_there_and_what_is_in_the_way_are_told(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("w")

    with pytest.raises(FileNotFoundError):
        link_or_copy(tmp_path / "none", tmp_path / "copy")
    with pytest.raises(FileExistsError):
        link_or_copy(tmp_path / "weights", tmp_path / "weights")
