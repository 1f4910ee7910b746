"""An exported folder alone: what is in it, what it needs, how its predict.py answers; no sandbox takes part."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from orchestrator.errors import AutoModelError
from orchestrator.export import COPIED, HARNESS, Source, lay_out, need_room, seal
from orchestrator.model_card import model_card
from orchestrator.parity import Agreement, Parity, Told
from tests.exports import make_source
from tests.harness_jobs import pipeline

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

LOADED = """
import sys
from predict import load, main
main([sys.argv[2]])
predictor = load(sys.argv[1])
folder = sys.argv[1] + "/harness/"
print([module.__file__.removeprefix(folder) for name, module in sys.modules.items() if name.startswith("harness")])
print(predictor([sys.argv[2]]))
"""
CLEAN = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
PREDICTED = Agreement(images=60, difference=1e-7, same=60)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return make_source(tmp_path_factory.mktemp("source"), pipeline())


@pytest.fixture(scope="module")
def folder(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("exported") / "model"
    lay_out(source, made)
    return made


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("photos")
    (home / "inside").mkdir()
    Image.fromarray(np.full((8, 8), 30, np.uint8)).save(home / "inside" / "b.png")
    Image.fromarray(np.full((9, 20, 3), 200, np.uint8)).save(home / "inside" / "a.JPG", "JPEG")
    (home / "inside" / "notes.txt").write_text("no image")
    (home / "broken.png").write_bytes(b"<html>")
    return home


def run(folder: Path, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run predict.py as on a machine that knows nothing of this project."""
    command = [sys.executable, "-I", str(folder / "predict.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=CLEAN, capture_output=True, text=True, check=False)


def test_what_is_copied_is_what_predict_imports_and_nothing_else(folder: Path, photos: Path) -> None:
    command = [sys.executable, "-P", "-c", LOADED, str(folder), str(photos / "inside" / "b.png")]
    done = subprocess.run(
        command, cwd=photos, env=CLEAN | {"PYTHONPATH": str(folder)}, capture_output=True, text=True, check=True
    )
    told, imported, answer = done.stdout.splitlines()

    assert sorted(COPIED) == sorted(eval(imported))  # noqa: S307 - the list that the program above printed
    assert told.split("  ")[1] in answer
    assert "dark" in answer or "grey" in answer or "light" in answer
    for name in COPIED:
        assert (folder / "harness" / name).read_bytes() == (HARNESS / name).read_bytes()


def test_predict_takes_files_and_folders_and_skips_what_is_broken(folder: Path, photos: Path) -> None:
    done = run(folder, "inside", "broken.png", "none.png", "--top", "2", cwd=photos)

    assert done.returncode == 1
    first, second = (line.split("  ") for line in done.stdout.splitlines())
    assert [first[0], second[0]] == ["inside/a.JPG", "inside/b.png"]
    for line in (first, second):
        assert {line[1], line[3]} < {"dark", "grey", "light"}
        assert float(line[2]) >= float(line[4])
    assert done.stderr.splitlines() == [
        "broken.png  skipped: a web page and no image",
        "none.png  skipped: No such file or directory",
        "2 of 4 could not be read.",
    ]


def test_predict_answers_in_json_lines(folder: Path, photos: Path) -> None:
    done = run(folder, "inside", "broken.png", "--top", "9", "--json", cwd=photos)
    lines = [json.loads(line) for line in done.stdout.splitlines()]

    assert done.returncode == 1
    assert [line["file"] for line in lines] == ["inside/a.JPG", "inside/b.png"]
    for line in lines:
        assert {each["label"] for each in line["top"]} == {"dark", "grey", "light"}
        assert sum(each["probability"] for each in line["top"]) == pytest.approx(1, abs=1e-5)
        assert {"label": line["label"], "probability": line["probability"]} == line["top"][0]
    assert "broken.png  skipped: a web page and no image" in done.stderr


def test_all_that_are_read_is_status_0(folder: Path, photos: Path) -> None:
    done = run(folder, photos / "inside", cwd=photos)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("what", ["file", "link", "full"])
def test_a_destination_with_something_in_it_is_refused(what: str, tmp_path: Path) -> None:
    place = tmp_path / "there"
    if what == "file":
        place.write_text("x")
    elif what == "link":
        place.symlink_to(tmp_path / "nowhere")
    else:
        place.mkdir()
        (place / "x").write_text("x")

    with pytest.raises(AutoModelError, match=f"^{place} is no"):
        need_room(place)


def test_an_empty_destination_will_do(tmp_path: Path) -> None:
    need_room(tmp_path)
    need_room(tmp_path / "none")


def test_the_last_thing_are_checksums_of_all_other_files(source: Source, tmp_path: Path) -> None:
    lay_out(source, tmp_path / "model")
    (tmp_path / "model" / "README.md").write_text("card")
    seal(tmp_path / "model")
    facts = json.loads((tmp_path / "model" / "model.json").read_text())

    files = {str(path.relative_to(tmp_path / "model")) for path in (tmp_path / "model").rglob("*") if path.is_file()}
    assert set(facts["checksums"]) == files - {"model.json"}
    assert facts["checksums"]["README.md"] == hashlib.sha256(b"card").hexdigest()
    assert facts["classes"] == ["dark", "grey", "light"]
    assert facts["preparation"]["size"] == [8, 8]


def parity(**changes: Any) -> Parity:
    told = Told(problem="", input=(1, 8, 8), versions={"torch": "2.14.1"})
    return replace(Parity(predictor=PREDICTED, onnx=PREDICTED, problem="", told=told), **changes)


def test_the_card_says_how_good_what_is_confused_and_whose_it_is(source: Source) -> None:
    card = model_card(source, parity(), {"resnet18.a1_in1k": "apache-2.0"})

    assert "| test, looked at once, at the end | 0.7500 | 0.6000 to 0.8500 | 60 |" in card
    assert "| grey | dark | 12 of 20 |\n| grey | light | 3 of 20 |\n" in card
    assert "written by language models (openai some-model)" in card
    assert "not stated: ask whoever gave you the images" in card
    assert "resnet18.a1_in1k: apache-2.0" in card
    assert "1.0e-07" in card
    assert "def eval_transform(task):" in card
    assert "float32 (batch, 1, 8, 8)" in card


def test_the_card_says_why_there_is_no_graph(source: Source) -> None:
    card = model_card(source, parity(onnx=None, problem="it is <b>odd</b>"), {})

    assert "There is no ONNX file: it is &lt;b&gt;odd&lt;/b&gt;." in card
    assert "onnxruntime" not in card


def test_names_of_classes_mean_nothing_in_the_card(source: Source) -> None:
    names = ("<script>alert(1)</script>", "a|b\n# c", "`x`")
    recorded = source.recorded
    task = replace(recorded.model.task, classes=names)
    odd = replace(source, recorded=replace(recorded, model=replace(recorded.model, task=task)))

    card = model_card(odd, parity(), {})

    assert "<script>" not in card
    assert "\n# c" not in card
    assert "| a\\|b \\# c |" in card
