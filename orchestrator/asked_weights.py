"""Which pretrained weights a pipeline asks for, read from its text: what is asked for can be fetched before it runs.

Not covered: names that are put together, or chosen, while it runs; they are as if they were not asked for.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from orchestrator.components import COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.components import Pipeline

MOST = 8
"""Names in one pipeline; a network has one, an ensemble a few."""
LONGEST = 120
DEEPEST = 3
"""Steps from a call to a text: a name of a name of a choice."""
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


def asked_weights(pipeline: Pipeline) -> tuple[str, ...]:
    """What is given as text, or as a name that stands for a text, to `create_model` with `pretrained`."""
    found: dict[str, None] = {}
    for component in COMPONENTS:
        try:
            found |= dict.fromkeys(_asked(ast.parse(pipeline[component])))
        except UNREADABLE:
            continue
    return tuple(name for name in found if name and len(name) <= LONGEST)[:MOST]


def _asked(tree: ast.Module) -> Iterator[str]:
    known = _assigned(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node.func) == "create_model" and _pretrained(node):
            yield from _texts(_argument(node, 0, "model_name"), known)


def _assigned(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """What names stand for, wherever they are assigned."""
    known: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(value, ast.expr):
                known.setdefault(target.id, []).append(value)
    return known


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _pretrained(call: ast.Call) -> bool:
    """Whether it asks for weights, or may: what is decided while it runs counts."""
    given = _argument(call, 1, "pretrained")
    return given is not None and not (isinstance(given, ast.Constant) and not given.value)


def _argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    named = [keyword.value for keyword in call.keywords if keyword.arg == name]
    return named[0] if named else call.args[place] if len(call.args) > place else None


def _texts(given: ast.expr | None, known: dict[str, list[ast.expr]], depth: int = 0) -> Iterator[str]:
    """A text, what a name stands for, or both branches of a choice between such."""
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        yield given.value
    elif depth < DEEPEST:
        inside = known.get(given.id, []) if isinstance(given, ast.Name) else []
        inside = [given.body, given.orelse] if isinstance(given, ast.IfExp) else inside
        for each in inside[:MOST]:
            yield from _texts(each, known, depth + 1)
