"""Proven recipes: three components as plain files, and the parameters that may be set in them.

A parameter `mixup` is the constant `MIXUP` at the top of its component; its default and its type are the constant's.
`recipe.toml` says the rest: range or choices, and what it means. A recipe may take a component from another one.
Filling in replaces the constants' values and nothing else. Nothing here runs a recipe.
"""

from __future__ import annotations

import ast
import math
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

Value: TypeAlias = bool | int | float | str
"""What a parameter may be set to."""

FOLDER = Path(__file__).parent / "recipes"
Component: TypeAlias = Literal["data", "model", "train"]
COMPONENTS: tuple[Component, ...] = get_args(Component)


class InvalidValueError(ValueError):
    """Raised when a recipe has no such parameter, or the parameter does not take such a value."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One thing that may be set in a recipe."""

    name: str
    component: Component
    default: Value
    """Its type is the parameter's."""
    meaning: str
    low: float = -math.inf
    """Smallest number that is taken."""
    high: float = math.inf
    """Largest number that is taken."""
    choices: tuple[str, ...] = ()
    """For texts: what is taken; empty: any word of letters, digits, dots, hyphens and underscores."""
    log: bool = False
    """Whether it is natural to step by factors."""

    def read(self, value: object) -> Value:
        """Check a value; an int does where a float is expected.

        Raises:
            InvalidValueError: wrong type, out of range or no choice.
        """
        if type(self.default) is float and type(value) is int:
            value = _float(value)
        if not isinstance(value, bool | int | float | str) or type(value) is not type(self.default):
            raise InvalidValueError(f"{self.name} takes {type(self.default).__name__}, not {repr(value)[:80]}.")
        if isinstance(value, str) and not self._takes(value):
            raise InvalidValueError(f"{self.name} takes {', '.join(self.choices) or 'one word'}, not {value[:80]!r}.")
        if not isinstance(value, str | bool) and not self.low <= value <= self.high:
            raise InvalidValueError(f"{self.name} takes {self.low:g} to {self.high:g}, not {value}.")
        return value

    def _takes(self, text: str) -> bool:
        if self.choices:
            return text in self.choices
        return 0 < len(text) <= 100 and text.isascii() and all(char.isalnum() or char in "._-" for char in text)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A pipeline that is known to work for some kind of task."""

    name: str
    summary: str
    """One sentence: what it is."""
    suits: str
    """One sentence: when to take it."""
    parameters: tuple[Parameter, ...]
    sources: Mapping[Component, str]
    """Component -> its file, with the defaults."""
    origins: Mapping[Component, str]
    """Component -> the recipe whose file it is."""

    def __getitem__(self, name: str) -> Parameter:
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise InvalidValueError(f"The recipe {self.name} has no parameter {name[:80]!r}.")

    def complete(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Every parameter's value: these where given, the defaults elsewhere.

        Raises:
            InvalidValueError: an unknown name, or a value that will not do.
        """
        given = {name: self[name].read(value) for name, value in values.items()}
        return {parameter.name: given.get(parameter.name, parameter.default) for parameter in self.parameters}

    def fill(self, values: Mapping[str, Value]) -> dict[Component, str]:
        """The three components with these values as their constants.

        Raises:
            InvalidValueError: as for `complete`.
        """
        complete = self.complete(values)
        return {
            component: _fill(source, self._constants(component, complete)) for component, source in self.sources.items()
        }

    def _constants(self, component: Component, values: Mapping[str, Value]) -> dict[str, Value]:
        mine = (parameter.name for parameter in self.parameters if parameter.component == component)
        return {name.upper(): values[name] for name in mine}


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise InvalidValueError("A number beyond all bounds is no value.") from None


def recipe_names(folder: Path = FOLDER) -> tuple[str, ...]:
    return tuple(sorted(path.parent.name for path in folder.glob("*/recipe.toml")))


@cache
def read_recipe(name: str, folder: Path = FOLDER) -> Recipe:
    """Read a recipe and what it takes from others; `folder`: where they lie, if they are none of the playbook's.

    Raises:
        InvalidValueError: there is no such recipe.
    """
    if name not in (names := recipe_names(folder)):
        raise InvalidValueError(f"There is no recipe {name[:80]!r}; there are {', '.join(names)}.")
    sheet = _sheet(folder / name)
    origins = {component: sheet.get("components", {}).get(component, name) for component in COMPONENTS}
    sources = {
        component: (folder / origin / f"{component}.py").read_text(encoding="utf-8")
        for component, origin in origins.items()
    }
    parameters = [
        _parameter(parameter, component, entry, sheet.get("defaults", {}), sources[component])
        for component, origin in origins.items()
        for parameter, entry in _sheet(folder / origin)["parameters"].get(component, {}).items()
    ]
    return Recipe(
        name=name,
        summary=sheet["summary"],
        suits=sheet["suits"],
        parameters=tuple(parameters),
        sources=sources,
        origins=origins,
    )


def _sheet(recipe: Path) -> dict[str, Any]:
    return {"parameters": {}} | tomllib.loads((recipe / "recipe.toml").read_text(encoding="utf-8"))


def _parameter(
    name: str, component: Component, entry: Mapping[str, Any], defaults: Mapping[str, Value], source: str
) -> Parameter:
    written = Parameter(
        name=name,
        component=component,
        default=ast.literal_eval(_value(ast.parse(source), name.upper())),
        meaning=entry["meaning"],
        low=entry.get("low", -math.inf),
        high=entry.get("high", math.inf),
        choices=tuple(entry.get("choices", ())),
        log=entry.get("log", False),
    )
    return replace(written, default=written.read(defaults.get(name, written.default)))


def _fill(source: str, constants: Mapping[str, Value]) -> str:
    """Replace the values of constants at the top of a file."""
    lines = source.encode().splitlines(keepends=True)  # ast counts columns in bytes
    tree = ast.parse(source)
    for name, value in constants.items():
        node = _value(tree, name)
        if ast.literal_eval(node) == value:
            continue  # as written: 3e-3 stays 3e-3
        line = lines[node.lineno - 1]
        lines[node.lineno - 1] = line[: node.col_offset] + _literal(value).encode() + line[node.end_col_offset :]
    return b"".join(lines).decode()


def _value(tree: ast.Module, name: str) -> ast.expr:
    """Where the value of a constant at the top of a file stands, on one line."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return node.value
    raise InvalidValueError(f"No constant {name} stands at the top of the component.")


def _literal(value: Value) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
