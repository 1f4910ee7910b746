"""TensorBoard: event files in the run's folder, a folder for each iteration: `tensorboard --logdir runs`.

Written with TensorBoard's own records, without torch or TensorFlow, and whole or not at all: a folder that is there was
told, so that a run that is continued has none twice.
"""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any

from harness.report import printable
from orchestrator.components import COMPONENTS
from orchestrator.trackers import facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from orchestrator.team import Iteration

FOLDER = "tensorboard"
"""In the run's."""
TEXT = 20_000
"""Characters of a log that are shown: its end, where a crash is."""


class TensorBoardTracker:
    """Implements `Tracker`."""

    def __init__(self, run: Path, seed: int) -> None:
        self._run, self._seed = run, seed
        self._folder = run / FOLDER
        self._folder.mkdir(exist_ok=True)
        for torn in self._folder.glob(".*"):
            shutil.rmtree(torn)

    def iteration(self, iteration: Iteration) -> None:
        numbers = ((f"result/{name}", value, 0, 0.0) for name, value in facts.results(iteration).items())
        curve = ((each.name, each.value, each.epoch, each.seconds) for each in facts.curve(iteration))
        logs = {
            path.name: _code(path.read_text(errors="replace")[-TEXT:]) for path in facts.files(self._run, iteration)
        }
        components = {f"{name}.py": _code(iteration.proposal.pipeline[name]) for name in COMPONENTS}
        texts = {"why": facts.why(iteration), **components, **logs}
        parameters = facts.parameters(iteration, self._seed)
        self._write(f"iteration-{iteration.number:03}", [*numbers, *curve], texts, parameters)

    def end(self, summary: Mapping[str, Any]) -> None:
        numbers = ((f"final/{name}", value, 0, 0.0) for name, value in facts.final_results(summary).items())
        texts = {"ended": str(summary["ended"]), "summary": _code((self._run / "summary.json").read_text()[:TEXT])}
        self._write("run", numbers, texts, {"dataset": summary["dataset"], "team": summary["provider"]})

    def _write(
        self,
        name: str,
        numbers: Iterable[tuple[str, float, int, float]],
        texts: Mapping[str, str],
        parameters: Mapping[str, str],
    ) -> None:
        """Write a folder of events: numbers with their step and seconds, texts, and parameters for the HParams tab."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb
        from tensorboard.plugins.scalar.summary_v2 import scalar_pb
        from tensorboard.plugins.text.summary_v2 import text_pb
        from tensorboard.summary.writer.record_writer import RecordWriter

        if (self._folder / name).exists():
            return
        now, growing = time.time(), self._folder / f".{name}"
        growing.mkdir()
        with (growing / f"events.out.tfevents.{now:.0f}.automodel").open("wb") as file:
            records = RecordWriter(file)
            records.write(Event(wall_time=now, file_version="brain.Event:2").SerializeToString())
            summaries = [(0, 0.0, hparams_pb(dict(parameters), trial_id=f"{self._run.name}/{name}"))]
            summaries += [(0, 0.0, text_pb(tag, text)) for tag, text in texts.items()]
            summaries += [(step, seconds, scalar_pb(tag, value)) for tag, value, step, seconds in numbers]
            for step, seconds, summary in summaries:
                event = Event(wall_time=now + seconds, step=step, summary=summary)
                records.write(event.SerializeToString())
        growing.rename(self._folder / name)


def _code(text: str) -> str:
    """As Markdown that shows it as it is, whatever it holds: a fence could be closed in it."""
    return "\n".join(f"    {line}" for line in printable(text).splitlines())
