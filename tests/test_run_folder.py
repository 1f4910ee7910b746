"""Which run is continued, and what an interrupted one left."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from orchestrator.errors import AutoModelError
from orchestrator.run_folder import hold, open_run, restore

if TYPE_CHECKING:
    from pathlib import Path


def test_an_unfinished_run_with_the_same_facts_is_continued(tmp_path: Path) -> None:
    first = open_run(tmp_path, "digits", {"same": 1}, new=False)

    assert open_run(tmp_path, "digits", {"same": 1}, new=False) == first
    assert open_run(tmp_path, "digits", {"same": 2}, new=False) != first
    assert open_run(tmp_path, "digits", {"same": 1}, new=True) != first


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff"])
def test_a_run_whose_facts_are_damaged_is_left_alone(tmp_path: Path, content: bytes) -> None:
    damaged = open_run(tmp_path, "digits", {"same": 1}, new=False)
    (damaged / "run.json").write_bytes(content)

    assert open_run(tmp_path, "digits", {"same": 1}, new=False) != damaged
    assert (damaged / "run.json").read_bytes() == content


HOLDING = """
import sys
from pathlib import Path
from orchestrator.run_folder import hold
hold(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.readline()
"""


def test_a_run_has_one_process_and_the_second_is_told_which(tmp_path: Path) -> None:
    command, pipe = [sys.executable, "-c", HOLDING, str(tmp_path)], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with pytest.raises(AutoModelError, match=f"is being run by process {process.pid}: wait for it, .* --new"):
            hold(tmp_path)
        process.kill()

    os.close(hold(tmp_path))  # the lock ends with its process


def test_what_an_interrupt_left_goes_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "iterations" / "000" / "attempt-1").mkdir(parents=True)
    (tmp_path / "iterations" / "000" / "attempt-2").mkdir(parents=True)
    (tmp_path / "iterations" / ".DS_Store").touch()
    (tmp_path / "iterations" / "notes").mkdir()

    restore(tmp_path, [], {"iterations/000/attempt-1"})

    assert sorted(path.name for path in (tmp_path / "iterations").rglob("*")) == [
        ".DS_Store",
        "000",
        "attempt-1",
        "notes",
    ]
