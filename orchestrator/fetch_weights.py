"""Have pretrained weights from the Hugging Face hub: resumed, and checked against what the hub says of them."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from orchestrator.downloads import Downloader
from orchestrator.errors import AutoModelError, DatasetError
from orchestrator.growing import locked
from orchestrator.hub import find_release
from orchestrator.remote_files import RemoteFile
from orchestrator.timm_names import timm_names
from orchestrator.transfer import Place
from orchestrator.weights import CONFIG, MODEL, are_whole, keep, list_weights, open_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.report import Event
    from orchestrator.hub import Release
    from orchestrator.settings import Settings
    from orchestrator.timm_names import TimmNames
    from orchestrator.weights import Kept
    from sandbox.base import Sandbox

INCOMING = ".incoming"
"""Where what is half there waits for the next try."""
ADVICE = "look at the network and at WEIGHTS_MIRROR; the same command goes on where it stopped."


class Hub:
    """What a run's `Supply` fetches from."""

    def __init__(self, settings: Settings, sandbox: Sandbox, on_event: Callable[[Event], None]) -> None:
        self._settings = settings
        self._sandbox = sandbox
        self._on_event = on_event
        self._names: TimmNames | None = None

    def names(self) -> TimmNames:
        self._names = self._names or timm_names(self._sandbox, self._settings.weights_dir.resolve())
        return self._names

    def fetch(self, name: str) -> Kept:
        return fetch_weights(name, self._settings, self._on_event)


def fetch_weights(
    name: str, settings: Settings, on_event: Callable[[Event], None], sleep: Callable[[float], None] = time.sleep
) -> Kept:
    """Keep the hub's present weights of an exact timm name; what is here already is not fetched again.

    Raises:
        AutoModelError: they cannot be had; what has come of them is kept for the next try.
    """
    folder = open_folder(settings.weights_dir.resolve())
    with locked(open_folder(folder, INCOMING) / ".lock"):
        if here := [kept for kept in list_weights(folder) if kept.name == name and not kept.problem]:
            return here[0]
        release = find_release(settings.weights_mirror, name, sleep)
        incoming = open_folder(folder, INCOMING, f"{name}-{release.commit[:12]}")
        files = _download(name, release, settings.weights_mirror, incoming, Downloader(on_event=on_event, sleep=sleep))
        if not are_whole(files):
            shutil.rmtree(incoming)
            raise AutoModelError(f"What the hub has as {name} is no {MODEL} with its {CONFIG}: choose another.")
        kept = keep(name, release.commit, files, folder)
        shutil.rmtree(incoming)
    return kept


def _download(name: str, release: Release, mirror: str, incoming: Path, downloader: Downloader) -> dict[str, Path]:
    checksums = {CONFIG: "", MODEL: f"sha256:{release.sha256}"}
    try:
        return {
            file: downloader.fetch(
                RemoteFile(name=file, urls=(), checksum=checksum),
                incoming,
                [Place(url=release.url(mirror, name, file))],
                advice=ADVICE,
            )
            for file, checksum in checksums.items()
        }
    except DatasetError as error:  # most downloads are of datasets
        raise AutoModelError(f"{name}: {error}") from None
