"""A web server for this machine alone: it listens on 127.0.0.1, and answers to no other name.

Any page that somebody visits can have a name of its own lead to 127.0.0.1 (DNS rebinding), but then its browser sends
that name as the Host.
"""

from __future__ import annotations

import errno
import logging
import signal
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn
from starlette.middleware.trustedhost import TrustedHostMiddleware

from orchestrator.errors import AutoModelError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from starlette.types import ASGIApp

ADDRESS = "127.0.0.1"
NAMES = (ADDRESS, "localhost")
CLOSING_SECONDS = 2
"""Of what is still being answered when the server is ended; a stream of events would never end by itself."""


def serve_app(app: ASGIApp, port: int, say: Callable[[str], None]) -> None:
    """Serve until Ctrl-C, and return then; for the main thread. `port` 0 takes a free one; `say` is told the address.

    Raises:
        AutoModelError: the port cannot be had.
    """
    config = uvicorn.Config(
        TrustedHostMiddleware(app, NAMES, www_redirect=False),
        ws="none",
        log_config=None,
        log_level="error",
        timeout_graceful_shutdown=CLOSING_SECONDS,
    )
    server = _Server(config)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, server.handle_exit)  # uvicorn knows the two others
    with _listen(port) as listener, suppress(KeyboardInterrupt):  # uvicorn raises the signal again when it has closed
        say(f"http://{ADDRESS}:{listener.getsockname()[1]}")
        server.run([listener])


class _Server(uvicorn.Server):
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End; from now on, an answer that is cut short is no error to be logged."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        super().handle_exit(sig, frame)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((ADDRESS, port))
    except OSError as error:
        listener.close()
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be had ({error.strerror})"
        raise AutoModelError(f"Port {port} {why}: name another one, or 0 for any that is free.") from None
    listener.listen()
    return listener
