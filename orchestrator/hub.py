"""What the Hugging Face hub, or a mirror of it, says of pretrained weights before they are fetched."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import httpx2
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from orchestrator.errors import AutoModelError
from orchestrator.transfer import TRANSIENT, open_client
from orchestrator.weights import MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

COMMIT = re.compile(r"[0-9a-f]{40}")
SHA256 = re.compile(r"[0-9a-f]{64}")
HOPS = 5
"""A renamed repository costs one."""
TRIES = 4


@dataclass(frozen=True, kw_only=True)
class Release:
    """One version of a model's weights on the hub."""

    commit: str
    sha256: str
    """Of model.safetensors."""
    bytes: int

    def url(self, mirror: str, name: str, file: str) -> str:
        return f"{_repository(mirror, name)}/resolve/{self.commit}/{file}"


def find_release(mirror: str, name: str, sleep: Callable[[float], None] = time.sleep) -> Release:
    """The present version of a model's weights.

    Raises:
        AutoModelError: the hub cannot be reached, or has none.
    """
    patient = Retrying(
        retry=retry_if_exception_type(httpx2.TransportError),
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(max=10),
        sleep=sleep,
        reraise=True,
    )
    try:
        with open_client() as client:
            response = patient(_head, client, f"{_repository(mirror, name)}/resolve/main/{MODEL}")
    except (httpx2.HTTPError, httpx2.InvalidURL):
        raise AutoModelError(
            f"{_host(mirror)} cannot be reached for {name}: look at the network and at WEIGHTS_MIRROR, or have its "
            f"file from elsewhere and `automodel weights import FILE --as {name}`."
        ) from None
    return _read(response, mirror, name)


def _repository(mirror: str, name: str) -> str:
    return f"{mirror.rstrip('/')}/timm/{name}"


def _host(mirror: str) -> str:
    """As errors name it: an address may hold a password."""
    return urlsplit(mirror).hostname or "WEIGHTS_MIRROR"


def _head(client: httpx2.Client, url: str) -> httpx2.Response:
    """Ask, and go where a renamed repository is; where the file itself lies is not followed, who says so knows it."""
    for _ in range(HOPS):
        response = client.head(url, follow_redirects=False)
        if response.status_code in TRANSIENT:
            raise httpx2.TransportError(f"busy ({response.status_code})")
        if not response.is_redirect or "x-linked-etag" in response.headers:
            return response
        beyond = urljoin(url, response.headers["location"])
        if urlsplit(beyond).netloc.rpartition("@")[2] != urlsplit(url).netloc.rpartition("@")[2]:
            return response
        url = beyond
    return response


def _read(response: httpx2.Response, mirror: str, name: str) -> Release:
    if response.is_client_error:
        raise AutoModelError(_refusal(response, mirror, name))
    told = response.headers
    commit, size = str(told.get("x-repo-commit", "")), str(told.get("x-linked-size", ""))
    digest = str(told.get("x-linked-etag", "")).removeprefix("W/").strip('"')
    if not COMMIT.fullmatch(commit) or not SHA256.fullmatch(digest) or not size.isdecimal():
        raise AutoModelError(
            f"{_host(mirror)} does not say which version of {name} it has, as the Hugging Face hub does "
            f"(status {response.status_code}): WEIGHTS_MIRROR names another."
        )
    return Release(commit=commit, sha256=digest, bytes=int(size))


def _refusal(response: httpx2.Response, mirror: str, name: str) -> str:
    host, code = _host(mirror), response.headers.get("x-error-code", "")
    if code == "EntryNotFound":
        return (
            f"{name} has no {MODEL} on {host}, and only such files are fetched: have another file of it and "
            f"`automodel weights import FILE --as {name}`."
        )
    if code == "GatedRepo":
        return f"{name} is given by {host} only to whom its owners let in: choose another."
    return f"{host} does not have {name} (status {response.status_code}): choose another, or another WEIGHTS_MIRROR."
