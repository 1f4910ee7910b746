"""Good pipelines, and the faults that are put into them: a text of one component that is replaced by another.

The faults are data: `faults/data.toml` has those of data.py, and so on; `plain/` is a pipeline as most people would
first write it, the other ones are recipes. Nothing here runs any of them.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.components import COMPONENTS, ComponentName, Pipeline, read_components
from orchestrator.errors import AutoModelError
from orchestrator.playbook import pipeline
from orchestrator.team import Choice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prompts.recipe import Value

FOLDER = Path(__file__).parent
PHOTOS: dict[str, Value] = {
    "side": 16,
    "smallest_crop": 0.8,
    "flip": False,
    "policy": "none",
    "architecture": "resnet10t",
    "flip_views": False,
    "epochs": 4,
    "batch_size": 64,
    "learning_rate": 0.1,
    "average": 0.0,
}
RECIPES: dict[str, Choice] = {
    "grey": Choice(recipe="tiny-grey", values={"epochs": 6, "width": 16}),
    "colour": Choice(recipe="small-colour", values={"epochs": 6, "width": 16, "batch_size": 64}),
    "photos": Choice(recipe="large-photos", values=PHOTOS),
}
"""Small and short, so that a study of many faults takes minutes; each is well above chance on digits."""
PLAIN = "plain"
BASES = (PLAIN, *RECIPES)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One mistake, of one engineer."""

    kind: str
    """The class of faults that it belongs to."""
    name: str
    base: str
    """Which pipeline it is put into."""
    culprit: ComponentName
    """Whose file it is in."""
    find: str
    put: str

    @property
    def key(self) -> str:
        """What its folder is called."""
        return re.sub(r"[^a-z0-9]+", "-", f"{self.culprit} {self.kind} {self.name}".lower())

    def inject(self) -> Pipeline:
        """The good pipeline with this fault in it.

        Raises:
            AutoModelError: the text does not stand there exactly once: the pipeline was changed, the fault was not.
        """
        good = good_pipeline(self.base)
        source = good[self.culprit]
        if source.count(self.find) != 1:
            raise AutoModelError(
                f"The fault {self.key!r} replaces a text that stands {source.count(self.find)} times in {self.base}'s "
                f"{self.culprit}.py, and not once: bring orchestrator/bench/faults/{self.culprit}.toml up to date."
            )
        return good.with_component(self.culprit, source.replace(self.find, self.put))


@cache
def good_pipeline(base: str) -> Pipeline:
    return read_components(FOLDER / PLAIN) if base == PLAIN else pipeline(RECIPES[base])


def read_faults() -> tuple[Fault, ...]:
    """All faults, by component."""
    return tuple(
        Fault(kind=entry["class"], culprit=component, **{name: entry[name] for name in ("name", "base", "find", "put")})
        for component in COMPONENTS
        for entry in tomllib.loads((FOLDER / "faults" / f"{component}.toml").read_text(encoding="utf-8"))["fault"]
    )


def of_class(faults: Iterable[Fault], kind: str) -> tuple[Fault, ...]:
    """Those of a class, or all where none is named.

    Raises:
        AutoModelError: there is no such class.
    """
    kinds = sorted({fault.kind for fault in faults})
    if kind and kind not in kinds:
        raise AutoModelError(f"There is no class of faults called {kind!r}; there are: {', '.join(kinds)}.")
    return tuple(fault for fault in faults if kind in ("", fault.kind))
