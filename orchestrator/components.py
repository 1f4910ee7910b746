"""The three generated files as values: their shape, their parse, their place in a job folder.

Nothing here runs a component; `ast` reads it.
"""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from harness.contract import OPTIONAL, REQUIRED

if TYPE_CHECKING:
    from pathlib import Path

ComponentName = Literal["data", "model", "train"]
COMPONENTS: tuple[ComponentName, ...] = get_args(ComponentName)
LARGEST = 256 << 10
"""Bytes a component may have."""


class InvalidComponentError(ValueError):
    """Raised when a component's text cannot be a component; the message is meant for its engineer."""


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """The three components together."""

    data: str
    model: str
    train: str

    def __getitem__(self, name: ComponentName) -> str:
        return {"data": self.data, "model": self.model, "train": self.train}[name]

    def with_component(self, name: ComponentName, source: str) -> Pipeline:
        return replace(self, **{name: source})

    @property
    def checksum(self) -> str:
        """SHA-256 over the three files, in hex."""
        return hashlib.sha256("\0".join(self[name] for name in COMPONENTS).encode()).hexdigest()


def check_component(name: ComponentName, source: str) -> None:
    """Refuse what could not even be imported: size, characters, syntax, missing functions, wrong parameters.

    Raises:
        InvalidComponentError: with one sentence that says where and what.
    """
    if len(source.encode(errors="replace")) > LARGEST or "\0" in source:
        raise InvalidComponentError(f"{name}.py is larger than {LARGEST} bytes or holds a NUL character.")
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidComponentError(f"{name}.py does not parse: {error}") from None
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


def write_components(pipeline: Pipeline, folder: Path, names: tuple[ComponentName, ...] = COMPONENTS) -> None:
    """Lay components into a new folder, readable by every uid and writable by none."""
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)  # whatever the umask: the sandbox reads it under another uid
    for name in names:
        path = folder / f"{name}.py"
        path.write_text(pipeline[name], encoding="utf-8", newline="\n")
        path.chmod(0o444)


def read_components(folder: Path) -> Pipeline:
    return Pipeline(**{name: (folder / f"{name}.py").read_text(encoding="utf-8") for name in COMPONENTS})
