"""A language-model team whose chat models are scripted, agent by agent, and what its agents may say."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.report import Crash
from orchestrator.agent import Agent
from orchestrator.choosing_team import ChoosingTeam
from orchestrator.components import Pipeline
from orchestrator.outcome import Crashed, Trained
from orchestrator.providers import AGENTS
from orchestrator.review import Review
from orchestrator.team import Attempt, Iteration, Proposal
from orchestrator.teams import system_prompt
from orchestrator.writing_team import WritingTeam
from tests.fakes import ScriptedChat
from tests.playbook_cases import curve, make_profile, trained

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.chat import Reply, Request
    from orchestrator.outcome import Outcome
    from orchestrator.review import Pictures

SPECIMENS = Path(__file__).parent / "specimens" / "plain"
PLAIN = Pipeline(**{name: (SPECIMENS / f"{name}.py").read_text() for name in ("data", "model", "train")})
PROFILE = make_profile()


@dataclass
class Staff:
    """Six scripted chat models and the teams that they make."""

    run: Path
    replies: Mapping[str, Iterable[str | Reply | Exception]]
    pictures: Pictures | None = None
    chats: dict[str, ScriptedChat] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chats = {name: ScriptedChat(self.replies.get(name, ()), name) for name in AGENTS}
        agents = {
            name: Agent(name, chat, system=system_prompt(name), output_tokens=2000, temperature=None)
            for name, chat in self.chats.items()
        }
        self.review = Review(agents=agents, run=self.run, planned=10, plateau=3, pictures=self.pictures)
        self.choosing = ChoosingTeam(name="scripted", review=self.review)
        self.writing = WritingTeam(name="scripted", review=self.review, chooser=self.choosing)

    def asked(self, agent: str) -> list[Request]:
        return self.chats[agent].asked

    def prompt(self, agent: str, call: int = -1) -> str:
        """What an agent was shown, the first message of a call."""
        return self.asked(agent)[call].messages[0].text

    def calls(self) -> dict[str, int]:
        return {name: len(chat.asked) for name, chat in self.chats.items() if chat.asked}


def code(source: str, before: str = "Here it is.") -> str:
    """An engineer's reply."""
    return f"{before}\n\n```python\n{source}```\n"


def drafted(pipeline: Pipeline = PLAIN, **changes: str) -> str:
    """An architect's reply."""
    files = {name: changes.get(name, pipeline[name]) for name in ("data", "model", "train")}
    return "A small network, ten epochs.\n\n" + "\n\n".join(
        f"`{name}.py`\n```python\n{source}```" for name, source in files.items() if source
    )


def feedback(component: str = "train", change: str = "longer", **more: Any) -> str:
    """An analyst's reply."""
    facts = {"seen": "It underfits.", "meaning": "Too short.", "component": component, "change": change}
    return json.dumps({**facts, "instructions": "Train 10 epochs.", "expectation": "Better.", **more})


def chosen(recipe: str) -> str:
    return json.dumps({"why": "It fits.", "recipe": recipe})


def changed(parameter: str, value: float | str) -> str:
    return json.dumps({"why": "It helps.", "change": {"parameter": parameter, "value": value}})


def better(source: str, mark: str = "x") -> str:
    """Another version of a file that is as good."""
    return f"{source}\n\nMARK = {mark!r}\n"


def after(
    proposal: Proposal, outcome: Outcome | None = None, *, number: int = 0, kept: bool = True, **more: Any
) -> Iteration:
    """An iteration that ended so."""
    outcome = outcome or trained(0.9, curve(0.95, 0.9))
    facts = {"attempts": 1, "turn": number, **more}
    return Iteration(number=number, proposal=proposal, outcome=outcome, kept=kept, **facts)


def written(change: str = "a draft", pipeline: Pipeline = PLAIN, **more: Any) -> Proposal:
    facts = {"component": None, "reason": "So.", "notes": "The blueprint.", **more}
    return Proposal(pipeline=pipeline, change=change, **facts)


def crash(culprit: str | None = "train", error: str = "NameError: x", **more: Any) -> Crashed:
    told = Crash(phase="check", step="two steps of train", culprit=culprit, error=error, **more)
    return Crashed(crash=told, log="", seconds=1.0)


def failed(proposal: Proposal, culprit: str | None = "train", error: str = "NameError: x", **more: Any) -> Attempt:
    return Attempt(proposal=proposal, crashed=crash(culprit, error, **more))


def scored(accuracy: float, **more: Any) -> Trained:
    done = trained(accuracy, curve(0.95, accuracy))
    return replace(done, report=replace(done.report, **more)) if more else done
