"""The components that are written to be measured: they stand among the specimens of the tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.components import Pipeline

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parents[1] / "specimens" / "bench"


def component(name: str, constants: Mapping[str, float] | None = None) -> str:
    """The text of a component, with other values for constants at its top."""
    lines = (FOLDER / f"{name}.py").read_text(encoding="utf-8").splitlines(keepends=True)
    given = {f"{constant} =": f"{constant} = {value}\n" for constant, value in (constants or {}).items()}
    return "".join(next((new for start, new in given.items() if line.startswith(start)), line) for line in lines)


def sleeping() -> Pipeline:
    return Pipeline(data=component("plain_data"), model=component("plain_model"), train=component("sleeping_train"))
