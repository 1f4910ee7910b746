"""`automodel predict` and `serve`: their parts, wired as `__main__` does it for the other commands."""

from __future__ import annotations

import os
import sys
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from orchestrator.find_images import Search
    from orchestrator.predict import Model, Prediction
    from orchestrator.prediction_formats import Writer
    from orchestrator.settings import Settings
    from orchestrator.terminal import Terminal
    from orchestrator.worker import Worker

NAMED = 5
"""Endings of files that one line names."""


def add_predict(parser: argparse.ArgumentParser) -> None:
    """Say what `predict` takes beside the settings."""
    text = "image files, folders, patterns in quotes, or tables (CSV, TSV) with a column of files"
    parser.add_argument("images", nargs="+", metavar="PATH", help=text)
    parser.add_argument("--format", choices=("table", "csv", "jsonl"), default="table", help="default: table")
    parser.add_argument("--top", type=_count, default=1, metavar="K", help="so many classes of each image (default: 1)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="instead of printing; whole or not at all")


def predict(given: argparse.Namespace, settings: Settings) -> int:
    """Classify images, and tell of each that could not be read."""
    from orchestrator.find_images import Search
    from orchestrator.predict import IMAGES, load_model
    from orchestrator.predict import predict as predict_images
    from orchestrator.prediction_formats import open_writer
    from orchestrator.terminal import Terminal

    model = load_model(given.run.resolve())
    search = Search(given.images, settings.dataset_file_column)
    found = need_images(search)
    top = min(given.top, len(model.task.classes))
    with Terminal(stderr=True) as terminal, workers(settings, given.run.resolve(), model, terminal) as begin:
        with closing(begin(IMAGES)) as worker, _output(given.output) as file:
            terminal.phase("loading the model")
            worker.load()
            terminal.phase("predicting")
            writer = open_writer(given.format, file, model.task.classes, top)
            images, bad = _write(predict_images(found, worker, top), writer, terminal)
        _tell_rest(search, images, bad, given.output, terminal)
    return int(bool(bad))


def serve(given: argparse.Namespace, settings: Settings) -> int:
    """Answer over HTTP until Ctrl-C."""
    from orchestrator.loopback import serve_app
    from orchestrator.predict import load_model
    from orchestrator.serve_api import Limits, make_app
    from orchestrator.serving import Serving
    from orchestrator.terminal import Terminal

    run = given.run.resolve()
    model = load_model(run)
    limits = Limits(images=settings.serve_images, megabytes=settings.serve_megabytes, seconds=settings.serve_seconds)
    with Terminal(stderr=True) as terminal, workers(settings, run, model, terminal) as begin:
        terminal.phase("loading the model")
        with closing(Serving(lambda: begin(limits.images), limits.seconds, terminal.say)) as serving:
            app = make_app(run.name, model.task.classes, serving, limits)
            terminal.phase("serving")
            serve_app(app, settings.serve_port, lambda url: terminal.say(_greeting(url)))
    return 0


@contextmanager
def workers(settings: Settings, run: Path, model: Model, terminal: Terminal) -> Iterator[Callable[[int], Worker]]:
    """What starts workers for a run's model, each for requests of so many images."""
    import tempfile

    from orchestrator.checking_commands import jobs_outside
    from orchestrator.growing import growing_folder
    from orchestrator.setup import open_sandbox, prove
    from orchestrator.worker import Worker

    # In the run's folder the weights can be linked, not copied; what a killed process left there goes, too.
    beside = run if os.access(run, os.W_OK) else Path(tempfile.gettempdir(), f"automodel-{os.getuid()}")
    with (
        closing(open_sandbox(settings, terminal.say)) as sandbox,
        growing_folder(beside) as folder,
        jobs_outside(settings, sandbox, terminal, folder) as jobs,
    ):
        prove(settings, sandbox, folder)
        yield lambda most: Worker(model, jobs, most)


def need_images(search: Search) -> Iterator[Path]:
    """What was found, if it is anything.

    Raises:
        AutoModelError: nothing was.
    """
    from itertools import chain

    from orchestrator.errors import AutoModelError

    found = iter(search)
    first = next(found, None)
    if first is None:
        raise AutoModelError(f"There is no image in {', '.join(search.named)}: {left_out(search) or 'it is empty'}.")
    return chain([first], found)


def left_out(search: Search) -> str:
    """How many files were no images, by their endings; empty where none was."""
    most = search.left_out.most_common(NAMED)
    named = ", ".join(f"{count} {ending}" for ending, count in most)
    return f"left out as no images: {named}{' ...' * (len(search.left_out) > NAMED)}" if most else ""


def _write(predictions: Iterable[Prediction], writer: Writer, terminal: Terminal) -> tuple[int, int]:
    """Write or report each; return how many there were, and how many could not be read."""
    images = bad = 0
    for prediction in predictions:
        images += 1
        bad += bool(prediction.problem)
        if prediction.problem:
            terminal.say(f"{prediction.image} cannot be read: {prediction.problem}")
        else:
            writer.write(prediction)
    return images, bad


def _tell_rest(search: Search, images: int, bad: int, output: Path | None, terminal: Terminal) -> None:
    if rest := left_out(search):
        terminal.say(f"{rest[0].upper()}{rest[1:]}.")
    if bad:
        terminal.say(f"{bad} of {images} images could not be read and have no prediction.")
    if output:
        terminal.say(f"Written to {output}: {images - bad} predictions.")


def _output(path: Path | None) -> AbstractContextManager[TextIO]:
    from orchestrator.growing import growing_file

    if path is None:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="surrogateescape")  # a file's name may be any bytes
        return nullcontext(sys.stdout)
    return growing_file(path, errors="surrogateescape")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _greeting(url: str) -> str:
    return (
        f"{url}/predict takes images: curl -F images=@photo.jpg {url}/predict\n"
        f"{url}/docs describes it, {url}/healthz tells whether it is well. Ctrl-C ends it."
    )
