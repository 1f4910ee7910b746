"""The way of one file through HTTP, piece by piece; as bytes, which are never opened here.

What is half there lies in `NAME.part`, and beside it in `NAME.part.version` what the server called that version of the
file, so that pieces of two versions are never put together.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx2

from orchestrator.errors import AutoModelError
from orchestrator.retry_after import retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TIME_OUTS = httpx2.Timeout(60.0, connect=10.0)
A_PIECE, NO_SUCH_PIECE = 206, 416
TRANSIENT = {408, 425, 429, *range(500, 600)} - {501}
REFUSALS = {401: "wants another login", 403: "refuses it", 404: "does not have it", 410: "does not have it any more"}
WEB_PAGE = "text/html"
"""Of a login page, or of a network that wants to be paid first; no dataset is one."""
PIECE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a file can be had. Neither a password in the address nor the login is ever shown, or sent elsewhere."""

    url: str = field(repr=False)
    login: tuple[str, str] | None = field(default=None, repr=False)
    advice: Mapping[int, str] = field(default_factory=dict)
    """Status of a refusal -> what to do about it."""

    @property
    def host(self) -> str:
        return httpx2.URL(self.url).host


class TryAgainError(Exception):
    """Raised when the same request may well succeed later."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after
        """Seconds to wait, where the server says so."""


class NotHereError(Exception):
    """Raised when the file cannot be had at a place."""

    def __init__(self, why: str, advice: str = "") -> None:
        super().__init__(why)
        self.advice = advice


def open_client() -> httpx2.Client:
    """Nothing may be compressed on the way: pieces are counted in bytes of the file."""
    headers = {"Accept-Encoding": "identity", "User-Agent": "automodel"}
    return httpx2.Client(timeout=TIME_OUTS, follow_redirects=True, headers=headers)


class Transfer:
    """What is there of a file, and what adds to it."""

    def __init__(self, path: Path, *, checked: bool, say: Callable[[str], None]) -> None:
        """`checked`: a known checksum will tell whether the pieces belong together."""
        self.part = path.with_name(f"{path.name}.part")
        self._version = path.with_name(f"{path.name}.part.version")
        self._name = path.name
        self._checked = checked
        self._say = say

    def size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self._version.unlink(missing_ok=True)

    def finish(self, path: Path) -> None:
        """Give it its name."""
        self.part.replace(path)
        self._version.unlink(missing_ok=True)

    def go_on(self, client: httpx2.Client, place: Place) -> None:
        """Ask once for what is lacking.

        Raises:
            TryAgainError: the connection or the server failed for now.
            NotHereError: the place does not give it.
            AutoModelError: it is larger than the disk.
            OSError: it cannot be written.
        """
        try:
            self._stream(client, place)
        except httpx2.TransportError as error:
            raise TryAgainError(f"{place.host} {_words(error)}") from None
        except (httpx2.HTTPError, httpx2.InvalidURL):
            raise NotHereError(f"{place.host} leads nowhere") from None

    def _stream(self, client: httpx2.Client, place: Place) -> None:
        url = httpx2.URL(place.url)
        login = place.login or ((url.username, url.password) if url.userinfo else None)
        have = self.size() if self._checked or self._version.exists() else 0
        with client.stream("GET", url.copy_with(userinfo=b""), headers=self._ask(have), auth=login) as response:
            if have and response.headers.get("content-range") == f"bytes */{have}":
                return  # there is no more: the last byte had come already
            self._refuse(response, place, have)
            whole = self._whole(response, place, have)
            if response.status_code != A_PIECE:
                have = 0
                self._begin(response)
            self._refuse_too_large(whole - have)
            self._write(response, have, whole)
        if whole and self.size() != whole:
            raise TryAgainError(f"{place.host} ends it too early")

    def _ask(self, have: int) -> dict[str, str]:
        """Headers that ask for the rest, or for all where the server has another version by now."""
        if not have:
            return {}
        version = self._version.read_text(encoding="ascii") if self._version.exists() else ""
        return {"Range": f"bytes={have}-", **({"If-Range": version} if version else {})}

    def _refuse(self, response: httpx2.Response, place: Place, have: int) -> None:
        status = response.status_code
        if status == NO_SUCH_PIECE and have:
            self.forget()
            raise TryAgainError(f"{place.host} has another version by now")
        if status in TRANSIENT:
            raise TryAgainError(f"{place.host} is busy ({status})", retry_after(response.headers))
        if not response.is_success:
            refused = f"{place.host} {REFUSALS.get(status, 'does not give it')} ({status})"
            raise NotHereError(refused, place.advice.get(status, ""))
        if response.headers.get("content-type", "").startswith(WEB_PAGE):
            raise NotHereError(f"{place.host} answers with a web page instead")

    def _whole(self, response: httpx2.Response, place: Place, have: int) -> int:
        """Bytes of the whole file; 0 where nobody says."""
        if response.status_code != A_PIECE:
            return int(response.headers.get("content-length", 0))
        piece = PIECE.fullmatch(response.headers.get("content-range", ""))
        if not piece or int(piece[1]) != have:
            self.forget()
            raise TryAgainError(f"{place.host} sends another piece than was asked for")
        return 0 if piece[2] == "*" else int(piece[2])

    def _begin(self, response: httpx2.Response) -> None:
        """Start over, and note the version that it is: a weak ETag does not promise the same bytes."""
        self.forget()
        tag = response.headers.get("etag", "")
        version = response.headers.get("last-modified", "") if not tag or tag.startswith("W/") else tag
        if version and version.isascii():
            self._version.write_text(version, encoding="ascii")

    def _write(self, response: httpx2.Response, done: int, whole: int) -> None:
        shown = ""
        with self.part.open("ab") as part:
            for chunk in response.iter_raw():
                part.write(chunk)
                done += len(chunk)
                told = f"{done / 1e6:.0f} of {whole / 1e6:.0f} MB" if whole else f"{done / 1e6:.0f} MB"
                if told != shown:
                    self._say(f"downloading {self._name}: {told}")
                    shown = told

    def _refuse_too_large(self, size: int) -> None:
        free = shutil.disk_usage(self.part.parent).free
        if size > free:
            raise AutoModelError(
                f"{self._name} needs {size / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free in {self.part.parent}: "
                "make room, or name another place (DATASETS_DIR, WEIGHTS_DIR)."
            )


def _words(error: httpx2.TransportError) -> str:
    """What went wrong, in our words: an error of the library may quote a header."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "has a certificate that this machine does not trust (SSL_CERT_FILE names more)"
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError):
        return "cannot be reached"
    if isinstance(error, httpx2.TimeoutException):
        return "does not answer"
    return "broke the connection off"
