"""What a downloaded file has to be: its published checksum, or the one that was recorded when it was first used."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING

from orchestrator.errors import DatasetError

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = "checksums.json"
"""Beside the downloads: name of a file -> its checksum at first use."""
FIRST_USE = "sha256"


def checksum(path: Path, algorithm: str) -> str:
    """`algorithm:hex` of a file; nothing is guarded by it that would need more than MD5, but damage."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, partial(hashlib.new, algorithm, usedforsecurity=False))
    return f"{algorithm}:{digest.hexdigest()}"


def recorded(path: Path) -> str:
    """The checksum that a file had at first use; empty where it was not used yet.

    Raises:
        DatasetError: the records are damaged.
    """
    return _records(path.parent).get(path.name, "")


def record(path: Path, name: str) -> None:
    """Hold to what the file is now, under the name that it has or will get; the caller has locked the folder.

    Raises:
        DatasetError: the records are damaged.
    """
    records = _records(path.parent) | {name: checksum(path, FIRST_USE)}
    written = path.with_name(f"{RECORDS}.new")
    written.write_text(json.dumps(records, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    written.replace(path.with_name(RECORDS))


def _records(folder: Path) -> dict[str, str]:
    path = folder / RECORDS
    try:
        records = json.loads(path.read_bytes())
        return {str(name): str(records[name]) for name in records}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError):
        raise DatasetError(f"{path} is damaged: remove it, and the files beside it if you do not trust them.") from None
