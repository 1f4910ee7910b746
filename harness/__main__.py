"""`python -P -m harness fit`, `predict`, `serve`, `script` or `sheet`: one job, then the end.

It may be started ahead of its job: it imports what takes seconds while it waits for `input/go`. `sheet` runs no
component and needs no torch: it draws `out/sheet.png`, and that is all. Nor does `script`, which runs a whole program.

Exit status: 0 the job did what it was for; 1 a component crashed, and `out/report.json` says which; others are ours.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

POLL_SECONDS = 0.01
FAULT_OF_OURS = 70
"""EX_SOFTWARE."""
LIBRARIES = {"torchvision": "torchvision.transforms.v2", "timm": "timm"}
"""What components may use beside torch, by the name that they would mention: 2 to 3 s of CPU each."""
OPTIMIZERS = "torch._dynamo"
"""What the first optimizer imports, in 1.6 s, and so each child of a job that trains, unless its parent has."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="harness", description=__doc__)
    parser.add_argument("job", choices=("fit", "predict", "serve", "script", "sheet"))
    parser.add_argument("--root", type=Path, default=Path("/job"), help="where input/, train/, images/, out/ lie")
    arguments = parser.parse_args(argv)
    match arguments.job:
        case "sheet":
            return _draw(arguments.root)
        case "script":
            return _run_script(arguments.root)
        case name:
            return _run_components(name, arguments.root)


def _draw(root: Path) -> int:
    from harness import job, sheet

    folders = job.Folders(root)
    _wait_for(folders.input / "go")
    sheet.make_sheet(folders)
    return 0


def _run_script(root: Path) -> int:
    _prepare_libraries(root / "weights")
    from harness import job, progress, script

    folders = job.Folders(root)
    _wait_for(folders.input / "go")
    ledger = progress.Progress(folders.out)
    script.run_script(folders, ledger)
    ledger.close()
    return int(ledger.report.crash is not None)


def _run_components(name: str, root: Path) -> int:
    began = monotonic()
    _prepare_libraries(root / "weights")
    from harness import job, phases, progress

    folders = job.Folders(root)
    _import_libraries(folders.input / "go", folders.components)
    if name == "fit":
        import_module(OPTIMIZERS)
    seconds = monotonic() - began
    _wait_for(folders.input / "go")
    ledger = progress.Progress(folders.out)
    ledger.imported(seconds)
    run = {"fit": phases.run_fit, "predict": phases.run_predict, "serve": phases.run_serve}[name]
    run(job.read_job(folders), ledger)
    ledger.close()
    crash = ledger.report.crash
    if crash is None:
        return 0
    return 1 if crash.culprit else FAULT_OF_OURS


def _prepare_libraries(weights: Path) -> None:
    """Say how libraries are to behave, before the first is imported.

    An OpenMP thread that spins at each barrier costs a small network up to 5.5x on a busy machine.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_CACHE"] = str(weights)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # what is printed survives a kill


def _import_libraries(go: Path, components: Path) -> None:
    """Import what components use, once for all children; once they are there, only what they mention.

    Nothing here may run a tensor operation: see `child`.
    """
    for name, module in LIBRARIES.items():
        if not go.exists() or any(name.encode() in path.read_bytes() for path in components.glob("*.py")):
            import_module(module)


def _wait_for(file: Path) -> None:
    while not file.exists():
        sleep(POLL_SECONDS)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # taking the imported torch apart would take 1.2 s, and leave nothing more
