"""A record is on disk whole or not at all; what is damaged is refused in one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from orchestrator.journal import Journal
from orchestrator.replay import DamagedJournalError, read_events

if TYPE_CHECKING:
    from pathlib import Path

FULL_DISK = """
import resource, sys
from pathlib import Path
from orchestrator.journal import Journal

journal = Journal(Path(sys.argv[1]))
journal.record("begin", format=2, spent=0)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
try:
    journal.record("crash", error="x" * 100)
except OSError as error:
    print(error)
print(len(journal.events))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.record("end", why="")
"""
"""A file that may not grow is written in part, as on a full disk."""


def test_what_a_full_disk_cuts_off_is_taken_back(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    told, events = done.stdout.splitlines()
    assert "journal.jsonl" in told
    assert events == "1"
    assert [event["kind"] for event in read_events(tmp_path)] == ["begin", "end"]


def test_a_line_torn_by_a_crash_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text('{"kind": "begin", "format": 2, "time": 1.0, "spent": 0.0}\n{"kind": "it')

    with closing(Journal(tmp_path)) as journal:
        journal.record("end", why="")

    assert [event["kind"] for event in read_events(tmp_path)] == ["begin", "end"]


@pytest.mark.parametrize("line", ['{"kind": "it', "7", "[]", '{"time": 1.0}', "\0\0", '{"kind": 5}'])
def test_a_damaged_line_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "journal.jsonl").write_text(f'{line}\n{{"kind": "end", "time": 1.0}}\n')

    with pytest.raises(DamagedJournalError, match=r"journal\.jsonl is damaged"):
        Journal(tmp_path)


@pytest.mark.parametrize(
    "event",
    [{"kind": "iteration"}, {"kind": "begin", "format": 2}, {"kind": "begin", "format": 2, "time": "noon", "spent": 0}],
)
def test_an_event_that_lacks_what_it_needs_is_refused(tmp_path: Path, event: dict[str, object]) -> None:
    (tmp_path / "journal.jsonl").write_text(json.dumps(event) + "\n")

    with closing(Journal(tmp_path)) as journal, pytest.raises(DamagedJournalError):
        journal.seconds_spent(), journal.history()
