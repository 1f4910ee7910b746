"""What can be known of a component without running it, in milliseconds: before a container is asked at all.

Syntax, the required functions and their parameters, undefined names (by pyflakes), imports that the image lacks.
Not covered: attributes that a library does not have, shapes, types.
"""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from pyflakes import messages
from pyflakes.checker import Checker

from harness.contract import OPTIONAL, REQUIRED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.components import ComponentName

LARGEST = 256 << 10
"""Bytes a component may have."""
INSTALLED = frozenset({"torch", "torchvision", "timm", "numpy", "PIL", "harness"}) | sys.stdlib_module_names
"""Where components run, as the contract says."""
FATAL = (messages.UndefinedName, messages.UndefinedLocal)
"""What pyflakes sees that raises when it is run; the rest is taste."""
TOLD = 5
"""Faults of a kind in one sentence."""


class InvalidComponentError(ValueError):
    """Raised when a component's text cannot be a component; the message is meant for its engineer."""


def check_component(name: ComponentName, source: str) -> None:
    """Refuse what could not be imported or would raise for certain.

    Raises:
        InvalidComponentError: with one sentence that says where and what.
    """
    if len(source.encode(errors="replace")) > LARGEST or "\0" in source:
        raise InvalidComponentError(f"{name}.py is larger than {LARGEST} bytes or holds a NUL character.")
    try:
        tree = ast.parse(source)
        faults = [fault for fault in Checker(tree).messages if isinstance(fault, FATAL)]
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidComponentError(f"{name}.py does not parse: {error}") from None
    _check_functions(name, tree)
    _refuse(f"{name}.py imports what is not installed", _foreign_imports(tree))
    undefined = sorted((fault.lineno, str(fault.message_args[0])) for fault in faults)
    _refuse(f"{name}.py uses what is never defined", (f"{word} in line {line}" for line, word in undefined))


def _check_functions(name: ComponentName, tree: ast.Module) -> None:
    found = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for function, parameters in REQUIRED[name].items():
        if function not in found:
            raise InvalidComponentError(f"{name}.py lacks the function {function}({', '.join(parameters)}).")
    for function, parameters in (REQUIRED[name] | OPTIONAL[name]).items():
        if function in found:
            _check_parameters(name, found[function], parameters)


def _check_parameters(name: str, node: ast.FunctionDef, parameters: tuple[str, ...]) -> None:
    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    fits = required <= len(parameters) <= len(positional) or arguments.vararg is not None
    if not fits or any(default is None for default in arguments.kw_defaults):
        raise InvalidComponentError(f"{name}.py: {node.name} must take ({', '.join(parameters)}).")


def _foreign_imports(tree: ast.Module) -> Iterator[str]:
    """Modules that are imported when the file is, or later, and not there; `if TYPE_CHECKING` imports are not run."""
    skipped = {id(node) for test in ast.walk(tree) if _is_type_checking(test) for node in ast.walk(test)}
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        for module in names:
            if module.split(".")[0] not in INSTALLED:
                yield f"{module} in line {getattr(node, 'lineno', 0)}"


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _refuse(what: str, found: Iterator[str]) -> None:
    listed = list(dict.fromkeys(found))
    if listed:
        raise InvalidComponentError(f"{what}: {', '.join(listed[:TOLD])}.")
