"""The job that runs a whole script: what it lays out, what it makes of what the script leaves, and how that may end."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report import Report

if TYPE_CHECKING:
    from numpy.typing import NDArray

Image = pytest.importorskip("PIL.Image", reason="the extra `harness` is not installed")
files = pytest.importorskip("harness.image_files")
predictions = pytest.importorskip("harness.predictions")

ROOT = Path(__file__).parents[1]
CLASSES = ("dark", "grey", "light")
TEST = [2, 0, 1, 1, 0, 2, 0]
HONEST = """
import csv, os
import numpy as np
from PIL import Image

def value(path):
    return np.asarray(Image.open(path)).mean()

means = {name: np.mean([value(f"train/{name}/{file}") for file in os.listdir(f"train/{name}")])
         for name in os.listdir("train")}
rows = csv.writer(open("predictions.csv", "w"))
rows.writerow(["file", "class"])
for file in sorted(os.listdir("test")):
    rows.writerow([file, min(means, key=lambda name: abs(means[name] - value(f"test/{file}")))])
"""
"""It never closes its file: the end of the interpreter does."""


def grey(labels: list[int]) -> NDArray[np.uint8]:
    """Noise that is the brighter, the higher the label."""
    noise = np.random.default_rng(0).integers(0, 60, (len(labels), 1, 8, 8))
    pixels: NDArray[np.uint8] = (noise + 80 * np.array(labels)[:, None, None, None]).astype(np.uint8)
    return pixels


def png(pixels: NDArray[np.uint8], kind: str = "png") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


@dataclass(frozen=True)
class Ran:
    """A job that has ended."""

    status: int
    root: Path
    said: str

    @property
    def error(self) -> str:
        crash = Report.parse((self.root / "out/report.json").read_bytes()).crash
        return crash.error if crash else ""

    @property
    def logits(self) -> list[list[float]] | None:
        path = self.root / "out/logits.f32"
        return np.fromfile(path, dtype="<f4").reshape(-1, len(CLASSES)).tolist() if path.exists() else None


def run(root: Path, script: str, **order: Any) -> Ran:
    for part in ("input", "train", "images", "out"):
        (root / part).mkdir()
    np.save(root / "train/labels.npy", np.arange(30) % 3)
    np.save(root / "train/images.npy", grey([row % 3 for row in range(30)]))
    np.save(root / "images/images.npy", grey(TEST))
    place = {"classes": CLASSES, "channels": 1, "seconds": 300, "place": str(root / "work")}
    (root / "input/script.json").write_text(json.dumps({**place, **order}))
    (root / "input/script.py").write_text(script)
    (root / "input/go").touch()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "harness", "script", "--root", str(root)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(done.returncode, root, done.stdout + done.stderr)


def leaves(text: str) -> str:
    return f"open('predictions.csv', 'w').write({text!r})\n"


def test_a_script_finds_its_images_and_its_classes_come_out(tmp_path: Path) -> None:
    ran = run(tmp_path, HONEST)

    assert (ran.status, ran.error) == (0, ""), ran.said
    assert ran.logits == np.eye(3)[TEST].tolist()
    assert sorted(path.name for path in (tmp_path / "work/train").iterdir()) == sorted(CLASSES)
    assert [path.name for path in sorted((tmp_path / "work/test").iterdir())] == [f"{row:06}.png" for row in range(7)]
    shown = [np.asarray(Image.open(tmp_path / f"work/test/{row:06}.png")) for row in range(7)]
    assert np.array_equal(shown, grey(TEST)[:, 0])
    assert np.array_equal(np.asarray(Image.open(tmp_path / "work/train/light/000002.png")), grey([0, 1, 2] * 10)[2, 0])


def test_what_is_stored_as_files_is_laid_out_as_it_is(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (3, 9, 7, 3), dtype=np.uint8)
    stored = [png(colours[0], "jpeg"), png(colours[1]), png(colours[2], "jpeg")]
    (tmp_path / "images.bin").write_bytes(b"".join(stored))
    np.save(tmp_path / "offsets.npy", np.cumsum([0, *map(len, stored)]))

    laid = list(files.image_files(tmp_path, 3))

    assert laid == list(zip(["000000.jpg", "000001.png", "000002.jpg"], stored, strict=True))


def test_colour_comes_out_as_it_was(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 4), dtype=np.uint8)
    np.save(tmp_path / "images.npy", colours)

    shown = [np.asarray(Image.open(io.BytesIO(content))) for _, content in files.image_files(tmp_path, 3)]

    assert np.array_equal(shown, colours.transpose(0, 2, 3, 1))


@given(st.lists(st.text(), min_size=1, max_size=20, unique=True))
def test_every_class_gets_a_folder_of_its_own(classes: list[str]) -> None:
    names = files.folder_names(classes)

    assert len({*names}) == len(classes)
    for name in names:
        assert len(name.encode()) < 255
        assert not {*name} & {*'/\0,"\n\r'}
        assert name.strip(" .") == name != ""


def test_names_that_can_be_folders_stay() -> None:
    assert files.folder_names(["b_-2", "b/", "b:"]) == ["b_-2", "b_", "b_-2-2"]
    assert files.folder_names(["cat", "sea lion", "N/A", "N_A", "..", "Kätzchen"]) == [
        "cat",
        "sea lion",
        "N_A",
        "N_A-3",
        "class",
        "Kätzchen",
    ]


def test_an_image_without_a_class_that_there_is_has_none(tmp_path: Path) -> None:
    lines = ["file,class", "000000.png,light", "000001.png,blue", "999.png,dark", "000003.png,grey"]

    ran = run(tmp_path, leaves("\n".join(lines)))

    none = [0.0, 0.0, 0.0]
    assert ran.status == 0
    assert ran.logits == [[0.0, 0.0, 1.0], none, none, [0.0, 1.0, 0.0], none, none, none]


def test_of_two_lines_the_last_counts_and_paths_and_further_columns_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    path.write_bytes(b'\xef\xbb\xbfId, File ,CLASS\r\n1,/tmp/x/a.png, "cat"\r\n\r\n2,b.png,dog\r\n3,a.png,dog\r\n')

    assert predictions.read_predictions(path, ["a.png", "b.png", "c.png"], ["cat", "dog"]).tolist() == [1, 1, -1]


BAD: dict[str, tuple[str, str]] = {
    "nothing": ("print('done')", "The script ended and left no predictions.csv."),
    "another header": (leaves("image,label\n000000.png,dark\n"), "no column 'file'; its header is 'image,label'"),
    "empty": (leaves(""), "no column 'file'"),
    "no class of ours": (leaves("file,class\n000000.png,0\n"), "No line of predictions.csv names"),
    "cut short": (leaves("class,file\ndark,000000.png\ngrey"), "Line 3 of predictions.csv has too few columns."),
    "no CSV": (leaves('file,class\n"000000.png"x,dark'), "Line 2 of predictions.csv is no CSV"),
    "bytes": ("open('predictions.csv', 'wb').write(bytes(range(256)))", "cannot be read: UnicodeDecodeError."),
    "too long": (leaves("file,class\n" + "x" * 5000), "predictions.csv has more than 4096 bytes."),
    "a folder": ("import os; os.mkdir('predictions.csv')", "left no predictions.csv"),
    "a pipe": ("import os; os.mkfifo('predictions.csv')", "left no predictions.csv"),
    "an exception": (f"{leaves('file,class')}undefined", "The script failed: the process left with exit status 1."),
    "no Python": ("def", "The script failed: the process left with exit status 1."),
    "a signal": ("import os; os.abort()", "The script failed: the process was killed by SIGABRT."),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_result_is_told_in_a_sentence(tmp_path: Path, name: str) -> None:
    script, sentence = BAD[name]

    ran = run(tmp_path, script)

    assert sentence in ran.error
    assert (ran.status, ran.logits) == (1, None)


def test_what_it_raised_is_in_the_log(tmp_path: Path) -> None:
    ran = run(tmp_path, "undefined")

    assert "NameError: name 'undefined' is not defined" in ran.said


def test_a_script_that_does_not_end_is_no_result_whatever_it_has_written(tmp_path: Path) -> None:
    ran = run(tmp_path, f"{HONEST}\nimport time\nrows = None\nwhile True: time.sleep(1)", seconds=3)

    assert ran.error == "The script did not end within its 3 s and was killed."
    assert (ran.status, ran.logits) == (1, None)


def test_what_it_started_ends_with_it(tmp_path: Path) -> None:
    child = "import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"

    ran = run(tmp_path, f"{child}open('pid', 'w').write(str(child.pid))\n{HONEST}")

    assert ran.logits is not None  # and the pipes were closed, or `run` had waited for ten minutes
    assert not Path("/proc", (tmp_path / "work/pid").read_text(), "exe").exists()


def test_exit_with_status_0_is_an_end_like_any_other(tmp_path: Path) -> None:
    ran = run(tmp_path, f"{HONEST}\nimport sys\nsys.exit()")

    assert ran.logits == np.eye(3)[TEST].tolist()


def test_the_judge_needs_no_torch() -> None:
    watch = "import sys; from harness import script; sys.exit(bool({'torch', 'timm'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", watch], cwd=ROOT, check=False).returncode == 0
