"""The three generated files as values, and their place in a job folder. Nothing here runs or reads them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from pathlib import Path

ComponentName = Literal["data", "model", "train"]
COMPONENTS: tuple[ComponentName, ...] = get_args(ComponentName)


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """The three components together."""

    data: str
    model: str
    train: str

    def __getitem__(self, name: ComponentName) -> str:
        return {"data": self.data, "model": self.model, "train": self.train}[name]

    def with_component(self, name: ComponentName, source: str) -> Pipeline:
        return replace(self, **{name: source})

    @property
    def checksum(self) -> str:
        """SHA-256 over the three files, in hex."""
        return hashlib.sha256("\0".join(self[name] for name in COMPONENTS).encode()).hexdigest()


def write_components(pipeline: Pipeline, folder: Path, names: tuple[ComponentName, ...] = COMPONENTS) -> None:
    """Lay components into a new folder, readable by every uid and writable by none."""
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)  # whatever the umask: the sandbox reads it under another uid
    for name in names:
        path = folder / f"{name}.py"
        path.write_text(pipeline[name], encoding="utf-8", newline="\n")
        path.chmod(0o444)


def read_components(folder: Path) -> Pipeline:
    return Pipeline(**{name: (folder / f"{name}.py").read_text(encoding="utf-8") for name in COMPONENTS})
