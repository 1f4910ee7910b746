"""Choosing instead of writing: a recipe, or a value of one of its parameters, under a schema that leaves no other way.

For models that cannot write code: a 1.5 B model chose legally 5 times of 5 and wrote 2 of 15 files that ran. Our own
code fills the recipe in.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from orchestrator.agent import Question, RepeatedReplyError, UnusableReplyError
from orchestrator.backbones import loadable
from orchestrator.json_reply import Answer, object_schema, read_answer
from orchestrator.material import Section
from orchestrator.playbook import all_values, pipeline
from orchestrator.team import Choice
from orchestrator.versions import executed, fingerprints
from prompts.recipe import InvalidValueError, read_recipe
from prompts.words import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.agent import Agent
    from orchestrator.components import ComponentName
    from orchestrator.team import Iteration, Profile
    from prompts.recipe import Parameter, Recipe, Value

WHY = 500
"""Characters of a reason that are kept."""


class RecipeAnswer(Answer):
    """Which recipe."""

    why: str
    recipe: str


class Change(Answer):
    """Which parameter, and its new value."""

    parameter: str
    value: bool | int | float | str


class ChangeAnswer(Answer):
    """A change and its reason."""

    why: str
    change: Change


def choose_recipe(  # noqa: PLR0913 - one question, each part of it named
    agent: Agent,
    sections: tuple[Section, ...],
    offered: Sequence[Choice],
    *,
    purpose: str,
    iteration: int,
    images: tuple[bytes, ...] = (),
) -> tuple[Choice, str]:
    """One of these, and why.

    Raises:
        UnusableReplyError: no reply named one.
    """
    by_name = {choice.recipe: choice for choice in offered}

    def parse(text: str) -> tuple[Choice, str]:
        answer = read_answer(text, RecipeAnswer)
        if answer.recipe not in by_name:
            raise UnusableReplyError(f"There is no recipe {answer.recipe[:40]!r}; choose one of {', '.join(by_name)}.")
        return by_name[answer.recipe], answer.why[:WHY]

    question = Question(
        iteration=iteration,
        sections=(*sections, recipes_section(offered)),
        order=render("choose_recipe_order", purpose=purpose, names=", ".join(by_name)),
        images=images,
        schema=object_schema({"why": {"type": "string"}, "recipe": {"type": "string", "enum": list(by_name)}}),
    )
    return agent.ask(question, parse)


def choose_value(  # noqa: PLR0913 - one order, each part of it named
    agent: Agent,
    sections: tuple[Section, ...],
    choice: Choice,
    component: ComponentName,
    *,
    what: str,
    profile: Profile,
    history: Sequence[Iteration],
    crashed: Sequence[Choice] = (),
    beside: Sequence[Choice] = (),
) -> tuple[Choice, str, str]:
    """The choice with one value changed, the change as a line of the table, and why.

    `crashed`: what did in this iteration; `beside`: tried at the same time, of whose parameters none is changed again.

    Raises:
        UnusableReplyError: no reply made a legal change that is new.
    """
    recipe = read_recipe(choice.recipe)
    present = recipe.complete(choice.values)
    tried = {
        **{str(all_values(turn.proposal.choice)): str(turn.number) for turn in history if turn.proposal.choice},
        **{str(all_values(each)): f"{len(history)}, and crashed" for each in crashed},
    }

    known = executed(history)
    taken = {name for each in beside for name in _differing(each, choice)}

    def parse(text: str) -> tuple[Choice, str, str]:
        answer = read_answer(text, ChangeAnswer)
        name, value = answer.change.parameter, answer.change.value
        try:
            if recipe[name].component != component:
                raise UnusableReplyError(f"{name} is no parameter of {component}.py.")
            value = recipe[name].read(value)
        except InvalidValueError as error:
            raise UnusableReplyError(str(error)) from None
        if name == "backbone" and profile.task.backbone and value not in loadable(profile):
            raise UnusableReplyError(f"backbone is one of {', '.join(loadable(profile))}, and not {value}.")
        if value == present[name]:
            raise RepeatedReplyError(f"{name} is {value} already. Choose another value or parameter.")
        if name in taken:
            raise RepeatedReplyError(f"Another {name} is tried at the same time. Choose another parameter.")
        new = Choice(recipe=choice.recipe, values={**choice.values, name: value})
        number = tried.get(str(all_values(new)))
        if number is not None:
            raise RepeatedReplyError(f"{name} = {value} was tried in iteration {number}. Choose another.")
        if why := known.get(fingerprints(pipeline(new))):
            raise RepeatedReplyError(f"{why} Choose another.")
        return new, f"{component}: {name} {present[name]} -> {value}", answer.why[:WHY]

    question = Question(
        iteration=len(history),
        sections=(*sections, parameters_section(recipe, present, component)),
        order=render("choose_value_order", what=what, component=component),
        schema=change_schema(recipe, component, loadable(profile)),
    )
    return agent.ask(question, parse)


def _differing(one: Choice, other: Choice) -> list[str]:
    """The parameters in which two choices of one recipe differ."""
    if one.recipe != other.recipe:
        return []
    (_, mine), (_, theirs) = all_values(one), all_values(other)
    return [name for name in mine if mine[name] != theirs[name]]


def change_schema(recipe: Recipe, component: ComponentName, weights: Sequence[str]) -> dict[str, Any]:
    """Any parameter of a component with a value of its type; ranges are checked here: not every provider does."""
    kinds = [
        object_schema({"parameter": {"type": "string", "const": each.name}, "value": _value_schema(each, weights)})
        for each in recipe.parameters
        if each.component == component
    ]
    return object_schema({"why": {"type": "string"}, "change": {"anyOf": kinds}})


def _value_schema(parameter: Parameter, weights: Sequence[str]) -> dict[str, Any]:
    kind = {bool: "boolean", int: "integer", float: "number", str: "string"}[type(parameter.default)]
    words = list(parameter.choices or (weights if parameter.name == "backbone" else ()))
    return {"type": kind, "enum": words} if words else {"type": kind}


def recipes_section(offered: Sequence[Choice]) -> Section:
    lines = [
        f"- {each.recipe}: {read_recipe(each.recipe).summary} {read_recipe(each.recipe).suits}" for each in offered
    ]
    return Section(title="The recipes that fit, the likeliest first", text="\n".join(lines), cut="never")


def parameters_section(recipe: Recipe, present: dict[str, Value], component: ComponentName) -> Section:
    lines = [
        f"- {each.name} (now {present[each.name]}; {_takes(each)}): {each.meaning}"
        for each in recipe.parameters
        if each.component == component
    ]
    return Section(title=f"The parameters of {component}.py, recipe {recipe.name}", text="\n".join(lines), cut="never")


def _takes(parameter: Parameter) -> str:
    if isinstance(parameter.default, bool):
        return "true or false"
    if isinstance(parameter.default, str):
        return "one of " + ", ".join(parameter.choices) if parameter.choices else "a word"
    low = "" if math.isinf(parameter.low) else f" from {parameter.low:g}"
    high = "" if math.isinf(parameter.high) else f" to {parameter.high:g}"
    return f"{'a whole number' if isinstance(parameter.default, int) else 'a number'}{low}{high}"
