"""`automodel weights list`, `fetch` and `import`: their parts, wired as `__main__` does it for the other commands."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from orchestrator.settings import Settings
    from orchestrator.terminal import Terminal
    from orchestrator.timm_names import TimmNames
    from sandbox.base import Sandbox


def show(given: argparse.Namespace, settings: Settings) -> int:
    """Tell which weights are here, or all that could be."""
    from orchestrator.terminal import Terminal
    from orchestrator.weights_table import lines_of_all, lines_of_kept

    if not given.all:
        print("\n".join(lines_of_kept(settings.weights_dir, given.pattern)))
        return 0
    with Terminal(stderr=True) as terminal, _asked(settings, terminal) as (names, _):
        lines = lines_of_all(names, settings.weights_dir, given.pattern)
    print("\n".join(lines))
    return 0


def fetch(given: argparse.Namespace, settings: Settings) -> int:
    """Fetch weights by name."""
    from orchestrator.fetch_weights import fetch_weights
    from orchestrator.terminal import Terminal
    from orchestrator.weights_table import line_of

    with Terminal() as terminal, _asked(settings, terminal) as (names, _):
        for name in [names.need(name) for name in given.names]:  # a misspelt name is told before anything is fetched
            terminal.phase(name)
            terminal.say(line_of(fetch_weights(name, settings, terminal.event), names.licences[name]))
    return 0


def take(given: argparse.Namespace, settings: Settings) -> int:
    """Take a file in."""
    from orchestrator.import_weights import import_weights
    from orchestrator.terminal import Terminal
    from orchestrator.weights_table import line_of

    with Terminal() as terminal, _asked(settings, terminal) as (names, sandbox):
        name = names.need(given.name)
        terminal.phase(f"converting {given.file} to {name}")
        imported = import_weights(given.file, name, settings, sandbox)
        terminal.say(line_of(imported.kept))
        if not imported.head:
            terminal.say("Its last layer is of other classes, or absent: a new one stands in.")
    return 0


@contextmanager
def _asked(settings: Settings, terminal: Terminal) -> Iterator[tuple[TimmNames, Sandbox]]:
    """What the timm of the sandbox knows, and the sandbox."""
    from orchestrator.setup import open_sandbox
    from orchestrator.timm_names import timm_names

    with closing(open_sandbox(settings, terminal.say)) as sandbox:
        terminal.phase("asking timm for its names")
        yield timm_names(sandbox, settings.weights_dir.resolve()), sandbox
