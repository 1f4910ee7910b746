"""The row "LLM zero-shot": what somebody gets who is no expert and asks a language model for a script (section 4.1).

One request with the paper's words, one reply, one script that is run once: nothing is mended, nothing tried again. The
model is the architect's, which drafts whole pipelines in AutoModel. The script learns from the training split, as those
do; the validation split it never meets.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from shutil import rmtree
from typing import TYPE_CHECKING

from orchestrator.agent import clean
from orchestrator.bench.paper.measured import Measured
from orchestrator.bench.paper.script import PLACE, run_script
from orchestrator.blinding import ARRAY, Blinding
from orchestrator.chat import Message, Request
from orchestrator.code_blocks import find_blocks
from orchestrator.compute import find_compute
from orchestrator.errors import SettingsError
from orchestrator.jobs import Jobs
from orchestrator.log import open_log
from orchestrator.prepare import open_dataset
from orchestrator.run import make_profile
from orchestrator.teams import chat_settings, open_chats, open_ledger
from prompts.words import render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.contract import Task
    from orchestrator.chat import Reply
    from orchestrator.dataset import Dataset
    from orchestrator.settings import Settings
    from orchestrator.view import View
    from sandbox.base import Sandbox

AGENT = "non_expert"
"""Who asks, on the bill."""
SYSTEM = "You are a helpful assistant."
"""Said to a model that is told nothing in particular; Anthropic refuses an empty text."""
BESIDE = 60.0
"""Seconds that a script has beside the clock of a training: components import and predict beside it, too."""
LISTED = 30
"""Names of weights in the prompt."""


def zero_shot(settings: Settings, sandbox: Sandbox, view: View, folder: Path) -> Measured:
    """Ask for a script, run it, score what it predicts; a reply that lies in the folder is not asked for again.

    Raises:
        SettingsError: there is no language model to ask.
        AutoModelError: no reply can be had, or the dataset cannot be used, or laid out in the sandbox.
        SandboxError: the sandbox failed, and not the script.
    """
    chat = chat_settings(settings)
    if chat is None:
        raise SettingsError(
            "The row LLM zero-shot needs a language model, and the playbook is none: set OPENAI_API_KEY or "
            "ANTHROPIC_API_KEY, or OPENAI_BASE_URL and LLM_MODEL for a server of your own."
        )
    folder.mkdir(parents=True, exist_ok=True)
    ledger = open_ledger(settings, folder)
    model = open_chats(chat, ledger, view)["architect"]
    dataset = open_dataset(settings, sandbox, view.event)
    task = make_profile(settings, dataset, find_compute(settings, sandbox)).task
    task = replace(task, seconds=task.seconds + BESIDE)
    reply = model.ask(_request(settings, dataset, task))
    script = find_script(reply)
    measured = Measured(test=None, problem="The reply holds no whole script in a fenced block.", seconds=0.0)
    if script:
        view.phase(f"running the script of {reply.model}")
        blinding = Blinding(dataset, folder)
        with _jobs(settings, sandbox, view, folder, blinding) as jobs:
            measured = run_script(script, jobs, blinding, task, folder / "script")
    bill = ledger.total()
    return replace(measured, seconds=reply.seconds + measured.seconds, tokens=bill.tokens, usd=bill.usd)


def find_script(reply: Reply) -> str:
    """The longest fenced block, as the others tell how to install and start it; empty where there is none, or half."""
    blocks = [] if reply.cut_off else find_blocks(clean(reply.text))
    return max((block.code for block in blocks), key=len, default="")


def _request(settings: Settings, dataset: Dataset, task: Task) -> Request:
    names = ", ".join(f"`{name}`" for name in task.weights[:LISTED]) or "none"
    words = render(
        "zero_shot_script",
        classes=str(task.num_classes),
        kind="PNG" if (dataset.folder / "train" / ARRAY).exists() else "PNG or JPEG",
        place=PLACE,
        weights=names,
        device=task.device,
        cores=f"{settings.job_cores():g}",
        seconds=f"{task.seconds:.0f}",
    )
    return Request(
        agent=AGENT,
        iteration=0,
        system=SYSTEM,
        messages=(Message(role="user", text=words),),
        output_tokens=settings.llm_output_tokens,
        temperature=None if settings.llm_temperature < 0 else settings.llm_temperature,
    )


@contextmanager
def _jobs(settings: Settings, sandbox: Sandbox, view: View, folder: Path, blinding: Blinding) -> Iterator[Jobs]:
    """Jobs with the bait that those of a run see; nothing of them is left but what they gave."""
    with (folder / "log.jsonl").open("a", buffering=1, encoding="utf-8") as log:
        jobs = Jobs(
            sandbox=sandbox,
            compute=find_compute(settings, sandbox),
            weights=settings.weights_dir.resolve() if settings.weights_dir.is_dir() else None,
            folder=folder / "jobs",
            on_event=view.event,
            log=open_log(log),
            bait=blinding.decoys(),
        )
        try:
            yield jobs
        finally:
            blinding.clear()
            rmtree(jobs.folder, ignore_errors=True)
