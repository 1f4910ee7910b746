"""The page of a run while it goes on: served on this machine, and told of every change by server-sent events.

It only reads. What has changed is rendered anew, section by section, no oftener than costs a tenth of a core.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from orchestrator.errors import AutoModelError
from orchestrator.page.facts import read_facts
from orchestrator.page.render import render_now, render_page, render_sections
from orchestrator.progress import PROGRESS, read_progress
from orchestrator.run_folder import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from starlette.requests import Request

    from orchestrator.page.facts import RunFacts
    from orchestrator.page.render import Section

POLL_SECONDS = 0.5
SHARE = 0.1
"""Of a core, for rendering: training needs the rest."""
CHANGING = ("journal.jsonl", "chat", "summary.json", "audit.json", "reproduction.json")
"""Files and folders of a run whose change changes the page; `progress.jsonl` changes one section alone."""


@dataclass
class Live:
    """A run that is watched; what was rendered last serves all who look."""

    run: Path
    datasets: Path
    _facts: RunFacts | None = None
    _sections: list[Section] = field(default_factory=list)
    _seen: tuple[object, ...] = ()
    _told: object = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def page(self) -> str:
        """The whole page.

        Raises:
            AutoModelError: the run cannot be read.
        """
        return render_page(read_facts(self.run, self.datasets), live=True)

    def sections(self) -> list[Section]:
        """The sections as they are now.

        Raises:
            AutoModelError: as for `page`.
        """
        with self._lock:
            seen, told = tuple(_state(self.run / name) for name in CHANGING), _state(self.run / PROGRESS)
            if self._facts is None or seen != self._seen:
                self._facts = read_facts(self.run, self.datasets)
                self._sections = render_sections(self._facts, live=True)
            elif told != self._told:
                self._facts = replace(self._facts, now=read_progress(self.run))
                now = render_now(self._facts)
                self._sections = [now if each.key == now.key else each for each in self._sections]
            self._seen, self._told = seen, told
            return self._sections

    def changes(self, sent: Mapping[str, str]) -> list[Section]:
        """What differs from what somebody has. `sent`: its digests, by key."""
        return [section for section in self.sections() if sent.get(section.key) != section.digest]

    @property
    def status(self) -> str:
        """For who listens to the page."""
        if self._facts is None or self._facts.summary:
            return "This run is over."
        return self._facts.now.phase


def make_app(live: Live) -> Starlette:
    """The page at `/`, and its changes at `/events`."""

    async def page(_: Request) -> Response:
        try:
            return HTMLResponse(await run_in_threadpool(live.page), headers={"Cache-Control": "no-store"})
        except AutoModelError as error:
            return PlainTextResponse(str(error), status_code=503)

    async def events(_: Request) -> Response:
        return StreamingResponse(_events(live), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    return Starlette(routes=[Route("/", page), Route("/events", events)])


async def _events(live: Live) -> AsyncIterator[str]:
    """A message for each change, for as long as somebody listens."""
    sent: dict[str, str] = {}
    while True:
        began = time.monotonic()
        try:
            changes = await run_in_threadpool(live.changes, sent)
        except AutoModelError:  # the page says why, when it is loaded
            changes = []
        if changes:
            sections = [{"key": each.key, "html": each.html, "digest": each.digest} for each in changes]
            yield f"data: {json.dumps({'sections': sections, 'status': live.status})}\n\n"
            sent |= {section.key: section.digest for section in changes}
        await asyncio.sleep(max(POLL_SECONDS, (time.monotonic() - began) / SHARE))


def newest_run(runs: Path) -> Path | None:
    """The run that began last."""
    found = sorted(runs.glob(f"[!.]*/{UNFINISHED}"), key=lambda path: path.stat().st_mtime)
    return found[-1].parent if found else None


def wait_for_run(runs: Path, say: Callable[[str], None]) -> Path:
    """The run that began last, as soon as there is one."""
    if found := newest_run(runs):
        return found
    say(f"There is no run in {runs} yet: waiting for one.")
    while not (found := newest_run(runs)):
        time.sleep(POLL_SECONDS)
    return found


def _state(path: Path) -> object:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size
