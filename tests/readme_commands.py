"""What the README tells people to type, line by line, and which of it is not run by a test, with the reason."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

NOT_RUN = {
    r"\w+_(API_KEY|BASE_URL|KEY)=": "needs a key or a server of the user's",
    r"DATASET=(svhn|cassava|cifar10|tinyimagenet|\S+\.zip)": "would be downloaded, or is only an example of a name",
    r"weights (fetch|import)": "needs the hub, or a file of weights",
    r"automodel (audit|reproduce) ": "trains again; test_audit.py and test_reproduce.py do",
    r"automodel bench repair( |$)(?!.*--dry-run)": "takes half an hour; test_bench_repair.py does a part of it",
    r"automodel bench paper (?!.*--dry-run)": "takes minutes or weeks; test_paper_command.py does a part of it",
    r"automodel (serve|watch)": "runs until Ctrl-C; test_serve.py and the browser's tests do",
    r"^curl ": "asks a server; test_serve.py does",
    r"TRACKER=|tensorboard": "needs a server, or is one; test_trackers.py has those",
    r"^make (test|check|bench)|tests\.(bench|llm)|-m pytest": "is what runs this test, or takes its hour",
    r"^make (image|setup)": "builds the image; CI does",
    r"^(git|(\.venv/bin/)?pip|cd) ": "fetches or installs this project; CI does",
}
"""Patterns of commands that are only looked at: whether there are such commands, flags, settings and targets."""


@dataclass(frozen=True)
class Command:
    """One line of a block of shell."""

    line: str
    settings: dict[str, str]
    """What is set before the command."""
    words: tuple[str, ...]

    @property
    def why_not_run(self) -> str:
        """Why no test runs it; empty where one does."""
        return next((reason for pattern, reason in NOT_RUN.items() if re.search(pattern, self.line)), "")


def blocks(language: str) -> list[str]:
    """The fenced blocks of this language."""
    found = FENCE.findall((ROOT / "README.md").read_text(encoding="utf-8"))
    return [text for name, text in found if name == language]


def commands() -> list[Command]:
    """Every command of the README, in its order."""
    lines = "".join(blocks("sh")).replace("\\\n", " ").splitlines()
    return [_command(line) for line in lines if shlex.split(line, comments=True)]


def _command(line: str) -> Command:
    words = shlex.split(line, comments=True)
    settings = {}
    while words and (found := re.fullmatch(r"([A-Z_]+)=(.*)", words[0])):
        settings[found[1]] = found[2]
        words.pop(0)
    return Command(line=line.strip(), settings=settings, words=tuple(words))
