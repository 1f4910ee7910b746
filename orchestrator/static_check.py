"""What can be known of a component without running it, in milliseconds: before a container is asked at all.

Syntax, the required functions and their parameters, undefined names (by pyflakes), imports that the image lacks, a
softmax before cross entropy.
Not covered: attributes that a library does not have, shapes, types.
"""

from __future__ import annotations

import ast
import copy
import re
import sys
from typing import TYPE_CHECKING

from pyflakes import messages
from pyflakes.checker import Checker

from harness.contract import OPTIONAL, REQUIRED
from orchestrator.double_softmax import double_softmax

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.components import ComponentName

LARGEST = 48 << 10
"""Bytes a component may have."""
INSTALLED = frozenset({"torch", "torchvision", "timm", "numpy", "PIL", "harness"}) | sys.stdlib_module_names
"""Where components run, as the contract says."""
FATAL = (messages.UndefinedName, messages.UndefinedLocal)
"""What pyflakes sees that raises when it is run; the rest is taste."""
CATCHES = re.compile(r"\b(ImportError|ModuleNotFoundError|Exception)\b")
PYTHON = (3, 11)
"""The image's."""
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
        tree = ast.parse(source, feature_version=PYTHON)
        compile(source, f"{name}.py", "exec", dont_inherit=True)  # what is wrong beyond the grammar; nothing runs
        faults = _faults(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidComponentError(f"{name}.py does not parse: {str(error)[:300]}") from None
    _check_functions(name, tree)
    _refuse(f"{name}.py imports what is not installed", _foreign_imports(tree))
    _refuse(f"{name}.py uses what is never defined", (f"{word[:80]} in line {line}" for line, word in faults))
    _refuse(
        f"{name}.py gives probabilities to cross entropy, which takes the softmax itself",
        (f"line {line}" for line in double_softmax(tree)),
    )


def undefined_names(source: str) -> set[str]:
    """What a file uses and never defines; none where it does not parse."""
    try:
        return {name for _, name in _faults(ast.parse(source))}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()


def _faults(tree: ast.Module) -> list[tuple[int, str]]:
    """Lines and names."""
    found = [fault for fault in Checker(_without_annotations(tree)).messages if isinstance(fault, FATAL)]
    return sorted((fault.lineno, str(fault.message_args[0])) for fault in found)


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


def _without_annotations(tree: ast.Module) -> ast.Module:
    """A copy without the annotations that are never evaluated: texts, and all of them where the future says so."""
    postponed = any(
        isinstance(node, ast.ImportFrom) and node.module == "__future__" and node.names[0].name == "annotations"
        for node in tree.body
    )
    copied = copy.deepcopy(tree)
    for node in ast.walk(copied):
        for field in ("annotation", "returns"):
            annotation = getattr(node, field, None)
            if annotation is not None and (postponed or isinstance(annotation, ast.Constant)):
                setattr(node, field, ast.copy_location(ast.Constant(None), annotation))
    return copied


def _foreign_imports(tree: ast.Module) -> Iterator[str]:
    """Modules that are imported and not there; what is guarded may be missing or is never run."""
    guarded = {id(node) for guard in ast.walk(tree) if _is_guard(guard) for node in ast.walk(guard)}
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        for module in names:
            if module.split(".")[0] not in INSTALLED:
                yield f"{module[:80]} in line {getattr(node, 'lineno', 0)}"


def _is_guard(node: ast.AST) -> bool:
    """`if TYPE_CHECKING`, `if __name__ == "__main__"`, or a try that catches a missing module."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'"}
    caught = [handler.type for handler in node.handlers] if isinstance(node, ast.Try) else []
    return any(kind is None or CATCHES.search(ast.unparse(kind)) for kind in caught)


def _refuse(what: str, found: Iterator[str]) -> None:
    listed = list(dict.fromkeys(found))
    if listed:
        raise InvalidComponentError(f"{what}: {', '.join(listed[:TOLD])}.")
