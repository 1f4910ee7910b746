"""Bad inputs, made by the libraries that define their formats: each ends in one sentence that says what to do."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("PIL", reason="the extra `harness` is not installed")

from harness.prepare.__main__ import CANNOT_WRITE, UNUSABLE, main
from harness.sources import open_source
from harness.sources.source import UnusableDatasetError
from orchestrator.errors import DatasetError
from orchestrator.origin import find_origin
from tests.bad import archives, arrays, fine, folders, images, pictures, tables

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = {
    f"{module.__name__.rpartition('.')[2]}: {name}": case
    for module in (images, archives, folders, tables, arrays)
    for name, case in module.CASES.items()
}
LONGEST = 700
AS_NOBODY = """
import locale, os, sys
from PIL import Image
from harness.prepare.__main__ import main
Image.init()  # what would be imported later may be closed to another user
if os.geteuid() == 0:
    os.setuid(65534)
sys.exit(main(["--source", sys.argv[1], "--name", "a", "--out", sys.argv[2]]))
"""
ROOT = Path(__file__).parent.parent


def prepare(source: Path, folder: Path, *options: str) -> tuple[int, str]:
    """Exit status and sentence."""
    report = folder / "report"
    report.mkdir()
    names = ["--source", str(source), "--name", "pets", "--out", str(folder / "out"), "--report-dir", str(report)]
    status = main([*names, *options])
    error = report / "error.txt"
    return status, error.read_text(encoding="utf-8").removesuffix("\n") if error.exists() else ""


@pytest.mark.parametrize("name", CASES)
def test_each_is_one_sentence_that_says_what_to_do(tmp_path: Path, name: str) -> None:
    make, sentence = CASES[name]
    source = make(tmp_path / "source")

    status, said = prepare(source, tmp_path)

    assert status == UNUSABLE, said
    assert re.fullmatch(sentence, said), said
    assert said.isprintable()
    assert len(said) < LONGEST
    assert not {"dataset.json", "scratch"} & {path.name for path in (tmp_path / "out").iterdir()}
    assert list(tmp_path.rglob("canary")) == []


@pytest.mark.parametrize("name", fine.CASES)
def test_what_only_looks_bad_is_prepared_and_what_is_left_out_is_counted(tmp_path: Path, name: str) -> None:
    make, images, skipped = fine.CASES[name]
    source = make(tmp_path / "source")

    status, said = prepare(source, tmp_path)

    assert (status, said) == (0, "")
    facts = json.loads((tmp_path / "out" / "dataset.json").read_bytes())
    assert sum(split["images"] for split in facts["splits"].values()) == images
    assert {reason: count for reason, count in facts["skipped"].items() if count} == skipped


@pytest.mark.parametrize("option", ["--file-column", "--label-column", "--group-column"])
def test_a_column_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path, option: str) -> None:
    source = tables.table(lambda text: text)(tmp_path / "source")

    status, said = prepare(source, tmp_path, option, "colour")

    assert status == UNUSABLE
    assert re.fullmatch(r"'labels\.csv' has the columns file, label, .*: look at DATASET_FILE_COLUMN, .*\.", said), said


CLOSED: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "folder": (pictures.pets, ".", r"The folder cannot be listed \(Permission denied\): allow it\."),
    "class": (pictures.pets, "cat", r"'cat/' cannot be listed \(Permission denied\): allow it\."),
    "image": (pictures.pets, "cat/0.png", r"1 image cannot be read: 'cat/0\.png' \(Permission denied\); replace .*\."),
    "table": (tables.table(str), "labels.csv", r"'labels\.csv' cannot be read as a table \(.*Permission denied.*\."),
    "zip": (archives.zipped, "a.zip", r"'a\.zip' cannot be read \(Permission denied\): allow it\."),
    "tar": (archives.tarred, "a.tar", r"'a\.tar' cannot be read \(Permission denied\): allow it\."),
    "npz": (
        arrays.npz(X=arrays.IMAGES, y=arrays.LABELS),
        "a.npz",
        r"'a\.npz' cannot be read \(.*Permission denied.*\.",
    ),
}


@pytest.mark.parametrize("what", CLOSED)
def test_what_may_not_be_read_is_one_sentence(what: str) -> None:
    """As another user where this one may read everything."""
    make, closed, sentence = CLOSED[what]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "out").mkdir()
        (folder / "out").chmod(0o777)
        source = make(folder / "source")
        (folder / "source" / closed).chmod(0)
        command = [sys.executable, "-c", AS_NOBODY, str(source), str(folder / "out")]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        (folder / "source" / closed).chmod(0o755)

    assert ended.returncode == UNUSABLE, ended.stderr
    assert re.fullmatch(sentence, ended.stderr.rstrip("\n")), ended.stderr


def test_a_full_disk_is_one_sentence_and_another_status(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(out)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        source = fine.CASES["a video among images"][0](tmp_path / "source")
        for number in range(200):
            pictures.picture(number + 100).resize((40, 40)).save(source / "cat" / f"large-{number}.png")

        status, said = prepare(source, tmp_path)
    finally:
        subprocess.run(["umount", str(out)], check=True)  # noqa: S607

    assert status == CANNOT_WRITE
    assert said == "The dataset cannot be written: No space left on device."


def bound_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


@pytest.mark.parametrize(
    "make", [os.mkfifo, bound_socket, Path.touch, None], ids=["pipe", "socket", "empty file", "nothing"]
)
def test_what_is_no_folder_of_images_is_refused_at_once(tmp_path: Path, make: Callable[[Path], None] | None) -> None:
    place = tmp_path / "place"
    if make:
        make(place)

    with pytest.raises((DatasetError, UnusableDatasetError)) as refused:
        open_source(str(find_origin(str(place)).place))

    assert re.search(
        r"is neither the name .* nor a folder or file: name .*\.$|is no dataset: give .*\.$", str(refused.value)
    )


@pytest.mark.parametrize("place", ["/dev/zero", "/dev/null", "/proc/1/mem/x", "x" * 5000, "a\0b", ""])
def test_a_device_or_a_name_that_no_file_has_is_refused(place: str) -> None:
    with pytest.raises(DatasetError, match=r"is neither the name .* nor a folder or file: name .*\.$"):
        find_origin(place)
