"""Pretrained weights that lie on this machine, in the Hugging Face cache layout: what is here, and how more gets in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PREFIX = "models--timm--"
MODEL = "model.safetensors"
CONFIG = "config.json"
CONFIG_BYTES = 1 << 20
HEADER_BYTES = 32 << 20
"""That the names and places of a file's tensors may take; those of a large network take one hundredth."""
NOT_WHOLE = "not whole: remove the folder and get it again"


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Weights of one name."""

    name: str
    bytes: int
    problem: str = ""
    """Why they cannot be loaded in the sandbox, or an empty text."""


def available_weights(folder: Path) -> tuple[str, ...]:
    """Exact timm names for which `timm.create_model(name, pretrained=True)` needs no network."""
    return tuple(kept.name for kept in list_weights(folder) if not kept.problem)


def list_weights(folder: Path) -> list[Kept]:
    """All that has a place in the cache, whole or not, by name."""
    return [_look_at(place, folder) for place in sorted(folder.glob(f"{PREFIX}*")) if place.is_dir()]


def revisions(folder: Path) -> dict[str, str]:
    """Which revision is here of each name whose weights can be loaded: what a network that is fine-tuned began from."""
    return {name: _revision(folder / f"{PREFIX}{name}") for name in available_weights(folder)}


def _revision(place: Path) -> str:
    return (place / "refs" / "main").read_text(encoding="utf-8")[:100]


def _look_at(place: Path, folder: Path) -> Kept:
    name = place.name.removeprefix(PREFIX)
    try:
        model = place / "snapshots" / _revision(place) / MODEL
        size = model.stat().st_size
        return Kept(name=name, bytes=size, problem=_problem(model, folder))
    except (OSError, ValueError):
        return Kept(name=name, bytes=0, problem=NOT_WHOLE)


def _problem(model: Path, folder: Path) -> str:
    real, root = model.resolve(), folder.resolve()
    if not real.is_relative_to(root):
        return f"a link to {real}, which the sandbox does not see: copy the file here"
    parents = [parent for parent in real.parents if parent.is_relative_to(root)]
    if not real.stat().st_mode & 0o004 or not all(parent.stat().st_mode & 0o001 for parent in parents):
        return f"closed to the user of the sandbox: chmod -R o+rX {folder}"
    return "" if is_whole(model) else NOT_WHOLE


def is_whole(file: Path) -> bool:
    """Whether this is a safetensors file with every byte that its header speaks of."""
    try:
        with file.open("rb") as opened:
            length = int.from_bytes(opened.read(8), "little")
            header = json.loads(opened.read(length)) if length <= HEADER_BYTES else {}
        ends = [facts["data_offsets"][1] for name, facts in header.items() if name != "__metadata__"]
        return bool(ends) and file.stat().st_size == 8 + length + max(ends)
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return False


def are_whole(files: Mapping[str, Path]) -> bool:
    """Whether these, by their names in the cache, are a safetensors file and its description."""
    try:
        config = files[CONFIG]
        described = config.stat().st_size <= CONFIG_BYTES and isinstance(json.loads(config.read_bytes()), dict)
    except (OSError, ValueError, RecursionError):
        return False
    return described and is_whole(files[MODEL])


def keep(name: str, revision: str, files: Mapping[str, Path], folder: Path) -> Kept:
    """Move files of the same disk into the cache as weights of this name.

    Nothing is a link, everybody may read it, and until its last step it does not count as there.
    """
    place = open_folder(folder, f"{PREFIX}{name}")
    snapshot = open_folder(place, "snapshots", revision)
    for called in (CONFIG, MODEL):
        files[called].chmod(0o644)
        files[called].replace(snapshot / called)
    refs = open_folder(place, "refs")
    (refs / "main.part").write_text(revision, encoding="utf-8")
    (refs / "main.part").chmod(0o644)
    (refs / "main.part").replace(refs / "main")
    return _look_at(place, folder)


def open_folder(folder: Path, *parts: str) -> Path:
    """A folder that jobs can read under their own uid, whatever the umask; made where it is not there."""
    for part in ("", *parts):
        folder /= part
        if not folder.is_dir():
            folder.mkdir(parents=True)
            folder.chmod(0o755)
    return folder
