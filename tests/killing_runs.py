"""`python -m tests.killing_runs`: kill a played run at random moments, go on, compare with one never killed."""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.run_folder import FINISHED
from tests.chat_servers import serve
from tests.nursery import SAID, Nursery, Order, nursery
from tests.played_runs import answer

if TYPE_CHECKING:
    from collections.abc import Iterator

OF_ITS_OWN = {
    "journal.jsonl",
    "log.jsonl",
    "run.json",
    "lock",
    "secret",
    "chat",
    FINISHED,
    "progress.jsonl",
    "report.html",
}
"""What is different in each run (the page tells times), or compared in another way."""
OF_THE_CLOCK = {"time", "seconds", "spent"}
KILLS = 3
"""In a trial, at the most."""
JOBS = 3
"""So many may be lost with a kill, on each device: two are an execution, three judge averages at the end."""
PLAIN = Order()


@dataclass(frozen=True, kw_only=True)
class Played:
    """What came of a run, without what differs from run to run."""

    events: list[dict[str, Any]]
    chat: list[dict[str, Any]]
    summary: dict[str, Any]
    files: dict[str, bytes]
    replies: int
    """That the server gave."""
    executions: Counter[str]
    seconds: float = 0.0
    changes: int = 0


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What killing a run came to."""

    kills: int
    problems: list[str]
    repeated: int = 0
    """Jobs that were run a second time."""
    asked_twice: int = 0


def play_whole(home: Path, children: Nursery, order: Order = PLAIN) -> Played:
    """A run that nobody kills."""
    with serve(then=answer) as server:
        warm = replace(order, home=str(home.with_name("warm")), url=server.url, fork=False)
        assert children.run(warm) == 0
    with serve(then=answer) as server:
        order = replace(order, home=str(home), url=server.url)
        began = time.monotonic()
        assert children.run(order) == 0
        seconds = time.monotonic() - began
        changes = int((home / "changes").read_text())
        return replace(look(home, len(server.bodies)), seconds=seconds, changes=changes)


def try_killing(home: Path, children: Nursery, chance: random.Random, whole: Played, order: Order = PLAIN) -> Trial:
    """Kill a run some times, go on, and say what is not as in the run that was never killed."""
    with serve(then=answer) as server:
        order, killed = replace(order, home=str(home), url=server.url), 0
        over = False
        while killed < KILLS and (not killed or chance.random() < 1 / 3):
            status = children.run(_sentence(order, chance, whole))
            if status == -signal.SIGKILL:
                killed += 1
                over = finished(home)
                _tear(home, chance)
            elif status:
                return Trial(kills=killed, problems=[f"a child ended with {status}: {(home / SAID).read_text()}"])
            if finished(home):
                break
        if not finished(home) and (status := children.run(order)):
            return Trial(kills=killed, problems=[f"the last child ended with {status}: {(home / SAID).read_text()}"])
        if not killed:
            return try_killing(home.with_name(f"{home.name}x"), children, chance, whole, order)
        found = look(home, len(server.bodies))
        if over:  # nobody goes on with it to clear up what is needed no more
            found = replace(found, files={name: found.files[name] for name in found.files if name in whole.files})
        return Trial(
            kills=killed,
            problems=list(differences(found, whole, killed, order.devices)),
            repeated=repeated(found, whole),
            asked_twice=found.replies - whole.replies,
        )


def _sentence(order: Order, chance: random.Random, whole: Played) -> Order:
    if chance.random() < 0.5:
        return replace(order, after=chance.uniform(0, whole.seconds))
    first = chance.choice([1, whole.changes * 4 // 5])  # much is written at the end, in a short time
    return replace(order, at=chance.randint(first, whole.changes))


def _tear(home: Path, chance: random.Random) -> None:
    """Leave the half of a line, as a kill within a write would."""
    for journal in home.glob("runs/*/journal.jsonl"):
        if chance.random() < 0.3 and not finished(home):
            with journal.open("a") as file:
                file.write('{"kind": "iter')


def finished(home: Path) -> bool:
    return any(home.glob(f"runs/*/{FINISHED}"))


def look(home: Path, replies: int) -> Played:
    """What came of the only run in a folder."""
    [run] = home.glob("runs/[!.]*")
    events = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    chat = list(_exchanges(run))
    files = {str(path.relative_to(run)): path for path in sorted(run.rglob("*")) if path.is_file()}
    return Played(
        events=[_timeless(event) for event in events if event["kind"] != "begin"],
        chat=[_timeless(exchange) for exchange in chat],
        summary=_timeless(json.loads((run / FINISHED).read_text())) | {"run": ""},
        files={name: path.read_bytes() for name, path in files.items() if name.split("/")[0] not in OF_ITS_OWN},
        replies=replies,
        executions=Counter((home / "executions").read_text().splitlines()),
    )


def _exchanges(run: Path) -> Iterator[Any]:
    for path in sorted((run / "chat").glob("*.json")):
        with suppress(ValueError):  # damaged on purpose
            yield json.loads(path.read_text())


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(part) for name, part in value.items() if name not in OF_THE_CLOCK}
    return [_timeless(part) for part in value] if isinstance(value, list) else value


def differences(found: Played, whole: Played, killed: int, devices: int) -> Iterator[str]:
    """What a killed run has otherwise than one that was not, but for a step of each kind that each kill cost."""
    for what in ("events", "chat"):
        mine, theirs = getattr(found, what), getattr(whole, what)
        if devices:  # where what runs side by side ends in any order
            mine, theirs = (sorted(listed, key=json.dumps) for listed in (mine, theirs))
        first = next((n for n, pair in enumerate(zip(mine, theirs, strict=False)) if pair[0] != pair[1]), None)
        if mine != theirs:
            shown = json.dumps([part[first] if first is not None else None for part in (mine, theirs)])[:600]
            yield f"{what}: {len(mine)} instead of {len(theirs)}, the first other one is {first}: {shown}"
    if found.summary != whole.summary:
        yield f"summary: {[name for name in whole.summary if found.summary.get(name) != whole.summary[name]]}"
    for name in sorted({*found.files, *whole.files}):
        if found.files.get(name) != whole.files.get(name):
            yield f"{name} is {'other' if name in found.files and name in whole.files else 'there in one alone'}"
    if found.replies > whole.replies + killed:
        yield f"{found.replies} replies instead of {whole.replies} after {killed} kills"
    if repeated(found, whole) > JOBS * killed * max(1, devices):
        yield f"{repeated(found, whole)} jobs were run twice after {killed} kills"


def repeated(found: Played, whole: Played) -> int:
    """Jobs that were run twice."""
    return sum((found.executions - whole.executions).values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--knobs", nargs="*", default=[], metavar="NAME=VALUE", help="of the run: run_candidates=2")
    parser.add_argument("--devices", type=int, default=0, help="GPUs, for the changes of a turn")
    given = parser.parse_args()
    order = Order(knobs=dict(knob.split("=", 1) for knob in given.knobs), devices=given.devices)
    trials, began = [], time.monotonic()
    with tempfile.TemporaryDirectory() as folder, nursery() as children:
        whole = play_whole(Path(folder, "whole"), children, order)
        print(f"uninterrupted: {whole.seconds:.2f} s, {whole.changes} changes of files, {whole.replies} replies")
        for number in range(given.trials):
            home, chance = Path(folder, f"{number}"), random.Random(f"{given.seed} {number}")
            trials.append(try_killing(home, children, chance, whole, order))
            for problem in trials[-1].problems:
                print(f"trial {number}: {problem}", flush=True)
            shutil.rmtree(home)
    passed = sum(not trial.problems for trial in trials)
    kills, jobs = sum(trial.kills for trial in trials), sum(trial.repeated for trial in trials)
    asked, seconds = sum(trial.asked_twice for trial in trials), (time.monotonic() - began) / len(trials)
    print(f"{passed} of {len(trials)} trials passed; {kills} kills, {seconds:.1f} s a trial")
    print(f"jobs run twice: {jobs}, requests asked twice: {asked}")
    return int(passed < len(trials))


if __name__ == "__main__":
    sys.exit(main())
