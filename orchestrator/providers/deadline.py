"""An end for replies that never end.

A read time-out begins anew with each byte, and gateways send blanks to keep a connection open while the model behind
them hangs: so a reply's body as a whole gets as long as a read may take, and a size.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONNECT_SECONDS = 10.0
"""A server that can be reached answers a connection within this."""
MOST_BYTES = 32 << 20
"""Of a reply: a hundred times what 128,000 tokens take."""


def time_outs(seconds: float) -> httpx2.Timeout:
    return httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))


class BoundedBody(httpx2.SyncByteStream):
    """The body of a reply, up to a time and a size."""

    def __init__(self, body: httpx2.SyncByteStream, seconds: float) -> None:
        self._body = body
        self._seconds = seconds

    def __iter__(self) -> Iterator[bytes]:
        ends, left = time.monotonic() + self._seconds, MOST_BYTES
        for chunk in self._body:
            left -= len(chunk)
            if time.monotonic() > ends:
                raise httpx2.ReadTimeout("The reply did not end in time.")
            if left < 0:
                raise httpx2.ReadError("The reply did not end.")
            yield chunk

    def close(self) -> None:
        self._body.close()


def bound_replies(seconds: float) -> dict[str, list[Callable[[httpx2.Response], None]]]:
    """Event hooks of an httpx2 client."""

    def bound(response: httpx2.Response) -> None:
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = BoundedBody(response.stream, seconds)

    return {"response": [bound]}
