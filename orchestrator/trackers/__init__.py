"""Where people already look: every iteration of a run, told to MLflow or TensorBoard as well."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from orchestrator.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from orchestrator.settings import Settings
    from orchestrator.team import Iteration


class Tracker(Protocol):
    """Keeps what it is told; it may raise whatever its library raises."""

    def iteration(self, iteration: Iteration) -> None:
        """An iteration is over. One that it was told by an earlier process of this run is passed over."""
        ...

    def end(self, summary: Mapping[str, Any]) -> None:
        """The run is over; `summary`: what summary.json holds."""
        ...


def check_tracker(settings: Settings, installed: Callable[[str], object] = find_spec) -> None:
    """See that the tracker's package is there, before anything is built.

    Raises:
        SettingsError: it is not.
    """
    name = settings.tracker
    if name != "none" and installed(name) is None:
        raise SettingsError(f"TRACKER={name} needs a package that is not here: pip install 'automodel[{name}]'.")


def open_tracker(name: str, run: Path, seed: int) -> Tracker:
    """The tracker of this name for the run in a folder; `seed`: the run's."""
    if name == "mlflow":
        from orchestrator.trackers.mlflow import MlflowTracker

        return MlflowTracker(run, seed)
    from orchestrator.trackers.tensorboard import TensorBoardTracker

    return TensorBoardTracker(run, seed)
