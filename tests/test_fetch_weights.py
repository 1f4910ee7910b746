"""Weights come from a hub whole: redirected, resumed, checked, and never half there; every refusal is one sentence."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import AutoModelError
from orchestrator.fetch_weights import fetch_weights
from orchestrator.weights import available_weights
from tests.hub_server import COMMIT, Hub, serving
from tests.small_weights import hub_files, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.weights import Kept

pytestmark = pytest.mark.torch

NAME = "tiny.in1k"


@contextmanager
def hub(**facts: object) -> Iterator[Hub]:
    with serving(Hub(**{"models": {NAME: hub_files()}, **facts})) as server:  # type: ignore[arg-type] # a table of facts
        yield server


def fetch(server: Hub, folder: Path, name: str = NAME) -> Kept:
    return fetch_weights(name, settings(folder, weights_mirror=server.address), lambda _: None, sleep=lambda _: None)


def refusal(server: Hub, folder: Path, name: str = NAME) -> str:
    with pytest.raises(AutoModelError) as refused:
        fetch(server, folder, name)
    assert available_weights(folder) == ()
    return str(refused.value)


def test_weights_lie_where_the_library_of_the_hub_looks_for_them(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with hub() as server:
        kept = fetch(server, cache)
    place = cache / f"models--timm--{NAME}"
    assert (place / "refs" / "main").read_text() == COMMIT
    snapshot = place / "snapshots" / COMMIT
    files = {path.name: path.read_bytes() for path in snapshot.iterdir()}
    assert files == hub_files()
    assert kept.bytes == len(files["model.safetensors"])
    assert available_weights(cache) == (NAME,)
    assert not list((cache / ".incoming").glob("*/*"))


def test_what_is_here_is_not_fetched_again(tmp_path: Path) -> None:
    with hub() as server:
        first = fetch(server, tmp_path / "cache")
        server.asked.clear()
        assert fetch(server, tmp_path / "cache") == first
        assert server.asked == []


def test_all_files_are_of_the_one_version_that_was_looked_up(tmp_path: Path) -> None:
    with hub() as server:
        fetch(server, tmp_path / "cache")
    fetched = [line for line in server.asked if line.startswith("GET /timm/")]
    assert all(f"/resolve/{COMMIT}/" in line for line in fetched)
    assert len(fetched) == 2


def test_a_renamed_repository_is_followed(tmp_path: Path) -> None:
    with hub(renamed={"old.in1k": NAME}) as server:
        fetch(server, tmp_path / "cache", "old.in1k")
    assert available_weights(tmp_path / "cache") == ("old.in1k",)


def test_a_download_that_breaks_off_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with hub(breaks=2) as server:
        fetch(server, tmp_path / "cache")
    assert available_weights(tmp_path / "cache") == (NAME,)
    assert any(re.search(r"GET /store/.* bytes=[1-9]\d*-$", line) for line in server.asked)


def test_what_never_comes_whole_is_not_there_and_the_next_try_goes_on(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with hub(models={NAME: hub_files(100_000)}, breaks=1000) as server:
        assert "tiny.in1k: model.safetensors cannot be downloaded" in refusal(server, cache)
        [part] = cache.glob(".incoming/*/model.safetensors.part")
        there = part.stat().st_size
        assert there > 0
        server.breaks = 0
        server.asked.clear()
        fetch(server, cache)
    assert any(line.endswith(f"bytes={there}-") for line in server.asked)
    assert available_weights(cache) == (NAME,)


def test_what_has_another_checksum_than_the_hub_said_is_refused_and_removed(tmp_path: Path) -> None:
    with hub(corrupt=True) as server:
        assert "another checksum" in refusal(server, tmp_path / "cache")
    assert not list((tmp_path / "cache").rglob("model.safetensors*"))


def test_a_model_without_safetensors_is_told_how_to_get_in(tmp_path: Path) -> None:
    with hub(models={NAME: {"pytorch_model.bin": b"x", "config.json": b"{}"}}) as server:
        said = refusal(server, tmp_path / "cache")
    assert said.startswith("tiny.in1k has no model.safetensors on 127.0.0.1")
    assert f"automodel weights import FILE --as {NAME}" in said


def test_a_model_that_the_hub_does_not_have_is_one_sentence(tmp_path: Path) -> None:
    with hub() as server:
        assert "does not have other.in1k (status 401)" in refusal(server, tmp_path / "cache", "other.in1k")


def test_a_server_that_is_no_hub_is_refused(tmp_path: Path) -> None:
    with hub(silent=True) as server:
        assert "does not say which version" in refusal(server, tmp_path / "cache")


def test_a_hub_that_cannot_be_reached_is_one_sentence_without_its_password(tmp_path: Path) -> None:
    gone = Hub(models={}, address="http://me:secret@127.0.0.1:9")
    said = refusal(gone, tmp_path / "cache")
    assert said.startswith("127.0.0.1 cannot be reached for tiny.in1k")
    assert "secret" not in said


def test_a_file_that_is_no_safetensors_is_refused_whatever_the_hub_says(tmp_path: Path) -> None:
    with hub(models={NAME: {"config.json": b"{}", "model.safetensors": b"a pickle"}}) as server:
        assert "is no model.safetensors" in refusal(server, tmp_path / "cache")


def test_a_configuration_that_is_none_is_refused(tmp_path: Path) -> None:
    with hub(models={NAME: {**hub_files(), "config.json": b"[1]"}}) as server:
        assert "choose another" in refusal(server, tmp_path / "cache")
