"""Half a dataset never outlives its process for long, and nobody removes that of a living one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from orchestrator.growing import growing_folder

ROOT = Path(__file__).parent.parent
GROW = """
import sys, pathlib
from orchestrator.growing import growing_folder
with growing_folder(pathlib.Path(sys.argv[1])) as folder:
    (folder / "dataset").mkdir()
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_a_folder_is_gone_afterwards(tmp_path: Path) -> None:
    with growing_folder(tmp_path / "datasets") as folder:
        (folder / "dataset").mkdir()

    assert not folder.exists()


def test_a_killed_process_leaves_its_folder_until_the_next_preparation(tmp_path: Path) -> None:
    command = [sys.executable, "-c", GROW, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        left = Path(process.stdout.readline().strip())
        with growing_folder(tmp_path):
            assert (left / "dataset").is_dir()  # the process lives
        process.kill()

    assert (left / "dataset").is_dir()
    with growing_folder(tmp_path):
        assert not left.exists()


def test_only_folders_of_our_own_naming_are_removed(tmp_path: Path) -> None:
    kept = {"digits-00000000", ".preparing-notes", ".digits-00000000"}
    for name in kept | {".preparing-0123abcd"}:
        (tmp_path / name).mkdir()

    with growing_folder(tmp_path):
        pass

    assert {path.name for path in tmp_path.iterdir()} == kept | {".lock"}
