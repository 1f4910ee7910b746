"""The command line, and the only place that wires real parts together."""

from __future__ import annotations

import argparse
import errno
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from harness.report import printable
from orchestrator import (
    bench_commands,
    checking_commands,
    export_command,
    page_commands,
    paper_command,
    using_commands,
    weights_commands,
)
from orchestrator.errors import AutoModelError
from orchestrator.flags import add_command, given_flags, sentence
from orchestrator.interrupts import INTERRUPTED, end_in_order
from orchestrator.settings import read_settings
from sandbox.base import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from orchestrator.settings import Settings


INTERRUPTED_EARLY = "what was finished is kept: the same command does the rest."
"""Where nobody has a better word: while a dataset is prepared, an image is built, images are predicted."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command of a command line."""
    given = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace, Settings], int] = given.command
    return in_order(lambda: command(given, read_settings(given_flags(given))), debug=given.debug)


def in_order(command: Callable[[], int], *, debug: bool = False) -> int:
    """Run a command; every failure is one sentence on stderr and an exit status of `errors.py`."""
    end_in_order()
    try:
        return command()
    except KeyboardInterrupt as interrupt:
        print(printable(f"\nInterrupted; {str(interrupt) or INTERRUPTED_EARLY}"), file=sys.stderr)
        return INTERRUPTED
    except (AutoModelError, SandboxError, OSError) as error:
        if debug:
            raise
        print(printable(f"automodel: {_sentence(error)}"), file=sys.stderr)
        return getattr(error, "status", 1)


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f" where {error.filename} is" if error.filename else ""
        return f"The disk is full{where}: make room, and the same command goes on from there."
    return str(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="automodel",
        description="Labelled images in, the best classifier that can be had out, with nobody at the wheel.",
        epilog="Every flag of a command is also an environment variable: --run-iterations 5 is RUN_ITERATIONS=5. "
        "What may hold a key is a variable alone: OPENAI_API_KEY, OPENAI_BASE_URL, ANTHROPIC_API_KEY, "
        "ANTHROPIC_BASE_URL, KAGGLE_USERNAME, KAGGLE_KEY, DATASETS_MIRROR.",
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_runs(commands)
    _add_uses(commands)
    _add_checks(commands)
    _add_weights(commands)
    _add_bench(commands)
    add_command(commands, _setup, "setup", "make a sandbox usable: build the image if an engine answers")
    doctor = add_command(commands, _doctor, "doctor", "tell what was found on this machine, and what is missing")
    doctor.add_argument(
        "--clean", action="store_true", help="remove what a killed run left: containers, control groups"
    )
    return parser


def _add_runs(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """From images to a model, and what there is to see of it."""
    run = add_command(commands, _run, "run", "train the best classifier for a dataset")
    run.add_argument("--new", action="store_true", help="begin a new run, even if one is unfinished")
    prepare = add_command(commands, _prepare, "prepare", "only prepare a dataset, and say what is in it")
    for each in (run, prepare):
        each.add_argument(
            "path", nargs="?", metavar="DATASET", help="a name (see `automodel datasets`), or a folder of images"
        )
        form = each.add_mutually_exclusive_group()
        form.add_argument("--quiet", action="store_true", help="only the answer, and errors")
        form.add_argument("--json", action="store_true", help="one JSON object a line, for programs: see the README")
    add_command(commands, _datasets, "datasets", "list the datasets that have a name, and which are here")
    page = add_command(commands, page_commands.report, "report", "write the page of a run: report.html")
    watch = add_command(commands, page_commands.watch, "watch", "serve the page of a run while it goes on")
    for each in (page, watch):
        each.add_argument("run", type=Path, nargs="?", metavar="RUN", help="a run's folder; default: the newest")


def _add_uses(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """From a model to answers."""
    text = "classify new images with the model of a run"
    using_commands.add_predict(_of_a_run(commands, using_commands.predict, "predict", text))
    text = "answer POST /predict on this machine with the model of a run"
    _of_a_run(commands, using_commands.serve, "serve", text)
    text = "write the model of a run as a folder that needs nothing of this project"
    leave = _of_a_run(commands, export_command.export, "export", text)
    leave.add_argument("destination", type=Path, metavar="DEST", help="a folder that is not there yet, or is empty")


def _add_checks(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Whether a run's number can be believed."""
    text = "train the winner of a run again, to see whether its number holds"
    _of_a_run(commands, checking_commands.audit, "audit", text)
    text = "make the winner of a run again, and compare its numbers"
    _of_a_run(commands, checking_commands.reproduce, "reproduce", text)
    _of_a_run(commands, checking_commands.verify, "verify", "recompute every checksum and score of a run")


def _of_a_run(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    function: Callable[[argparse.Namespace, Settings], int],
    name: str,
    text: str,
) -> argparse.ArgumentParser:
    command = add_command(commands, function, name, text)
    command.add_argument("run", type=Path, metavar="RUN", help="a run's folder")
    return command


def _add_weights(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "pretrained weights: list them, fetch some, import a file"
    inside = commands.add_parser("weights", help=text, description=sentence(text)).add_subparsers(
        metavar="COMMAND", required=True
    )
    shown = add_command(inside, weights_commands.show, "list", "tell which pretrained weights are here")
    shown.add_argument("pattern", nargs="?", default="", metavar="PATTERN", help="a part of the names")
    shown.add_argument("--all", action="store_true", help="all that could be fetched, with their licences")
    fetch = add_command(inside, weights_commands.fetch, "fetch", "have weights from the Hugging Face hub")
    fetch.add_argument("names", nargs="+", metavar="NAME", help="as timm calls it, e.g. resnet18.a1_in1k")
    given = add_command(inside, weights_commands.take, "import", "keep a file, converted in the sandbox")
    given.add_argument("file", type=Path, metavar="FILE", help=".safetensors, .pth, .pt, .bin or .npz")
    given.add_argument("--as", dest="name", required=True, metavar="NAME", help="as timm calls it: resnet18.a1_in1k")


def _add_bench(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "studies of AutoModel itself, as commands"
    inside = commands.add_parser("bench", help=text, description=sentence(text)).add_subparsers(
        metavar="STUDY", required=True
    )
    bench_commands.add_repair(
        add_command(inside, bench_commands.repair, "repair", "put faults into good pipelines: are they known?")
    )
    text = "run the experiments of the paper"
    paper_command.add_paper(add_command(inside, paper_command.paper, "paper", text, own=("dataset",)))


def _run(given: argparse.Namespace, settings: Settings) -> int:
    from orchestrator.prepare import check_dataset
    from orchestrator.run import run
    from orchestrator.setup import open_sandbox
    from orchestrator.teams import check_team
    from orchestrator.trackers import check_tracker
    from orchestrator.view import open_view

    check_dataset(settings)  # a misspelt name is told before anything is built,
    check_team(settings)  # and so is a team that cannot work,
    check_tracker(settings)  # and a tracker that is not installed
    with open_view(given) as view, closing(open_sandbox(settings, view.say)) as sandbox:
        run(settings, sandbox, view, new=given.new)
    return 0


def _prepare(given: argparse.Namespace, settings: Settings) -> int:
    from orchestrator.prepare import check_dataset, open_dataset
    from orchestrator.setup import open_sandbox
    from orchestrator.terminal import prepared_lines
    from orchestrator.view import open_view

    check_dataset(settings)  # a misspelt name is told before anything is built
    with open_view(given) as view, closing(open_sandbox(settings, view.say)) as sandbox:
        view.phase(f"preparing {settings.dataset}")
        dataset = open_dataset(settings, sandbox, view.event)
        facts = {name: split.images for name, split in dataset.facts.splits.items()}
        view.say(prepared_lines(dataset), "answer", folder=str(dataset.folder), images=facts)
    return 0


def _datasets(_given: argparse.Namespace, settings: Settings) -> int:
    from rich.console import Console

    from orchestrator.dataset_list import dataset_table
    from orchestrator.named_datasets import NAMED

    console = Console()
    console.print(dataset_table(NAMED.values(), settings, console.width))
    return 0


def _setup(_given: argparse.Namespace, settings: Settings) -> int:
    from orchestrator.setup import open_sandbox

    open_sandbox(settings, print).close()
    return 0


def _doctor(given: argparse.Namespace, settings: Settings) -> int:
    from rich.console import Console

    from orchestrator.doctor import machine_findings, sandbox_findings, table
    from orchestrator.errors import NoSandboxError

    if given.clean:
        from sandbox.leftovers import clean

        removed = ", ".join(f"{count} {what}" for what, count in clean().items())
        print(f"Removed of what killed runs left: {removed}.")
    findings, usable = sandbox_findings(settings)
    Console().print(table([*findings, *machine_findings(settings)]))
    if not usable:
        raise NoSandboxError(
            f"Nothing here can contain generated code with SANDBOX_BACKEND={settings.sandbox_backend}: "
            "see above what to do."
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
