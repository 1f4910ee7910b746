"""`automodel bench paper` as a user calls it: real digits, a real sandbox, and a server that speaks for the model."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.bench.paper.published import read_paper
from tests.broken_engine import broken_engine
from tests.chat_servers import KEY, serve
from tests.sandboxes import skip_without
from tests.scripted_model import ScriptedModel
from tests.test_run import environment

if TYPE_CHECKING:
    from pathlib import Path

LEARNT = 0.3
"""Accuracy that no chance gives. What is trained may be worse: 15 seconds are little on a busy machine."""
TABLE_4 = ("--table", "4", "--scale", "tiny", "--trials", "1")


def bench(home: Path, *words: str, **knobs: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(**process_of(home, *words, **knobs), check=False)


def process_of(home: Path, *words: str, **knobs: str) -> dict[str, Any]:
    return {
        "args": [sys.executable, "-u", "-m", "orchestrator", "bench", "paper", str(home / "study"), *words],
        "env": environment(home, "bubblewrap", **knobs),
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "text": True,
    }


def lines(home: Path) -> dict[str, dict[str, str]]:
    with (home / "study" / "table-4.csv").open() as file:
        return {line["system"]: line for line in csv.DictReader(file)}


@pytest.mark.long
def test_a_table_fills_as_it_can_and_nothing_is_measured_twice(tmp_path: Path) -> None:
    skip_without("bubblewrap")
    said = ""
    with subprocess.Popen(**process_of(tmp_path, *TABLE_4)) as process:
        assert process.stdout
        for line in process.stdout:
            said += line
            if "iteration 0: recipe" in line:
                process.send_signal(signal.SIGINT)

    assert process.returncode == 130, said
    assert f"what was measured is in {tmp_path}/study; the same command goes on from there." in said
    assert "Not measured yet." in (tmp_path / "study" / "table-4.md").read_text()

    alone = bench(tmp_path, *TABLE_4)

    assert alone.returncode == 1, alone.stdout
    assert "Not measured: needs a language model: set OPENAI_API_KEY" in alone.stdout
    assert "4 of 6 cells are not measured" in alone.stdout
    own = lines(tmp_path)
    assert {system: line["trials"] for system, line in own.items() if line["trials"] != "0"} == dict.fromkeys(
        ("playbook-first", "playbook", "playbook-careful"), "1"
    )
    assert own["playbook"]["images"] == "359"

    with serve(then=ScriptedModel()) as server:
        reached = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": f"{server.url}/v1", "LLM_MODEL": "some-model"}
        whole = bench(tmp_path, *TABLE_4, **reached)
        asked = len(server.bodies)
        again = bench(tmp_path, *TABLE_4, **reached)

    assert whole.returncode == 0, whole.stdout
    told = lines(tmp_path)
    assert {system: line["trials"] for system, line in told.items()} == dict.fromkeys(told, "1")
    assert float(told["zero-shot"]["test_mean"]) > LEARNT
    assert {line["tests"] for line in (own["playbook"], told["playbook"])} == {own["playbook"]["tests"]}
    assert int(told["automodel"]["tokens"]) > int(told["zero-shot"]["tokens"]) > 0
    assert again.returncode == 0, again.stdout
    assert len(server.bodies) == asked
    assert lines(tmp_path) == told
    kept = [path.read_bytes() for path in (tmp_path / "study").rglob("*") if path.is_file()]
    assert not [text for text in [*kept, whole.stdout.encode()] if KEY.encode() in text]


@pytest.mark.docker
def test_where_a_limit_does_not_hold_no_cell_is_begun(tmp_path: Path) -> None:
    skip_without("docker")
    with broken_engine(tmp_path, {"HostConfig": {"NetworkMode": "bridge"}}):
        reached = {"SANDBOX_BACKEND": "docker", "DOCKER_HOST": f"unix://{tmp_path}/engine.sock"}
        done = bench(tmp_path, "--table", "1", "--scale", "tiny", **reached)

    assert done.returncode == 4, done.stdout
    assert "SANDBOX_ALLOW_WEAK" in done.stdout
    assert "network" in done.stdout
    assert not (tmp_path / "study" / "cells").exists()


def test_a_dry_run_names_every_dataset_of_the_paper_and_leaves_nothing(tmp_path: Path) -> None:
    done = bench(tmp_path, "--dry-run", OPENAI_API_KEY=KEY, LLM_MODEL="gpt-4o")

    assert done.returncode == 0, done.stdout
    named = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert named == {dataset for table in read_paper().tables for dataset in table.datasets}
    assert "Cannot be measured now: zero-shot, automodel: needs a smaller language model" in done.stdout
    assert KEY not in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (("--table", "6"), 2, "--table 6 names no table of the paper's"),
        (("--trials", "0"), 2, "--trials 0 measures nothing"),
        (("--dataset", "cifar11"), 3, "did you mean cifar10?"),
        (("--rank", "cassava=2"), 2, "--rank cassava=2 will not do"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(tmp_path: Path, words: tuple[str, ...], status: int, says: str) -> None:
    done = bench(tmp_path, *words)

    assert (done.returncode, done.stdout.count("\n")) == (status, 1), done.stdout
    assert says in done.stdout
