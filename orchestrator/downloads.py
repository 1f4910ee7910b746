"""One file from the network into a folder: resumed, tried again, from mirrors, checked.

A lock on the folder keeps a second process waiting, and what the first one brought is then there.
"""

from __future__ import annotations

import fcntl
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from harness.report import Event
from orchestrator.checksums import RECORDS, checksum, record, recorded
from orchestrator.errors import AutoModelError, DatasetError
from orchestrator.growing import locked
from orchestrator.transfer import NotHereError, Transfer, TryAgainError, open_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import httpx2

    from orchestrator.remote_files import RemoteFile
    from orchestrator.transfer import Place

TRIES = 5
"""In a row that bring nothing; one that brings a piece begins the count anew."""
LONGEST_PAUSE = 120.0
"""Seconds; a server that asks for more is given up."""


@dataclass(frozen=True, kw_only=True)
class Downloader:
    """Fetches files one after another."""

    on_event: Callable[[Event], None]
    """Is told about progress and pauses."""
    sleep: Callable[[float], None] = time.sleep

    def fetch(self, file: RemoteFile, folder: Path, places: Sequence[Place], advice: str) -> Path:
        """Have a file in a folder, whole and with the checksum that it has to have; what lies there is used.

        `advice`: what to do where no place has it.

        Raises:
            DatasetError: it cannot be had, or is not what it was.
            AutoModelError: it cannot be written.
        """
        target = folder / file.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with self._locked(folder, file.name):
                if target.is_file():
                    self._check(target, file)
                else:
                    _Download(file, target, self).run(places, advice)
        except OSError as error:
            raise AutoModelError(
                f"{file.name} cannot be written to {folder} ({error.strerror or error}): make room or give access "
                "there, or name another place (DATASETS_DIR, WEIGHTS_DIR)."
            ) from None
        return target

    def say(self, text: str) -> None:
        self.on_event(Event(kind="phase", text=text))

    @contextmanager
    def _locked(self, folder: Path, name: str) -> Iterator[None]:
        """Hold the folder's lock, which ends with its process whatever ends that."""
        lock = folder / ".lock"
        with ExitStack() as held:
            try:
                held.enter_context(locked(lock, fcntl.LOCK_EX | fcntl.LOCK_NB))
            except BlockingIOError:
                self.say(f"waiting for another process that downloads {name}")
                held.enter_context(locked(lock))
            yield

    def _check(self, path: Path, file: RemoteFile) -> None:
        """Refuse a file that lies there but is not what it should be. It may be the user's: it is left where it is."""
        wanted = file.checksum or recorded(path)
        self.say(f"checking {file.name}")
        if not wanted:
            record(path, file.name)
        elif checksum(path, wanted.partition(":")[0]) != wanted:
            known = "the published one" if file.checksum else f"the one in {path.with_name(RECORDS)}, of its first use"
            raise DatasetError(
                f"{path} has another checksum than {known}: remove it, and the same command downloads it again."
            )


class _Download:
    """One file on its way."""

    def __init__(self, file: RemoteFile, target: Path, downloader: Downloader) -> None:
        self._file = file
        self._target = target
        self._downloader = downloader
        self._wanted = file.checksum or recorded(target)
        self._transfer = Transfer(target, checked=bool(self._wanted), say=downloader.say)
        self._fruitless = 0

    def run(self, places: Sequence[Place], advice: str) -> None:
        """Try place after place.

        Raises:
            DatasetError: none has the file.
        """
        reasons = []
        with open_client() as client:
            for place in places:
                try:
                    self._try(client, place)
                except TryAgainError as error:
                    reasons.append(str(error))
                except NotHereError as error:
                    reasons.append(str(error))
                    advice = error.advice or advice
                else:
                    return
        why = f" ({'; '.join(reasons)})" if reasons else ""
        raise DatasetError(f"{self._file.name} cannot be downloaded{why}: {advice}")

    def _try(self, client: httpx2.Client, place: Place) -> None:
        self._fruitless = 0
        patient = Retrying(
            retry=retry_if_exception_type(TryAgainError),
            wait=self._pause,
            stop=lambda state: self._fruitless >= TRIES or self._pause(state) > LONGEST_PAUSE,
            sleep=self._downloader.sleep,
            before_sleep=lambda state: self._downloader.say(
                f"{_error(state)}; trying again in {state.upcoming_sleep:.0f} s"
            ),
            reraise=True,
        )
        patient(self._go_on, client, place)
        self._accept(place.host)

    def _go_on(self, client: httpx2.Client, place: Place) -> None:
        """Count whether a try brought anything."""
        before = self._transfer.size()
        try:
            self._transfer.go_on(client, place)
        finally:
            self._fruitless = 0 if self._transfer.size() > before else self._fruitless + 1

    def _pause(self, state: RetryCallState) -> float:
        asked = _error(state).after
        return asked if asked is not None and asked > 0 else min(60.0, 2.0**self._fruitless)

    def _accept(self, host: str) -> None:
        """Give it its name, if it is what it has to be; else remove it."""
        part = self._transfer.part
        self._downloader.say(f"checking {self._file.name}")
        if not self._wanted:
            record(part, self._file.name)
        elif checksum(part, self._wanted.partition(":")[0]) != self._wanted:
            self._transfer.forget()
            known = "the published one" if self._file.checksum else f"at first use (in {RECORDS})"
            raise NotHereError(f"what {host} sent has another checksum than {known} and was removed")
        self._transfer.finish(self._target)


def _error(state: RetryCallState) -> TryAgainError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, TryAgainError)
    return error
