"""The whole of it: real digits, a real sandbox, the real SDKs, and a server on loopback that speaks for the model."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.components import COMPONENTS
from tests.chat_servers import KEY, ChatServer, good, refuse, serve
from tests.scripted_model import role
from tests.team_cases import PLAIN, better, chosen, code, drafted, feedback
from tests.test_run import backend, environment, home, mostly, only_run, processes_with

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.chat_servers import Act

__all__ = ["backend", "home"]

PROVIDERS = {"docker": "openai", "bubblewrap": "anthropic"}
"""Of each sandbox: neither knows anything of the other."""
UNDEFINED = "def build_model(task):\n    return ResNet(task)\n"
CRASHING = "def train(model, task, run):\n    raise RuntimeError('mat1 and mat2 shapes cannot be multiplied')\n"


class Actors:
    """What each agent says, in turn; the last words again and again."""

    def __init__(self, **parts: list[str | Act]) -> None:
        self.parts = parts
        self.counts: Counter[str] = Counter()

    def __call__(self, body: dict[str, Any]) -> Act:
        who = role(body)
        said = self.parts[who][min(self.counts[who], len(self.parts[who]) - 1)]
        self.counts[who] += 1
        return good(said) if isinstance(said, str) else said


def five_iterations() -> Actors:
    """A draft; a crash that is mended; an undefined name; a busy server; prose; a crash that is not mended."""
    ideas = [("train", "faster"), ("model", "wider"), ("data", "brighter"), ("train", "calmer"), ("train", "bolder")]
    return Actors(
        architect=[drafted()],
        analyst=[feedback(part, change) for part, change in ideas],
        summarizer=["data: plain\nmodel: one convolution\ntrain: AdamW, 3 epochs"],
        model=[code(UNDEFINED), code(better(PLAIN.model))],
        data=[refuse(429, "Slow down.", {"Retry-After": "0.1"}), code(better(PLAIN.data))],
        train=[
            *[code(CRASHING), code(better(PLAIN.train, "mended"))],
            *["I cannot do that.", "Really not.", "No.", code(better(PLAIN.train, "after all"))],
            *[*[code(better(CRASHING, mark)) for mark in "zabc"], chosen("tiny-grey")],  # CRASHING itself is known
        ],
    )


def run_digits(server: ChatServer, home: Path, backend: str, provider: str, **knobs: str) -> dict[str, Any]:
    """The arguments of a process that runs digits with this server as its provider."""
    name = provider.upper()
    address = server.url if provider == "anthropic" else f"{server.url}/v1"
    reached = {f"{name}_API_KEY": KEY, f"{name}_BASE_URL": address}
    given = {
        "RUN_ITERATIONS": "5",
        "RUN_FINALS": "0",
        "LLM_MODEL": "some-model",
        "LLM_PRICES": "some-model=1/2",
        **reached,
        **knobs,
    }
    return {
        "args": [sys.executable, "-u", "-m", "orchestrator", "run", "digits"],
        "env": environment(home, backend, **given),
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "text": True,
    }


def journal(run: Path, kind: str) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    return [event for event in events if event["kind"] == kind]


@mostly("bubblewrap")
def test_five_iterations_with_everything_that_goes_wrong(home: Path, backend: str) -> None:
    provider = PROVIDERS[backend]
    home = home / provider
    with serve(then=five_iterations()) as server:
        done = subprocess.run(**run_digits(server, home, backend, provider), check=False)

    assert done.returncode == 0, done.stdout
    run = only_run(home, backend)
    turns = journal(run, "iteration")
    assert [turn["change"] for turn in turns] == [
        "the architect's draft",
        "train: faster; repaired: train.py",
        "model: wider",
        "data: brighter",
        "train: calmer; repaired: train.py",
        "train: of recipe: tiny-grey instead of train: bolder",
    ]
    assert all("score" in turn["outcome"] for turn in turns)
    assert [[repair["worked"] for repair in turn["repairs"]] for turn in turns] == [
        *([], [True], [], [], [True]),
        [False, False, False, True],
    ]
    summary = json.loads((run / "summary.json").read_text())
    assert (summary["iterations"], summary["failed"], summary["provider"]) == (5, 0, f"{provider} some-model")
    files = sorted((run / "chat").iterdir())
    assert len(files) == len(server.bodies) - 1  # one was refused
    assert summary["tokens"] == 120 * len(files)
    assert "The language models' bill:" in done.stdout
    seen = [path.read_bytes() for path in run.rglob("*") if path.is_file()]
    assert not [text for text in [*seen, done.stdout.encode()] if KEY.encode() in text]


@mostly("docker")
def test_killed_at_any_reply_it_goes_on_and_no_reply_is_paid_twice(home: Path, backend: str) -> None:
    home = home / "killed"
    actors = five_iterations()
    actors.parts["data"] = [code(better(PLAIN.data))]  # nobody is busy here
    processes: list[subprocess.Popen[str]] = []
    kills = {"architect", "analyst", "engineer"}  # once each, when their reply has been sent

    def kill_after(body: dict[str, Any]) -> Act:
        who, act = role(body), actors(body)
        who = "engineer" if who in COMPONENTS else who  # any: a killed analyst may come back with another idea
        if who not in kills:
            return act
        kills.remove(who)
        return _then(act, lambda: processes[-1].send_signal(signal.SIGKILL))

    with serve(then=kill_after) as server:
        for _ in range(4):
            with subprocess.Popen(**run_digits(server, home, backend, "openai", RUN_ITERATIONS="1")) as process:
                processes.append(process)
                said, _ = process.communicate()

    assert [process.returncode for process in processes] == [-9, -9, -9, 0], said
    run = only_run(home, backend)
    assert len(journal(run, "iteration")) == 2
    asked = Counter(json.dumps(body, sort_keys=True) for body in server.bodies)
    lost = sum(asked.values()) - len(list((run / "chat").iterdir()))
    assert lost <= 3  # those that the kill overtook on their way to the disk
    assert sum(count - 1 for count in asked.values()) == lost
    assert processes_with(str(run)) == []


def _then(act: Act, more: Callable[[], None]) -> Act:
    def both(handler: Any) -> None:
        act(handler)
        more()

    return both


@pytest.mark.parametrize(
    ("knobs", "status", "says"),
    [
        ({"ANTHROPIC_API_KEY": "b" * 20}, 2, "both set: say LLM_PROVIDER"),
        (
            {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": "", "LLM_PROVIDER": "openai"},
            2,
            "LLM_PROVIDER=openai needs a key: set OPENAI_API_KEY",
        ),
        ({"LLM_PRICES": "", "BUDGET_USD": "1"}, 2, "BUDGET_USD needs the price of some-model"),
        ({"BUDGET_TOKENS": "100"}, 6, "No pipeline trained (the next call could pass BUDGET_TOKENS=100"),
    ],
)
def test_what_a_language_model_cannot_do_ends_in_one_sentence(
    home: Path, backend: str, knobs: dict[str, str], status: int, says: str
) -> None:
    if backend == "docker":
        pytest.skip("no container is asked")
    with serve() as server:
        done = subprocess.run(**run_digits(server, home / "refused", backend, "openai", **knobs), check=False)

    assert done.returncode == status, done.stdout
    assert says in done.stdout
    assert "Traceback" not in done.stdout
    assert server.bodies == []


def test_a_key_that_is_refused_ends_the_run_with_status_5(home: Path, backend: str) -> None:
    if backend == "docker":
        pytest.skip("no container is asked")
    with serve(refuse(401, f"Incorrect API key provided: {KEY}")) as server:
        done = subprocess.run(**run_digits(server, home / "refused", backend, "openai"), check=False)

    assert done.returncode == 5, done.stdout
    assert "does not accept the key in OPENAI_API_KEY: check it." in done.stdout
    assert KEY not in done.stdout


def test_a_budget_that_is_spent_ends_the_run_cleanly_before_the_call(home: Path, backend: str) -> None:
    if backend == "docker":
        pytest.skip("the same in either sandbox")
    home = home / "budget"
    knobs = {"BUDGET_TOKENS": "30000", "LLM_OUTPUT_TOKENS": "2000"}
    actors = five_iterations()
    actors.parts["architect"] = [good(drafted(), tokens=24_000)]
    with serve(then=actors) as server:
        done = subprocess.run(**run_digits(server, home, backend, "openai", **knobs), check=False)

    assert done.returncode == 0, done.stdout
    summary = json.loads((only_run(home, backend) / "summary.json").read_text())
    assert "the next call could pass BUDGET_TOKENS=30,000" in summary["ended"]
    assert summary["tokens"] <= 30_000
    assert summary["test"]["accuracy"] > 0
