"""The README tells the truth: its commands exist with their flags and settings, and those that can run here do."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from orchestrator.__main__ import _parser
from orchestrator.settings import Settings
from tests.readme_commands import ROOT, Command, blocks, commands
from tests.sandboxes import skip_without

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = {knob.name.upper() for knob in fields(Settings)}
MAKE_VARIABLES = {"DATASET", "NEW", "PYTHON"}
OF_OTHERS = {"MLFLOW_TRACKING_URI"}
SMALL = {
    "SANDBOX_BACKEND": "bubblewrap",
    "LLM_PROVIDER": "playbook",
    "RUN_ITERATIONS": "0",
    "RUN_FINALS": "0",
    "RUN_FIT_MINUTES": "0.1",
}
"""What makes a run a matter of half a minute."""
AUTOMODEL = f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m orchestrator "$@"\n'


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.line[:60])
def test_every_command_is_one_that_there_is(command: Command) -> None:
    assert set() == set(command.settings) - SETTINGS - MAKE_VARIABLES - OF_OTHERS
    program, *arguments = command.words
    match program.removeprefix(".venv/bin/"):
        case "make":
            _look_at_make(arguments)
        case "automodel":
            _parser().parse_args(arguments)  # or it exits
        case "python" | "python3" if arguments[0] == "-m":
            assert importlib.util.find_spec(arguments[1])
        case "python":
            assert not command.why_not_run  # a script is there when its turn comes
        case "curl" | "git" | "pip" | "cd" | "tensorboard":
            assert command.why_not_run
        case _:
            raise AssertionError(f"{program} is no command that this test knows")


def _look_at_make(arguments: list[str]) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for word in arguments:
        name, is_variable, _ = word.partition("=")
        assert name in (SETTINGS | MAKE_VARIABLES if is_variable else targets)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the README's reader sees: the Makefile, a program that is installed, images under the names there."""
    skip_without("bubblewrap")
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("Makefile", "pyproject.toml"):
        (folder / name).write_text((ROOT / name).read_text())
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "host").touch()
    (folder / ".venv" / "bin" / "automodel").write_text(AUTOMODEL)
    (folder / ".venv" / "bin" / "automodel").chmod(0o755)
    random = np.random.default_rng(0)
    for number in range(120):
        name = ("dark", "light")[number % 2]
        (folder / "path/to/photos" / name).mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 80, (12, 12, 3), dtype=np.uint8) + np.uint8(150 * (number % 2))
        Image.fromarray(pixels).save(folder / "path/to/photos" / name / f"{number}.png")
    for name in ("more", "folder"):
        (folder / name).mkdir()
    for name in ("photo.png", "another.jpg", "more/one.jpg", "folder/one.png"):
        Image.fromarray(pixels).save(folder / name)
    (folder / "list.csv").write_text("file,label\nphoto.png,light\n")
    return folder


def run_in(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])  # noqa: PTH120 - nothing is resolved
    environment = {**own, **SMALL, "PYTHONPATH": str(ROOT), "PATH": path}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def a_run(folder: Path) -> str:
    return min(str(path.parent.relative_to(folder)) for path in folder.glob("runs/*/summary.json"))


@pytest.mark.torch
def test_what_the_reader_may_type_here_works_in_this_order(checkout: Path) -> None:
    typed = [command for command in commands() if not command.why_not_run]
    for command in typed:
        line = re.sub(r"runs/[\w-]+", lambda _: a_run(checkout), command.line)
        done = run_in(checkout, "bash", "-c", line)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"

    assert {"run", "predict"} <= {word for command in typed for word in command.words}
    assert len(list(checkout.glob("runs/*/summary.json"))) >= 2


@pytest.mark.torch
@pytest.mark.parametrize("code", blocks("python"))
def test_the_lines_of_python_work_as_they_stand(checkout: Path, code: str) -> None:
    done = run_in(checkout, sys.executable, "-c", code)

    assert done.returncode == 0, done.stderr
    *_, first, second = done.stdout.splitlines()
    assert [line.split()[1] for line in (first, second)] == ["light", "light"]
