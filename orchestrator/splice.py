"""Files that models sent in part: only the functions that changed, or all but the helpers, which the reader knows."""

from __future__ import annotations

import ast
from dataclasses import dataclass


@dataclass(frozen=True)
class Statement:
    """A top-level one."""

    name: str
    """What it is known by: of a function, class or variable its name, of all else its text."""
    text: str
    """With the comments above it."""
    defines: bool
    """A function or a class."""
    binds: frozenset[str]
    """The names that it defines for others."""


def splice(whole: str, part: str) -> str:
    """The whole with what the part defines: in place of what had its name, or before the first definition.

    Raises:
        SyntaxError: either is no Python.
        ValueError: the same.
        RecursionError, MemoryError: it is nested too deep.
    """
    old, new = _statements(whole), [statement for statement in _statements(part) if statement.name]
    changed = {statement.name: statement.text for statement in new}
    known = {statement.name for statement in old}
    first = next((place for place, statement in enumerate(old) if statement.defines), len(old))
    fresh = [f"\n\n{statement.text}" for statement in new if statement.name not in known]
    kept = [_leading(statement.text) + changed.get(statement.name, statement.text).lstrip("\n") for statement in old]
    return "\n".join([*kept[:first], *fresh, *kept[first:]]).lstrip("\n") + "\n"


def borrow(source: str, names: set[str], known: str) -> str:
    """The source with those statements of a known file that define some of these names, imports among them.

    Raises:
        SyntaxError: either is no Python.
        ValueError: the same.
        RecursionError, MemoryError: it is nested too deep.
    """
    lent = [statement.text for statement in _statements(known) if statement.name and statement.binds & names]
    return splice(source, "\n".join(lent)) if lent else source


def _statements(source: str) -> list[Statement]:
    lines, end, found = source.splitlines(), 0, []
    for node in ast.parse(source).body:
        text = "\n".join(lines[end : node.end_lineno])
        found.append(Statement(_name(node), text, isinstance(node, ast.FunctionDef | ast.ClassDef), _binds(node)))
        end = node.end_lineno or end
    return found


def _leading(text: str) -> str:
    """The empty lines that it begins with."""
    return text[: len(text) - len(text.lstrip("\n"))]


def _name(node: ast.stmt) -> str:
    """Empty where it has no place in another file: what imports from the future, and docstrings."""
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
        case ast.ImportFrom(module="__future__") | ast.Expr(value=ast.Constant()):
            return ""
        case _:
            return ast.unparse(node)


def _binds(node: ast.stmt) -> frozenset[str]:
    match node:
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return frozenset(alias.asname or alias.name.partition(".")[0] for alias in aliases)
        case _:
            return frozenset({_name(node)})
