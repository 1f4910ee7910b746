"""`automodel export`: its parts, wired as `__main__` does it for the other commands."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from orchestrator.parity import Parity
    from orchestrator.settings import Settings
    from orchestrator.terminal import Terminal
    from sandbox.base import Sandbox


def export(given: argparse.Namespace, settings: Settings) -> int:
    """Write the model of a run as a folder that needs nothing of this project; whole, or not at all."""
    from orchestrator import export as exporting
    from orchestrator.checking_commands import jobs_outside
    from orchestrator.growing import growing_folder
    from orchestrator.model_card import model_card
    from orchestrator.recorded import read_recorded
    from orchestrator.run_folder import read_manifest, read_summary
    from orchestrator.setup import open_sandbox, prove
    from orchestrator.terminal import Terminal
    from orchestrator.verify import need_dataset

    run, destination = given.run.resolve(), given.destination.absolute()
    exporting.need_room(destination)
    summary, dataset_checksum = read_summary(run), str(read_manifest(run)["same"]["dataset"])
    dataset = need_dataset(settings.datasets_dir.resolve(), dataset_checksum)
    source = exporting.Source(recorded=read_recorded(run), summary=summary, dataset=dataset)
    with (
        Terminal() as terminal,
        closing(open_sandbox(settings, terminal.say)) as sandbox,
        growing_folder(destination.parent) as place,
        jobs_outside(settings, sandbox, terminal, place) as jobs,
    ):
        prove(settings, sandbox, place)
        folder = place / "export"
        parity = exporting.export(source, folder, jobs, place / "check", terminal.phase)
        licences = _licences(parity, sandbox, settings.weights_dir)
        (folder / exporting.CARD).write_text(model_card(source, parity, licences), encoding="utf-8")
        exporting.seal(folder)
        folder.rename(destination)
        _say(terminal, parity, given.destination)
    return 0


def _licences(parity: Parity, sandbox: Sandbox, weights: Path) -> dict[str, str]:
    """Of the pretrained weights that the network began from; an empty text where nobody says."""
    from orchestrator.errors import AutoModelError
    from orchestrator.timm_names import timm_names

    if not parity.told.pretrained:
        return {}
    try:
        known = timm_names(sandbox, weights.resolve()).licences
    except AutoModelError:
        known = {}
    return {name: known.get(name, "") for name in parity.told.pretrained}


def _say(terminal: Terminal, parity: Parity, destination: Path) -> None:
    from orchestrator.model_card import parity_lines

    terminal.say("\n".join([f"Exported to {destination}; README.md there says the rest.", *parity_lines(parity)]))
    terminal.say(f"Predict: python {destination}/predict.py IMAGE...")
