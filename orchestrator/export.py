"""A run's model as a folder that needs nothing of this project: weights, code, preparation, card, and a graph.

What prepares, transforms and predicts is copied, file by file, so that it is the same code that made the run's number.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harness.contract
from orchestrator.components import write_components
from orchestrator.custody import file_checksum
from orchestrator.errors import AutoModelError
from orchestrator.job_files import WEIGHTS
from orchestrator.parity import CLOSE, ONNX, check_parity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestrator.dataset import Dataset
    from orchestrator.jobs import Jobs
    from orchestrator.parity import Agreement, Parity
    from orchestrator.recorded import Recorded

FORMAT = 1
"""Of model.json."""
MODEL = "model.json"
CARD = "README.md"
HARNESS = Path(harness.contract.__file__).parent
PREDICT = "export/predict.py"
"""Becomes predict.py at the top."""
COPIED = (
    "__init__.py", "blame.py", "contract.py", "examples.py", "export/__init__.py", "export/predictor.py", "forward.py",
    "images.py", "job.py", "loader.py", "loading.py", "names.py", "network.py", "placed_file.py", "prepare/__init__.py",
    "prepare/copies.py", "prepare/guess.py", "prepare/lookalikes.py", "prepare/pixels.py", "prepare/single.py",
    "randomness.py", "report.py", "splits.py", "threads.py", "weights.py",
)  # fmt: skip
"""Of harness/: what predict.py imports, and what that does; a test keeps it so."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is exported."""

    recorded: Recorded
    summary: Mapping[str, Any]
    dataset: Dataset


def need_room(destination: Path) -> None:
    """Refuse a destination with something in it.

    Raises:
        AutoModelError: it is no folder, or not an empty one.
    """
    if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
        raise AutoModelError(f"{destination} is no folder: name one that is not there yet, or is empty.")
    if destination.exists() and any(destination.iterdir()):
        raise AutoModelError(f"{destination} is not empty: name a folder that is not there yet, or is empty.")


def lay_out(source: Source, folder: Path) -> None:
    """Write all but the card and what parity is about into a new folder, readable by every uid."""
    model = source.recorded.model
    folder.mkdir()
    for name in COPIED:
        (folder / "harness" / name).parent.mkdir(exist_ok=True, parents=True)
        shutil.copyfile(HARNESS / name, folder / "harness" / name)
    shutil.copyfile(HARNESS / PREDICT, folder / "predict.py")
    write_components(model.pipeline, folder / "components")
    shutil.copyfile(model.weights, folder / WEIGHTS)
    write_facts(folder, facts_of(source))
    open_up(folder)


def open_up(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)  # whatever the umask: jobs read it under another uid


def facts_of(source: Source) -> dict[str, Any]:
    """What predict.py has to know, and where the model is from."""
    recorded, facts = source.recorded, source.dataset.facts
    model, versions = recorded.model, recorded.manifest.get("versions", {})
    return {
        "format": FORMAT,
        "run": recorded.run.name,
        "classes": model.task.classes,
        "thresholds": None,
        "preparation": {
            "channels": model.task.channels,
            "size": model.task.image_size,
            "max_side": model.preparation.max_side,
            "ceiling": model.preparation.ceiling,
            "orientation": "turned upright by EXIF",
            "transparency": "laid on white",
        },
        "task": asdict(model.task) | {"hold_out": model.hold_out},
        "dataset": {"name": facts.name, "licence": facts.licence, "checksum": source.dataset.checksum},
        "test": {name: source.summary["test"][name] for name in ("accuracy", "interval", "images")},
        "versions": {name: versions.get(name) for name in ("automodel", "commit", "harness", "sandbox")},
    }


def parity_facts(parity: Parity) -> dict[str, Any]:
    def told(agreement: Agreement) -> dict[str, float]:
        return {"images": agreement.images, "difference": agreement.difference, "same_class": agreement.same}

    graph = {
        "file": ONNX,
        "input": "images",
        "output": "logits",
        "shape": ["batch", *parity.told.input],
        "takes": "float32: what eval_transform of components/data.py gives for an image that was prepared as above",
    }
    return {
        "parity": {
            "tolerance": CLOSE,
            "predict.py": told(parity.predictor),
            ONNX: told(parity.onnx) if parity.onnx else None,
        },
        "onnx": graph if parity.onnx else {"problem": parity.problem},
        "pretrained": parity.told.pretrained,
        "checked_with": parity.told.versions,
    }


def export(source: Source, folder: Path, jobs: Jobs, place: Path, tell: Callable[[str], None]) -> Parity:
    """Write everything but the card, and check it. `place`: for the files of jobs, to be made; `tell`: what goes on.

    Raises:
        AutoModelError: the exported files do not give the run's logits.
        SandboxError: the sandbox failed.
    """
    lay_out(source, folder)
    parity = check_parity(source.recorded.model, source.dataset, folder, jobs, place, tell)
    write_facts(folder, facts_of(source) | parity_facts(parity))
    return parity


def seal(folder: Path) -> None:
    """Add the checksums of all other files to model.json: the last thing."""
    open_up(folder)
    facts = json.loads((folder / MODEL).read_bytes())
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MODEL)
    write_facts(folder, facts | {"checksums": {str(path.relative_to(folder)): file_checksum(path) for path in files}})


def write_facts(folder: Path, facts: Mapping[str, Any]) -> None:
    (folder / MODEL).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
