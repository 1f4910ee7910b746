"""Chain of custody: what a score was made from, by checksum, so that nobody has to believe the journal."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import harness.contract
from orchestrator.job_files import LOGITS, WEIGHTS
from sandbox import pid1

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from orchestrator.components import Pipeline


def seal(pipeline: Pipeline, attempt: Path, *, dataset: str, sandbox: Mapping[str, str]) -> dict[str, str]:
    """Checksums of all that a score depends on. `dataset`: its checksum; `sandbox`: what it says of itself."""
    return {
        "components": pipeline.checksum,
        "weights": file_checksum(attempt / WEIGHTS),
        "logits": file_checksum(attempt / LOGITS),
        "dataset": dataset,
        "harness": harness_checksum(),
        "sandbox": sandbox_identity(sandbox),
    }


def file_checksum(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def harness_checksum() -> str:
    """SHA-256 over the code that judges: the harness, and PID 1 of the sandbox."""
    folder = Path(harness.contract.__file__).parent
    return _over([*sorted(folder.rglob("*.py")), Path(pid1.__file__)])


def _over(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name}\0{file_checksum(path)}\0".encode())
    return digest.hexdigest()


def sandbox_identity(facts: Mapping[str, str]) -> str:
    """The image's id; without an image, the libraries' versions."""
    return facts.get("image_id") or ", ".join(f"{name} {value}" for name, value in sorted(facts.items()))
