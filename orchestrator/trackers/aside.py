"""A tracker beside a run, which it can do no harm: slow, dead or full, it costs one warning and a bounded wait."""

from __future__ import annotations

import os
import queue
import re
import threading
from contextlib import contextmanager
from operator import methodcaller
from typing import TYPE_CHECKING

from harness.report import printable
from orchestrator.run_folder import read_summary
from orchestrator.settings import PASSWORD
from orchestrator.view import Heard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.journal import Journal
    from orchestrator.team import Iteration
    from orchestrator.trackers import Tracker
    from orchestrator.view import View

LAST_SECONDS = 120.0
"""What a finished run waits for a tracker that has not taken everything yet, the weights for instance."""
SECRET, SHORTEST = re.compile("TOKEN$|PASSWORD$|SECRET$|KEY$"), 6
"""Names of variables that hold secrets; a shorter value is none, and would be found in any text."""


class Aside:
    """Tells a tracker in a thread of its own; after its first failure it is told nothing more."""

    def __init__(self, open_tracker: Callable[[], Tracker], fail: Callable[[Exception], None]) -> None:
        """`fail` is called once, in that thread, if anything fails."""
        self._orders: queue.SimpleQueue[Callable[[Tracker], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, args=(open_tracker, fail), daemon=True)
        self._thread.start()

    def tell(self, order: Callable[[Tracker], None]) -> None:
        """Have something told as soon as it can be; never waits."""
        self._orders.put(order)

    def done(self, seconds: float) -> bool:
        """Wait so long at most until all was told, or it failed; whether that came."""
        self._orders.put(None)
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _work(self, open_tracker: Callable[[], Tracker], fail: Callable[[Exception], None]) -> None:
        try:
            tracker = open_tracker()
            while order := self._orders.get():
                order(tracker)
        except Exception as error:  # noqa: BLE001 - whatever a library raises, the run goes on
            fail(error)


@contextmanager
def tracking(
    name: str, open_tracker: Callable[[], Tracker], journal: Journal, view: View, *, patience: float = LAST_SECONDS
) -> Iterator[View]:
    """A view that tells a tracker, too; a run that came to its end, it is told of last. `name`: the tracker's.

    `patience`: seconds that it is waited for then. What it has not taken when a run is interrupted, it is told when the
    run goes on, as all that the journal holds.
    """

    def fail(error: Exception) -> None:
        view.say(f"{name} failed, and is told nothing more of this run: {_sentence(error)}", "warning")

    aside = Aside(open_tracker, fail)

    def tell(iteration: Iteration) -> None:
        aside.tell(methodcaller("iteration", iteration))

    for iteration in journal.history():
        tell(iteration)
    yield Heard(view, on_iteration=tell)
    aside.tell(lambda tracker: tracker.end(read_summary(journal.folder)))
    view.phase(f"{name} is told the rest")
    try:
        done = aside.done(patience)
    except KeyboardInterrupt:  # all but this is done: there is nothing to go on with
        done = False
    if not done:
        view.say(f"{name} has not taken all of this run: it is slow, and was waited for long enough", "warning")


def _sentence(error: Exception) -> str:
    """What a library says of its failure, without secrets: a server may quote the token that it refused."""
    text = PASSWORD.sub("//", f"{type(error).__name__}: {error}")
    for name, value in os.environ.items():
        if SECRET.search(name) and len(value) >= SHORTEST:
            text = text.replace(value, "***")
    return printable(text).partition("\n")[0][:300]
