"""The page of a run: how long it takes to write, how large it is, how long a browser takes to open it."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from orchestrator.page.render import write_report
from tests.bench.figures import MB, Figure
from tests.made_runs import make_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.bench.sizes import Sizes

TURNS = 51
"""The draft, and 50 iterations."""
LINE = "if a < b & c > d: raise ValueError('no \"such\" thing')"
TRIES = 5


def measure(_sizes: Sizes, folder: Path) -> Iterator[Figure]:
    made = make_run(folder, turns=TURNS, words=LINE, repeat=60)
    seconds = []
    for _ in range(TRIES):
        began = time.monotonic()
        report = write_report(made.run, made.datasets)
        seconds.append(time.monotonic() - began)
    yield Figure(name="writing the page of 50 iterations", values=tuple(seconds), unit="s")
    yield Figure(name="its size", values=(report.stat().st_size / MB,), unit="MB", at_most=5)
    yield Figure(name="opening it in Chromium", values=tuple(_open(report)), unit="s", at_most=1)


def _open(report: Path) -> Iterator[float]:
    """Seconds from asking for it until it has loaded and a frame of it is painted."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for _ in range(TRIES):
            page = browser.new_page()
            began = time.monotonic()
            page.goto(report.as_uri())
            page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            yield time.monotonic() - began
            page.close()
        browser.close()
