"""What the history says of ideas: what each brought, which components were changed, whether nothing helps any more.

All of it is computed from the history alone, so a run that is continued is told the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.components import COMPONENTS
from orchestrator.material import Section, one_line
from orchestrator.outcome import Trained
from orchestrator.team import best
from prompts.words import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.team import Iteration, Proposal

ALL = "the whole pipeline"
REPAIRED = "; repaired: "
"""In the line of a change, between an idea and what mended it."""
INSTEAD = " instead of "
"""In the line of a change, between what took the place of an idea, and the idea that could not be made to run."""
CRASHES = 2
"""Of one idea, repairs included, after which it is not tried again."""


def idea_of(change: str) -> str:
    """What was executed in the end, whatever had to be repaired about it."""
    return change.split(INSTEAD, maxsplit=1)[0].split(REPAIRED, maxsplit=1)[0]


def lost_ideas(history: Sequence[Iteration]) -> dict[str, list[int]]:
    """Ideas that crashed in spite of all repairs -> in which iterations."""
    lost: dict[str, list[int]] = {}
    for turn in history:
        idea, _, replaced = turn.proposal.change.partition(INSTEAD)
        if replaced:
            lost.setdefault(idea_of(replaced), []).append(turn.number)
        if not isinstance(turn.outcome, Trained):
            lost.setdefault(idea_of(idea), []).append(turn.number)
    return lost


def gains(history: Sequence[Iteration]) -> dict[int, float]:
    """Number of each iteration that trained after the first -> points of accuracy over the best of that time."""
    gained: dict[int, float] = {}
    for turn in history:
        standing = best([before for before in history if before.turn < turn.turn])
        if standing and isinstance(standing.outcome, Trained) and isinstance(turn.outcome, Trained):
            gained[turn.number] = 100 * (turn.outcome.score.accuracy - standing.outcome.score.accuracy)
    return gained


def without_gain(history: Sequence[Iteration]) -> list[Iteration]:
    """The changes of the best so far, none of which helped."""
    standing = best(history)
    return [turn for turn in history if standing and turn.turn > standing.turn]


def stuck(history: Sequence[Iteration], plateau: int) -> bool:
    """Whether nothing has helped for so many turns of the loop; several changes side by side are one turn."""
    return len({turn.turn for turn in without_gain(history)}) >= plateau


def outrun(history: Sequence[Iteration]) -> set[int]:
    """Numbers of the changes that gained and were not kept because another of their turn was: worth a second look."""
    gained = gains(history)
    kept = {turn.turn for turn in history if turn.kept}
    return {turn.number for turn in history if not turn.kept and turn.turn in kept and gained.get(turn.number, 0) > 0}


def component_lines(history: Sequence[Iteration]) -> list[str]:
    """How often each component was changed, when, and the most that it brought."""
    changes = history[1:]
    if not changes:
        return []
    names = [*COMPONENTS, *([ALL] if any(turn.proposal.component is None for turn in changes) else [])]
    gained = gains(history)
    return ["Changes by component:", *(_line(name, _of(changes, name), gained) for name in names)]


def plateau_section(history: Sequence[Iteration], plateau: int) -> Section:
    """That nothing has helped for so many iterations, and to leave this neighbourhood."""
    vain = without_gain(history)
    if not stuck(history, plateau):
        return Section(title="No gain")
    counts = {name: len(_of(vain, name)) for name in (*COMPONENTS, ALL)}
    touched = ", ".join(f"{_file(name)} {count}x" for name, count in counts.items() if count)
    others = " or ".join(f"{name}.py" for name in COMPONENTS if not counts[name])
    words = render("plateau", count=str(len(vain)), touched=touched, others=f" ({others})" if others else "")
    return Section(title="No gain any more", text=words, cut="never")


def beside_section(beside: Sequence[Proposal]) -> Section:
    """What is tried at the same time."""
    changes = "\n".join(f"- {one_line(proposal.change, 120)}" for proposal in beside)
    words = render("beside", changes=changes) if beside else ""
    return Section(title="Tried at the same time", text=words, cut="never")


def _of(turns: Sequence[Iteration], name: str) -> list[Iteration]:
    return [turn for turn in turns if (turn.proposal.component or ALL) == name]


def _line(name: str, turns: Sequence[Iteration], gained: dict[int, float]) -> str:
    if not turns:
        return f"- {name}: none yet"
    numbers = ", ".join(str(turn.number) for turn in turns)
    brought = [gained[turn.number] for turn in turns if turn.number in gained]
    most = f"at best {max(brought):+.2f} points" if brought else "none ran"
    return f"- {name}: {len(turns)}x (iteration {numbers}), {most}"


def _file(name: str) -> str:
    return f"{name}.py" if name in COMPONENTS else name
