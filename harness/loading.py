"""The components as modules, `components.data` and so on.

They are registered in `sys.modules`, because dataclasses under postponed annotations look themselves up there, below a
package of our making, so that no component can stand before a module of torch or of the standard library.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from harness.blame import BrokenContractError
from harness.contract import OPTIONAL, REQUIRED
from harness.randomness import seed_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from harness.channel import Steps


def load_components(names: Sequence[str], folder: Path, channel: Steps, seed: int) -> list[ModuleType]:
    """Import these components of a folder, in this order.

    Raises:
        BrokenContractError: a file or a function is missing or takes other parameters.
    """
    sys.dont_write_bytecode = True
    package = ModuleType("components")
    package.__path__ = [str(folder)]
    sys.modules["components"] = package
    return [_load(name, folder, channel, seed) for name in names]


def seeded(seed: int, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of a component with every generator set."""
    seed_all(seed)
    return function(*arguments)


def _load(name: str, folder: Path, channel: Steps, seed: int) -> ModuleType:
    channel.step(f"import {name}", name, quick=True)
    if not (folder / f"{name}.py").exists():
        raise BrokenContractError(name, f"{name}.py is missing")
    module: ModuleType = seeded(seed, importlib.import_module, f"components.{name}")
    for function, parameters in REQUIRED[name].items():
        if not hasattr(module, function):
            raise BrokenContractError(name, f"{name}.py must define {function}({', '.join(parameters)})")
    for function, parameters in (REQUIRED[name] | OPTIONAL[name]).items():
        if hasattr(module, function):
            _check_parameters(name, getattr(module, function), function, parameters)
    return module


def _check_parameters(component: str, function: Any, name: str, parameters: tuple[str, ...]) -> None:
    wanted = f"{component}.py must define {name}({', '.join(parameters)})"
    if not callable(function):
        raise BrokenContractError(component, f"{wanted}, but {name} is no function")
    signature = inspect.signature(function)
    try:
        signature.bind(*parameters)
    except TypeError as error:
        raise BrokenContractError(component, f"{wanted}, but it is {name}{signature}: {error}") from None
