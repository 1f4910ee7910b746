"""Known remedies: what a crash says, and the moves that mend it, the best first."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.backbones import obeys
from orchestrator.components import COMPONENTS
from orchestrator.moves import Candidate, Move, Stage, take
from orchestrator.team import Choice
from prompts.recipe import read_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.components import ComponentName
    from orchestrator.outcome import Crashed
    from orchestrator.team import Profile
    from prompts.recipe import Value

MEMORY = re.compile(
    r"out of memory|OutOfMemory|can't allocate|MemoryError|bad_alloc|SIGKILL|signal 9|was killed by", re.IGNORECASE
)
NOT_FINITE = re.compile(r"not finite|non-finite|\bnan\b|\binf\b", re.IGNORECASE)
CLOCK = re.compile(r"clock|too long|time-?out|timed out|deadline|in time", re.IGNORECASE)
WEIGHTS = re.compile(r"LocalEntryNotFound|OfflineMode|pretrained|hugging ?face|hub", re.IGNORECASE)

SMALLER = (
    Move(parameter="batch_size", times=0.25, why="Fewer images at once need less memory."),
    Move(parameter="width", times=0.5, why="A narrower network needs less memory."),
    Move(parameter="resolution", times=0.6, why="Fewer pixels need less memory."),
    Move(parameter="side", times=0.6, why="Fewer pixels need less memory."),
)
CALMER = (
    Move(parameter="learning_rate", times=0.25, why="A lower learning rate keeps the loss finite."),
    Move(parameter="clip", times=0.2, why="Clipped gradients keep the loss finite."),
)
FASTER = (
    Move(parameter="epochs", times=0.25, why="Fewer epochs fit into the clock."),
    Move(parameter="width", times=0.5, why="A narrower network is faster."),
    Move(parameter="resolution", times=0.6, why="Fewer pixels take less time."),
)
REMEDIES = ((MEMORY, SMALLER), (NOT_FINITE, CALMER), (CLOCK, FASTER))

WITHOUT_WEIGHTS = {"fine-tune-photos": "large-photos", "fine-tune-small": "small-colour"}
"""Recipe -> the one from scratch that takes its place."""
SIMPLEST = "tiny-grey"
"""Takes any images, needs nothing."""


def remedies(profile: Profile, choice: Choice, crashed: Crashed) -> Iterator[Candidate]:
    """What may mend this crash and has the network that is imposed, if one is, the likeliest first."""
    found = _remedies(profile.task.backbone, choice, crashed)
    return (candidate for candidate in found if obeys(profile, candidate.choice))


def _remedies(imposed: str, choice: Choice, crashed: Crashed) -> Iterator[Candidate]:
    """A move that fits what the crash says, the defaults, a simpler recipe."""
    said = crashed.crash.error
    if WEIGHTS.search(said) and imposed and choice.values.get("backbone") != imposed:
        yield _unweighted(choice, imposed)
    if WEIGHTS.search(said) and choice.recipe in WITHOUT_WEIGHTS:
        yield _another(WITHOUT_WEIGHTS[choice.recipe], choice, "It needs no pretrained weights.")
    recipe = read_recipe(choice.recipe)
    moves = (move for pattern, moves in REMEDIES if pattern.search(said) for move in moves)
    yield from (candidate for move in moves if (candidate := take(recipe, choice.values, move)) is not None)
    for component in COMPONENTS:
        if component == crashed.crash.culprit:
            yield from _defaults(choice, component)
    if choice.recipe != SIMPLEST:
        yield _another(SIMPLEST, choice, "The simplest recipe runs on anything.")


def _unweighted(choice: Choice, imposed: str) -> Candidate:
    """The network that is imposed, from scratch."""
    return Candidate(
        choice=replace(choice, values={**choice.values, "backbone": imposed, "layer_decay": 1.0}),
        component="model",
        change=f"model: {imposed} from scratch",
        why="It needs no pretrained weights.",
        stage=Stage.BOLD,
    )


def _another(name: str, choice: Choice, why: str) -> Candidate:
    """Another recipe, with those values of this one's that say what the images are like."""
    known = {parameter.name for parameter in read_recipe(name).parameters} & {"flip", "side"}
    values: dict[str, Value] = {
        kept: choice.values[kept] for kept in ("flip", "side") if kept in choice.values and kept in known
    }
    return Candidate(
        choice=Choice(recipe=name, values=values),
        component=None,
        change=f"recipe: {choice.recipe} -> {name}",
        why=why,
        stage=Stage.RECIPE,
    )


def _defaults(choice: Choice, culprit: ComponentName) -> Iterator[Candidate]:
    """The culprit as the recipe has it."""
    recipe = read_recipe(choice.recipe)
    mine = {parameter.name for parameter in recipe.parameters if parameter.component == culprit}
    values = {name: value for name, value in choice.values.items() if name not in mine}
    if recipe.complete(values) != recipe.complete(choice.values):
        yield Candidate(
            choice=Choice(recipe=choice.recipe, values=values),
            component=culprit,
            change=f"{culprit}: as the recipe has it",
            why="The defaults are proven.",
            stage=Stage.BOLD,
        )
