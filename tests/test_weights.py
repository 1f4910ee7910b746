"""Pretrained weights count as here where the sandbox can load them, and nothing that is half there looks whole."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from orchestrator.weights import available_weights, keep, list_weights
from orchestrator.weights_table import lines_of_kept
from tests.small_weights import put, tensors_file

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A folder that everybody may enter, as that of a test is not."""
    folder = tmp_path / "cache"
    folder.mkdir(mode=0o755)
    return folder


def problems(folder: Path) -> dict[str, str]:
    return {kept.name: kept.problem for kept in list_weights(folder)}


def test_weights_that_are_whole_and_open_are_available(cache: Path) -> None:
    put(cache, "b.in1k", tensors_file())
    put(cache, "a.in1k", tensors_file())
    assert available_weights(cache) == ("a.in1k", "b.in1k")


def test_weights_of_a_folder_that_is_not_there_are_none(cache: Path) -> None:
    assert available_weights(cache / "nowhere") == ()


@pytest.mark.parametrize(
    "content",
    [
        tensors_file()[:-1],
        tensors_file() + b"x",
        b"",
        b"\xff" * 100,
        (10).to_bytes(8, "little") + b'{"a": 1}  ',
        (5).to_bytes(8, "little") + b"[[[[[",
        (2).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
    ],
    ids=["cut", "longer", "empty", "noise", "no tensor", "no JSON", "nothing in it", "a list"],
)
def test_a_file_that_is_not_what_its_header_says_is_not_whole(cache: Path, content: bytes) -> None:
    put(cache, "a.in1k", content)
    assert "not whole" in problems(cache)["a.in1k"]
    assert available_weights(cache) == ()


def test_weights_that_no_ref_leads_to_are_not_whole(cache: Path) -> None:
    put(cache, "a.in1k", tensors_file())
    (cache / "models--timm--a.in1k" / "refs" / "main").unlink()
    assert "not whole" in problems(cache)["a.in1k"]


def test_weights_that_another_user_may_not_read_say_so(cache: Path) -> None:
    put(cache, "a.in1k", tensors_file()).chmod(0o600)
    put(cache, "b.in1k", tensors_file()).parent.chmod(0o700)
    assert all(problem.endswith(f"chmod -R o+rX {cache}") for problem in problems(cache).values())


def test_a_link_within_the_cache_is_followed_and_one_out_of_it_is_not(cache: Path, tmp_path: Path) -> None:
    for name, blob in {"in.x": cache / "blobs" / "b", "out.x": tmp_path / "elsewhere"}.items():
        blob.parent.mkdir(exist_ok=True, parents=True)
        blob.write_bytes(tensors_file())
        model = put(cache, name, b"")
        model.unlink()
        model.symlink_to(os.path.relpath(blob, model.parent))
    assert available_weights(cache) == ("in.x",)
    assert "link" in problems(cache)["out.x"]


def test_what_is_kept_is_open_to_everybody_and_a_link_to_nothing(tmp_path: Path) -> None:
    files = {"config.json": tmp_path / "c", "model.safetensors": tmp_path / "m"}
    files["config.json"].write_text("{}")
    files["model.safetensors"].write_bytes(tensors_file())
    for path in files.values():
        path.chmod(0o600)
    before = os.umask(0o077)
    try:
        kept = keep("a.in1k", "abc", files, tmp_path / "cache")
    finally:
        os.umask(before)
    assert kept.problem == ""
    everything = list((tmp_path / "cache").rglob("*"))
    assert not any(path.is_symlink() for path in everything)
    assert {path.stat().st_mode & 0o777 for path in everything if path.is_file()} == {0o644}
    assert {path.stat().st_mode & 0o777 for path in everything if path.is_dir()} == {0o755}


def test_a_new_version_takes_the_place_of_one_that_was_not_whole(cache: Path, tmp_path: Path) -> None:
    put(cache, "a.in1k", b"half", revision="abc")
    files = {"config.json": tmp_path / "c", "model.safetensors": tmp_path / "m"}
    files["config.json"].write_text("{}")
    files["model.safetensors"].write_bytes(tensors_file())
    assert keep("a.in1k", "abc", files, cache).problem == ""
    assert available_weights(cache) == ("a.in1k",)


def test_the_list_says_that_none_means_training_from_scratch(tmp_path: Path) -> None:
    [line] = lines_of_kept(tmp_path)
    assert "trained from scratch" in line


def test_the_list_shows_name_size_and_what_is_wrong(cache: Path) -> None:
    put(cache, "a.in1k", tensors_file(1_000_000))
    put(cache, "b.in1k", b"half")
    whole, half = lines_of_kept(cache)
    assert whole.split() == ["a.in1k", "4.0", "MB", "whole"]
    assert half.startswith("b.in1k")
    assert "not whole" in half
