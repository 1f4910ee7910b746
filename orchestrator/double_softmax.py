"""A loss that takes a softmax of a softmax: it trains, slowly, and nothing says why.

Seen where probabilities go into cross entropy in one expression, or by a name that a function gives to nothing else.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def double_softmax(tree: ast.Module) -> Iterator[int]:
    """Lines in which cross entropy is given probabilities."""
    losses = {"cross_entropy"} | {
        _name(target)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _calls(node.value, {"CrossEntropyLoss"})
        for target in node.targets
    }
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            probabilities = _probabilities(function)
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and node.args and _is_loss(node.func, losses):
                    given = node.args[0]
                    if _is_softmax(given) or (isinstance(given, ast.Name) and given.id in probabilities):
                        yield node.lineno


def _is_loss(function: ast.expr, losses: set[str]) -> bool:
    return _name(function) in losses or _calls(function, {"CrossEntropyLoss"})


def _probabilities(function: ast.FunctionDef) -> set[str]:
    """Names that this function gives to softmaxes and to nothing else."""
    stored = [node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    given = [
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and _is_softmax(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    return {name for name in given if stored.count(name) == given.count(name)}


def _is_softmax(node: ast.expr) -> bool:
    """`x.softmax(1)`, `functional.softmax(x, 1)`, `nn.Softmax(1)(x)`."""
    return _calls(node, {"softmax"}) or (isinstance(node, ast.Call) and _calls(node.func, {"Softmax"}))


def _calls(node: ast.expr, names: set[str]) -> bool:
    return isinstance(node, ast.Call) and _name(node.func) in names


def _name(node: ast.expr) -> str:
    """The last part of a dotted name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
