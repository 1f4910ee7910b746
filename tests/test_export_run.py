"""A folder of photos, a run, an export, and new photos elsewhere, without this project: all of it real."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from tests.sandboxes import skip_without
from tests.test_export_folder import CLEAN
from tests.test_export_folder import run as run_predict
from tests.test_hard_times import small_disk
from tests.test_run import automodel, only_run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.torch

CLASSES = ("blue", "green", "red")
GRAPH = """
import sys, json
import onnxruntime
from predict import load, load_preparation
folder, *photos = sys.argv[1:]
session = onnxruntime.InferenceSession(folder + "/model.onnx")
[logits] = session.run(["logits"], {"images": load_preparation(folder).inputs(photos).numpy()})
print(json.dumps([logits.tolist(), load(folder).logits(photos).tolist()]))
"""


def draw(folder: Path, count: int, seed: int) -> None:
    """Noise of a colour, in odd forms: turned by EXIF, transparent, with a palette, 16-bit; no two of one size."""
    random = np.random.default_rng(seed)
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(0, 90, (30 + number, 25 + 2 * number, 3)).astype(np.uint8)
            pixels[..., 2 - label] += 150
            save(Image.fromarray(pixels), folder / name / f"{number}", number % 5)


def save(image: Image.Image, path: Path, form: int) -> None:
    if form == 0:
        exif = Image.Exif()
        exif[0x0112] = 6  # lies on its side
        image.save(path.with_suffix(".jpg"), quality=92, exif=exif)
    elif form == 1:
        image.putalpha(Image.linear_gradient("L").resize(image.size))
        image.save(path.with_suffix(".png"))
    elif form == 2:
        image.quantize(64).save(path.with_suffix(".gif"))
    elif form == 3:
        deep = np.asarray(image.convert("L")).astype(np.uint16) * 13  # 12 bits in 16
        Image.fromarray(deep).save(path.with_suffix(".png"))
    else:
        image.save(path.with_suffix(".webp"), lossless=True)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of photos, and new photos."""
    skip_without("bubblewrap")
    home = tmp_path_factory.mktemp("home")
    draw(home / "photos", 20, 0)
    draw(home / "new", 5, 1)
    done = automodel("run", str(home / "photos"), home=home, RUN_ITERATIONS="0", RUN_FIT_MINUTES="0.1")
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture(scope="module")
def run(home: Path) -> Path:
    return only_run(home, "bubblewrap")


@pytest.fixture(scope="module")
def exported(home: Path, run: Path) -> Path:
    folder = home / "model"
    done = automodel("export", str(run), str(folder), home=home)
    assert done.returncode == 0, done.stderr
    assert "predict.py beside the run's own way" in done.stdout
    return folder


def new_photos(home: Path) -> list[Path]:
    return sorted((home / "new").rglob("*.*"))


def test_predict_py_answers_as_automodel_predict_does_of_the_same_files(
    home: Path, run: Path, exported: Path, tmp_path: Path
) -> None:
    here = run_predict(exported, *new_photos(home), "--json", "--top", "3", cwd=tmp_path)
    there = automodel("predict", str(run), *map(str, new_photos(home)), "--format=jsonl", "--top=3", home=home)
    told, wanted = ([json.loads(line) for line in done.stdout.splitlines()] for done in (here, there))

    assert (here.returncode, here.stderr, there.returncode) == (0, "", 0)
    assert [each["file"] for each in told] == [each["file"] for each in wanted] == list(map(str, new_photos(home)))
    for each, want in zip(told, wanted, strict=True):
        assert [one["label"] for one in each["top"]] == [one["label"] for one in want["top"]]
        assert [one["probability"] for one in each["top"]] == pytest.approx(
            [one["probability"] for one in want["top"]], abs=1e-5
        )
    assert len({want["label"] for want in wanted}) > 1


def test_the_graph_answers_as_predict_py_does(home: Path, exported: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", GRAPH, str(exported), *map(str, new_photos(home))]
    environment = CLEAN | {"PYTHONPATH": str(exported)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    graph, logits = map(np.array, json.loads(done.stdout))

    assert np.abs(graph - logits).max() < 1e-3
    assert (graph.argmax(axis=1) == logits.argmax(axis=1)).all()


def test_the_folder_says_what_was_checked(run: Path, exported: Path) -> None:
    facts, card = json.loads((exported / "model.json").read_text()), (exported / "README.md").read_text()

    assert facts["run"] == run.name
    assert facts["classes"] == list(CLASSES)
    assert facts["preparation"]["ceiling"] == 4095
    assert facts["onnx"]["shape"][0] == "batch"
    for part in ("predict.py", "model.onnx"):
        compared = facts["parity"][part]
        assert compared["difference"] <= facts["parity"]["tolerance"] == 1e-3
        assert compared["same_class"] == compared["images"] > 0
    assert f"{facts['test']['accuracy']:.4f}" in card
    assert "trained from scratch" in card
    assert "4095 is white" in card
    assert {path.name for path in exported.iterdir()} - {"__pycache__"} == {  # from whoever ran predict.py before
        "README.md", "components", "harness", "model.json", "model.onnx", "predict.py", "weights.safetensors",
    }  # fmt: skip
    assert not list(exported.parent.glob(".preparing-*"))


@pytest.mark.docker
def test_the_other_sandbox_exports_into_an_empty_folder(home: Path, run: Path, tmp_path: Path) -> None:
    skip_without("docker")
    (tmp_path / "empty").mkdir()

    done = automodel("export", str(run), str(tmp_path / "empty"), home=home, backend="docker")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "empty" / "model.onnx").exists(), done.stdout
    answer = run_predict(tmp_path / "empty", home / "new", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert len(answer.stdout.splitlines()) == len(new_photos(home))


def copied(run: Path, folder: Path) -> Path:
    shutil.copytree(run, folder)
    return folder


def refused(*arguments: str | Path, home: Path, **knobs: Any) -> str:
    done = automodel("export", *map(str, arguments), home=home, **knobs)
    assert done.returncode == 1 or "DATASETS_DIR" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_an_unfinished_run_is_refused(home: Path, run: Path, tmp_path: Path) -> None:
    unfinished = copied(run, tmp_path / "run")
    (unfinished / "summary.json").unlink()

    assert "is no finished run" in refused(unfinished, tmp_path / "model", home=home)
    assert not (tmp_path / "model").exists()


def test_a_folder_with_something_in_it_is_refused_before_anything_starts(home: Path, run: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine").write_text("mine")

    assert "is not empty" in refused(run, tmp_path / "model", home=home)
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["mine"]


def test_without_the_dataset_nothing_can_be_checked(home: Path, run: Path, tmp_path: Path) -> None:
    assert "DATASETS_DIR" in refused(run, tmp_path / "model", home=home, DATASETS_DIR=str(tmp_path / "none"))


def test_weights_that_are_not_those_of_the_journal_are_refused(home: Path, run: Path, tmp_path: Path) -> None:
    altered = copied(run, tmp_path / "run")
    weights = altered / "best" / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.unlink()
    weights.write_bytes(content)

    assert "is not what the journal" in refused(altered, tmp_path / "model", home=home)
    assert not (tmp_path / "model").exists()


def test_a_full_disk_leaves_nothing(home: Path, run: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 60):
        said = refused(run, tmp_path / "small" / "model", home=home)

        assert "The disk is full" in said
        assert [path.name for path in (tmp_path / "small").iterdir()] == [".lock"]
