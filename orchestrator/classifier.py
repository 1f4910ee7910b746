"""AutoModel from Python and from notebooks: build a classifier, ask it. Errors are raised; no signal is taken."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from orchestrator.errors import AutoModelError, SettingsError
from orchestrator.predict import IMAGES, Prediction, load_model, predict
from orchestrator.prepare import check_dataset
from orchestrator.run import run
from orchestrator.run_folder import read_summary
from orchestrator.settings import Settings, read_settings
from orchestrator.setup import open_sandbox
from orchestrator.teams import check_team
from orchestrator.terminal import Terminal
from orchestrator.using_commands import workers

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, kw_only=True)
class HeldOutScore:
    """How good a classifier is, on images that no choice was made on."""

    accuracy: float
    interval: tuple[float, float]
    """95 %."""
    images: int


@dataclass(frozen=True)
class Classifier:
    """What a finished run gave out."""

    path: Path
    """The run's folder."""
    settings: Settings

    @property
    def score(self) -> HeldOutScore:
        """On the test images.

        Raises:
            AutoModelError: the run's summary is damaged.
        """
        try:
            test = read_summary(self.path)["test"]
            return HeldOutScore(accuracy=test["accuracy"], interval=tuple(test["interval"]), images=test["images"])
        except (KeyError, TypeError):
            raise AutoModelError(f"{self.path}/summary.json tells no test accuracy: it is damaged.") from None

    def predict(self, images: Iterable[str | Path], top: int = 1) -> list[Prediction]:
        """Classify image files, in their order; one that cannot be read has a `problem` instead of a `label`.

        Each call starts a sandbox, which takes some seconds: ask for many images at once. `top`: classes of each image.

        Raises:
            AutoModelError: the model failed.
        """
        model = load_model(self.path)
        with workers(self.settings, self.path, model, _silent()) as begin, closing(begin(IMAGES)) as worker:
            worker.load()
            return list(predict(map(Path, images), worker, top))


def build_classifier(dataset: str | Path, *, new: bool = False, quiet: bool = False, **settings: Any) -> Classifier:
    """Train the best classifier for a dataset: a name, or a folder of images; an unfinished run goes on.

    `new`: begin another run; `quiet`: print nothing; `settings`: what `automodel run --help` lists, as
    `run_iterations=5`; the others come from the environment.

    Raises:
        AutoModelError: it cannot go on; the subclasses in `orchestrator.errors` say why.
        SandboxError: the sandbox was there, and failed.
    """
    known = {knob.name for knob in fields(Settings)} - {"dataset"}
    if unknown := sorted(settings.keys() - known):
        raise SettingsError(f"{unknown[0]} is no setting; `automodel run --help` lists them, as --run-iterations.")
    read = read_settings({**settings, "dataset": str(dataset)})
    check_dataset(read)
    check_team(read)
    terminal = _silent() if quiet else Terminal()
    with terminal, closing(open_sandbox(read, terminal.say)) as sandbox:
        return Classifier(run(read, sandbox, terminal, new=new).resolve(), read)


def _silent() -> Terminal:
    return Terminal(Console(quiet=True))
