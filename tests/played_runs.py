"""A whole run that is played: the real `orchestrator.run.run`, a chat server and a sandbox that answer by content.

Neither remembers a turn: the same request gets the same reply, the same components and seed the same outcome, so that a
run that was interrupted can be compared with one that was not.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from rich.console import Console

from harness.report import Crash, Event, Report
from orchestrator.origin import find_origin
from orchestrator.run import run
from orchestrator.settings import read_settings
from orchestrator.terminal import Terminal
from sandbox.base import Ended, SandboxError, Verdict
from tests.chat_servers import KEY, good
from tests.fakes import CLASSES, make_facts, noise, perfect_logits
from tests.scripted_model import role
from tests.team_cases import PLAIN, better, chosen, code, drafted, feedback
from tests.test_language_run import UNDEFINED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestrator.components import ComponentName
    from orchestrator.settings import Settings
    from sandbox.base import Job, Weakness
    from tests.chat_servers import Act

SIZES = {"validation": 200, "test": 150, "train": 60}
"""Enough for a paired test to see a gain."""
IDEAS: tuple[tuple[ComponentName, str], ...] = (
    ("train", "warm the learning rate up"),
    ("model", "a wider stem"),
    ("data", "erase rectangles at random"),
    ("train", "let the rate fall along a cosine"),
    ("model", "squeeze and excite channels"),
)
"""What the analyst wants, one after the other."""
CRASHES: dict[str, ComponentName | None] = {"2.1": "model", "3.1": None, "3.2": "data"}
CRASHES |= {f"5.{version}": "model" for version in range(1, 9)}
"""Versions that crash, with the culprit: one is mended at once, one at the second try, one never."""
ACCURACY = {0: 0.6, 1: 0.75, 2: 0.5, 3: 0.9, 4: 0.93}
"""By the newest idea in a pipeline: a gain, a loss, a gain, a tie."""
MARK = re.compile(r"(\d)\.(\d)'")
JOB_SECONDS = 0.004
"""So that some kills hit a job."""


def lay_out(home: Path, **knobs: str) -> Settings:
    """A prepared dataset, and the settings of a run of it."""
    source, weights = home / "noise", home / "weights"
    for folder in (source, weights):
        folder.mkdir(parents=True, exist_ok=True)
    settings = read_settings(
        {
            "dataset": str(source),
            "datasets_dir": str(home / "datasets"),
            "runs_dir": str(home / "runs"),
            "weights_dir": str(weights),
            "llm_provider": "openai",
            "llm_model": "some-model",
            "llm_prices": "some-model=1/2",
            "openai_api_key": KEY,
            "run_iterations": str(len(IDEAS)),
            "run_repairs": "2",
            **knobs,
        }
    )
    origin = find_origin(settings.dataset)
    _lay_dataset(settings.datasets_dir / f"{origin.name}-{origin.fingerprint(settings)[:8]}")
    return settings


def _lay_dataset(folder: Path) -> None:
    if folder.exists():
        return
    pixels, labels, start = noise(sum(SIZES.values())), {}, 0
    for name, size in SIZES.items():
        labels[name] = [truth(number) for number in range(start, start + size)]
        hidden = folder / ("train/labels.npy" if name == "train" else f"hidden/{name}.npy")
        for path in (folder / name, hidden.parent):
            path.mkdir(parents=True, exist_ok=True)
        np.save(folder / name / "images.npy", pixels[start : start + size])
        np.save(hidden, np.array(labels[name]))
        start += size
    make_facts(folder, classes=CLASSES, size=4, labels=labels)


def truth(number: int) -> int:
    """The class of an image."""
    return number % len(CLASSES)


def play(settings: Settings, executions: Path, devices: int = 0, fails: Sequence[int] = ()) -> Path:
    """Run it to its end; each job adds a line to a file. `devices`: GPUs that there are."""
    with Path(os.devnull).open("w") as nowhere, Terminal(Console(file=nowhere)) as terminal:
        sandbox = PlayedSandbox(executions, fails=fails, gpu=bool(devices), devices=tuple(map(str, range(devices))))
        return run(settings, sandbox, terminal, new=False)


def answer(body: dict[str, Any]) -> Act:
    """What the agent that asks is told."""
    prompt = "\n".join(str(message["content"]) for message in body["messages"][1:])
    return good(_say(role(body), prompt, json.dumps(body.get("response_format"))))


def _say(who: str, prompt: str, schema: str) -> str:
    if "recipe" in schema and "instructions" not in schema:
        return chosen("tiny-grey")
    if who == "architect":
        return drafted(model=UNDEFINED)
    if who == "summarizer":
        return f"data: plain\nmodel: one convolution\ntrain: AdamW {_digest(prompt)}"
    if who == "analyst":
        return _advise(prompt, schema)
    idea = next((number for number, (_, words) in enumerate(IDEAS, start=1) if f"What to do: {words}" in prompt), 0)
    versions = [int(version) for number, version in MARK.findall(prompt) if int(number) == idea]
    if idea == 4 and "Answer again" not in prompt:
        return "I would rather not."
    part: ComponentName = next(name for name in ("data", "model", "train") if name == who)
    return code(better(PLAIN[part], f"{idea}.{1 + max(versions, default=0)}"))


def _advise(prompt: str, schema: str) -> str:
    if "expectation" not in schema:
        return json.dumps({"component": "data", "instructions": "Mend it."})
    component, change = next((idea for idea in IDEAS if idea[1] not in prompt), ("none", "nothing"))
    return feedback(component, change, instructions=f"Now: {change}.")


def _weights(accuracy: float, made_from: int) -> bytes:
    """A file of weights whose mean and stack mean something: two numbers say all about predictions."""
    header = json.dumps({"learnt": {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}}).encode()
    return len(header).to_bytes(8, "little") + header + np.array([accuracy, made_from], "<f8").tobytes()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass
class PlayedSandbox:
    """Implements `Sandbox`: what a job leaves depends on its input alone."""

    executions: Path
    fails: Sequence[int] = ()
    """Numbers of the jobs, from 1, that the sandbox fails."""
    jobs: int = 0
    name: str = "played"
    gpu: bool = False
    devices: Sequence[str] = ()

    def start(self, job: Job, on_event: Callable[[Event], None] | None = None) -> PlayedRunning:
        return PlayedRunning(self, job, on_event)

    def describe(self) -> dict[str, str]:
        return {"engine": "a play"}

    def weaknesses(self) -> Sequence[Weakness]:
        return ()

    def close(self) -> None:
        """Nothing real runs."""


@dataclass
class PlayedRunning:
    """Implements `Running`."""

    sandbox: PlayedSandbox
    job: Job
    on_event: Callable[[Event], None] | None
    ended: bool = False

    def go(self) -> None:
        if self.on_event:
            self.on_event(Event(kind="phase", text="check"))

    def wait(self) -> Ended:
        time.sleep(JOB_SECONDS)
        self.sandbox.jobs += self.job.name != "probe"
        if self.job.name != "probe" and self.sandbox.jobs in self.sandbox.fails:
            raise SandboxError(f"the sandbox of {self.job.name} ended without a last word.")
        leave = {"probe": self._probe, "fit": self._fit, "predict": self._predict, "sheet": self._sheet}[self.job.name]
        verdict, files = leave()
        for name, data in files.items():
            (self.job.output / name).write_bytes(data)
        if self.job.name != "probe":
            with self.sandbox.executions.open("a") as told:
                told.write(f"{self.job.name} {_digest(repr(files.get('weights.safetensors')))}\n")
        paths = {name: self.job.output / name for name in files}
        return Ended(verdict=verdict, status=0, seconds=1.0, log=f"{self.job.name}\n", files=paths)

    def kill(self) -> None:
        self.ended = True

    def _probe(self) -> tuple[Verdict, dict[str, bytes]]:
        return (Verdict.KILLED, {}) if "eat" in self.job.arguments else (Verdict.FINISHED, {"found.json": b"{}"})

    def _fit(self) -> tuple[Verdict, dict[str, bytes]]:
        components = "\n".join(path.read_text() for path in sorted((self.job.input / "components").iterdir()))
        idea, version = max(MARK.findall(components), default=("0", "0"))
        if f"{idea}.{version}" in CRASHES:
            culprit = CRASHES[f"{idea}.{version}"]
            crash = Crash(phase="fit", step="train", culprit=culprit, error=f"ValueError: {idea}.{version}")
            return Verdict.FINISHED, {"report.json": Report(crash=crash).dump()}
        task = json.loads((self.job.input / "task.json").read_text())
        made_from = int(_digest(f"{components} {task['seed']} {task['train_size']}"), 16)
        report = Report(curve=({"epoch": 1.0, "loss": 0.5, "tuning_accuracy": 0.5},), parameters=7)
        return Verdict.FINISHED, {
            "report.json": report.dump(),
            "weights.safetensors": _weights(ACCURACY[int(idea)], made_from),
        }

    def _sheet(self) -> tuple[Verdict, dict[str, bytes]]:
        order, picture = json.loads((self.job.input / "sheet.json").read_text()), io.BytesIO()
        Image.new("RGB", (116 * order["columns"] + 4, 146 * -(-len(order["cells"]) // order["columns"]) + 4)).save(
            picture, "png"
        )
        return Verdict.FINISHED, {"sheet.png": picture.getvalue()}

    def _predict(self) -> tuple[Verdict, dict[str, bytes]]:
        weights = (self.job.input / "weights.safetensors").read_bytes()
        numbers = np.frombuffer(weights[8 + int.from_bytes(weights[:8], "little") :], "<f8")
        accuracy, made_from = numbers[::2].mean() + 0.2 * (len(numbers) > 2), numbers[1::2].sum()
        images = {image.tobytes(): number for number, image in enumerate(noise(sum(SIZES.values())))}
        shown = [images[image.tobytes()] for image in np.load(self.job.mounts[0].source / "images.npy")]
        known = [int(_digest(f"{number} {made_from}"), 16) / 2**32 < accuracy for number in shown]
        said = [truth(number if right else number + 1) for number, right in zip(shown, known, strict=True)]
        return Verdict.FINISHED, {"report.json": Report().dump(), "logits.f32": perfect_logits(said)}
