"""The files of a dataset that has a name: where they lie, which are there, and where they can be had."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.checksums import recorded
from orchestrator.errors import DatasetError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.report import Event
    from orchestrator.named_datasets import NamedDataset
    from orchestrator.remote_files import Download, RemoteFile
    from orchestrator.settings import Settings
    from orchestrator.transfer import Place

WEB = ("http", "https")


def fetch_files(
    dataset: NamedDataset,
    settings: Settings,
    on_event: Callable[[Event], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Path, ...]:
    """Have all files of a dataset here, and checked.

    Raises:
        DatasetError: one cannot be had, or is not what it has to be.
        SettingsError: the mirrors or the Kaggle login make no sense.
        AutoModelError: one cannot be written.
    """
    from orchestrator.downloads import Downloader

    downloader = Downloader(on_event=on_event or (lambda _: None), sleep=sleep)
    return tuple(
        downloader.fetch(file, path.parent, _places(download, file, settings), _advice(download, path, settings))
        for download, file, path in _files(dataset, settings)
    )


def known_checksums(dataset: NamedDataset, settings: Settings) -> list[tuple[str, str]] | None:
    """Name and checksum of each file, published or recorded; None where one was not used yet.

    Raises:
        DatasetError: the records are damaged.
    """
    known = [(file.name, file.checksum or recorded(path)) for _, file, path in _files(dataset, settings)]
    return known if all(checksum for _, checksum in known) else None


def whereabouts(dataset: NamedDataset, settings: Settings) -> str:
    """`downloaded`, or what it needs."""
    if all(path.is_file() for _, _, path in _files(dataset, settings)):
        return "downloaded" if dataset.downloads else "built in"
    return "needs Kaggle key" if _lacks_login(dataset, settings) else "needs download"


def require_login(dataset: NamedDataset, settings: Settings) -> None:
    """Tell early that nothing can be downloaded without a login.

    Raises:
        DatasetError: so it is.
        SettingsError: the mirrors or the Kaggle login make no sense.
    """
    if not mirrors(settings) and _lacks_login(dataset, settings) and known_checksums(dataset, settings) is None:
        for download, _, path in _files(dataset, settings):
            raise DatasetError(f"{dataset.name} is a competition on Kaggle: {_advice(download, path, settings)}")


def _lacks_login(dataset: NamedDataset, settings: Settings) -> bool:
    missing = [download for download, _, path in _files(dataset, settings) if not path.is_file()]
    return any(download.competition for download in missing) and kaggle_login(settings) is None


def mirrors(settings: Settings) -> list[str]:
    """The addresses under which `KEY/FILE` is tried first.

    Raises:
        SettingsError: one is no address; it may hold a password and is not shown.
    """
    import httpx2

    given = [address.strip().rstrip("/") for address in settings.datasets_mirror.split(",") if address.strip()]
    for address in given:
        try:
            url = httpx2.URL(address)
        except httpx2.InvalidURL:
            url = httpx2.URL()
        if url.scheme not in WEB or not url.host:
            raise SettingsError("DATASETS_MIRROR has to begin with http:// or https:// and name a host, each of it.")
    return given


def kaggle_login(settings: Settings, home: Path | None = None) -> tuple[str, str] | None:
    """The user's name and key, from the settings or else from Kaggle's own file in the home folder; None without.

    Raises:
        SettingsError: there is half of it.
    """
    name, key = settings.kaggle_username, settings.kaggle_key
    if bool(name) != bool(key):
        raise SettingsError("KAGGLE_USERNAME and KAGGLE_KEY are a pair: set both, or none.")
    if name:
        return name, key
    path = (home or Path.home()) / ".kaggle" / "kaggle.json"
    try:
        login = json.loads(path.read_bytes())
        return str(login["username"]), str(login["key"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, LookupError, TypeError):
        raise SettingsError(f"{path} holds no username and key that can be read: get it anew from Kaggle.") from None


def _files(dataset: NamedDataset, settings: Settings) -> Iterator[tuple[Download, RemoteFile, Path]]:
    for download in dataset.downloads:
        folder = settings.datasets_dir.resolve() / "downloads" / download.key
        for file in download.files:
            yield download, file, folder / file.name


def _places(download: Download, file: RemoteFile, settings: Settings) -> list[Place]:
    """The user's mirrors, which get no login but their own, and then the published places."""
    from orchestrator.transfer import Place

    own = [Place(url=f"{mirror}/{download.key}/{file.name}") for mirror in mirrors(settings)]
    if not download.competition:
        return own + [Place(url=url) for url in file.urls]
    login = kaggle_login(settings)
    advice = {
        401: "check KAGGLE_USERNAME and KAGGLE_KEY, or get a new key at https://www.kaggle.com/settings.",
        403: f"accept the rules at {_rules(download)} with the account of the key, and run the same command again.",
    }
    return own + [Place(url=url, login=login, advice=advice) for url in file.urls if login]


def _rules(download: Download) -> str:
    return f"https://www.kaggle.com/competitions/{download.competition}/rules"


def _advice(download: Download, path: Path, settings: Settings) -> str:
    by_hand = f"put {path.name} into {path.parent} by hand"
    if download.competition and kaggle_login(settings) is None:
        return (
            f"accept the rules at {_rules(download)} and set KAGGLE_USERNAME and KAGGLE_KEY (a key is made at "
            f"https://www.kaggle.com/settings), or {by_hand}."
        )
    return f"run the same command again to go on, name a mirror in DATASETS_MIRROR, or {by_hand}."
