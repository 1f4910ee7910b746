"""Run digits with a language model behind an OpenAI-compatible server, in both skills, and beside the playbook.

    make test-llm          the server is at LLM_TEST_URL (default http://127.0.0.1:8089/v1), its model LLM_TEST_MODEL

Prints how each agent did. Fails where a run ends without a classifier, a reply is not on the bill, or fewer than nine
iterations of ten end in a measurement, however weak the model is.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.llm.figures import agent_rows, exchanges, measured, repairs, table

ITERATIONS = os.environ.get("LLM_TEST_ITERATIONS", "5")
FIT_MINUTES = "0.03"
"""Short: in 12 seconds digits are learnt by heart, and a run ends where every validation image is right."""
SERVER = {
    "LLM_PROVIDER": "openai",
    "OPENAI_BASE_URL": os.environ.get("LLM_TEST_URL", "http://127.0.0.1:8089/v1"),
    "LLM_MODEL": os.environ.get("LLM_TEST_MODEL", "qwen2.5-coder-1.5b"),
    "LLM_OUTPUT_TOKENS": "4000",  # a draft is three files in one reply, 2,500 tokens
    "LLM_CONTEXT_TOKENS": os.environ.get("LLM_CONTEXT_TOKENS", "12288"),
    "LLM_TIMEOUT_SECONDS": "1800",  # two cores read 30 tokens a second and write 8
}
TEAMS: dict[str, dict[str, str]] = {
    "playbook": {"LLM_PROVIDER": "playbook"},
    "write": {**SERVER, "LLM_SKILL": "write"},
    "choose": {**SERVER, "LLM_SKILL": "choose"},
}
SHARE = 0.9
"""Of the iterations, that have to end in a measurement."""


def main(names: list[str]) -> int:
    runs = Path(os.environ.get("RUNS_DIR") or tempfile.mkdtemp(prefix="automodel-llm-"))
    print(f"Runs are kept in {runs}.")
    return max([run_team(name, runs / name) for name in names or TEAMS])


def run_team(name: str, folder: Path) -> int:
    """One run; 0 where it is as it should be."""
    knobs = {"RUNS_DIR": str(folder), "RUN_ITERATIONS": ITERATIONS, "RUN_FIT_MINUTES": FIT_MINUTES}
    began = time.monotonic()
    status = subprocess.run(
        [sys.executable, "-m", "orchestrator", "run", "digits"], env={**os.environ, **knobs, **TEAMS[name]}, check=False
    ).returncode
    print(f"\n{name}: exit status {status} after {time.monotonic() - began:.0f} s")
    if status:
        return 1
    [run] = folder.iterdir()
    return judge(run)


def judge(run: Path) -> int:
    """Print the figures of a run; 1 where they are not good enough."""
    summary: dict[str, Any] = json.loads((run / "summary.json").read_text())
    events = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    done, share = measured(events)
    made, worked = repairs(events)
    calls = sum(bill["calls"] for bill in summary["bill"]["agents"].values())
    draft = summary["zero_shot"]["test"]["accuracy"] if summary["zero_shot"] else "none"
    print(f"test accuracy {summary['test']['accuracy']:.4f}, first draft {draft}; ended: {summary['ended']}")
    print(f"{done} iterations, {share:.0%} measured; {made} repairs, {worked} of them worked")
    print(table(agent_rows(run, summary["bill"]["agents"])))
    bills = summary["bill"]["iterations"].items()
    print(f"tokens by iteration: { {number: bill['tokens_in'] + bill['tokens_out'] for number, bill in bills} }")
    accounted = calls == len(exchanges(run))
    return int(not accounted or share < SHARE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
