"""What a move is: a step in one parameter of a recipe, a bold one or a fine one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from orchestrator.team import Choice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.components import ComponentName
    from prompts.recipe import Parameter, Recipe, Value

BOLD, FINE = 1.0, 0.4
"""Lengths of a step: all of it, and well under half of it."""


class Stage(IntEnum):
    """What is tried before what."""

    AT_ONCE = 0
    BOLD = 1
    RECIPE = 2
    FINE = 3
    REST = 4


@dataclass(frozen=True, kw_only=True)
class Move:
    """A step in one parameter; recipes without that parameter do not know the move."""

    parameter: str
    why: str
    """What it should bring: a sentence."""
    add: float = 0.0
    """Added in a bold step."""
    times: float = 1.0
    """Factor of a bold step."""
    to: tuple[Value, ...] = ()
    """For switches and choices: a value and what follows it, in order; the last one has no follower."""
    cost: float = 0.0
    """Training takes longer by the ratio of the values to the power of this."""

    def step(self, parameter: Parameter, value: Value, size: float) -> Value | None:
        """Take the step from a value; None where it leads nowhere."""
        new = self._follower(value, size) if self.to else self._number(parameter, value, size)
        return None if new is None or new == value else new

    def _follower(self, value: Value, size: float) -> Value | None:
        """What comes after a value; no step is half as long."""
        places = [place for place, choice in enumerate(self.to) if choice == value]
        return self.to[places[0] + 1] if size == BOLD and places and places[0] + 1 < len(self.to) else None

    def _number(self, parameter: Parameter, value: Value, size: float) -> Value:
        number: float = float(value) * math.pow(self.times, size) + self.add * size
        number = min(max(number, parameter.low), parameter.high)
        if isinstance(value, int):
            return math.ceil(number - 0.5) if number > value else math.floor(number + 0.5)
        return float(f"{number:.3g}")


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A choice one move away from the best."""

    choice: Choice
    component: ComponentName | None
    """None where the recipe is another one."""
    change: str
    """A short line for a table."""
    why: str
    """What it should bring: a sentence."""
    stage: Stage
    slower: float = 1.0
    """Expected training time, of that of the best."""


def take(
    recipe: Recipe, values: Mapping[str, Value], move: Move, *, size: float = BOLD, stage: Stage = Stage.BOLD
) -> Candidate | None:
    """Make one move, or None where the recipe does not know it or it leads nowhere."""
    if move.parameter not in (parameter.name for parameter in recipe.parameters):
        return None
    parameter, old = recipe[move.parameter], recipe.complete(values)[move.parameter]
    new = move.step(parameter, old, size)
    if new is None:
        return None
    return Candidate(
        choice=Choice(recipe=recipe.name, values={**values, move.parameter: new}),
        component=parameter.component,
        change=f"{parameter.component}: {label(move.parameter)} {shown(old)} -> {shown(new)}",
        why=move.why,
        stage=stage,
        slower=(float(new) / float(old)) ** move.cost if move.cost and old else 1.0,
    )


def label(parameter: str) -> str:
    """The parameter's name as people write it."""
    return {"mixup": "MixUp", "cutmix": "CutMix"}.get(parameter, parameter.replace("_", " "))


def shown(value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)
