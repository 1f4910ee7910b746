"""Generated code that attacks: whatever it does, the host gets an outcome, the score is honest, and nothing is left."""

from __future__ import annotations

import os
import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import harness
from orchestrator.blinding import LEVEL, chance
from orchestrator.components import read_components
from orchestrator.job_files import WEIGHTS
from orchestrator.outcome import Crashed, Trained
from sandbox import engine, owner
from sandbox.hardening import OWNER
from tests.hostile_cases import EXPECTED, SPECIMENS, make_arena, make_hostile, specimens
from tests.sandboxes import open_real, own_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.execute import Executor
    from orchestrator.outcome import Outcome

BACKENDS = [pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("docker", "bubblewrap")]
LEFT = {"components", "task.json", "weights.safetensors", "logits.f32"} | {
    f"{job}{what}" for job in ("fit", "predict") for what in (".log", "-report.json", "-events.jsonl")
}
"""All that an attempt's folder may hold, whatever ran."""


class Arena:
    """One sandbox for all specimens, and the weights of an honest pipeline."""

    def __init__(self, executor: Executor, folder: Path) -> None:
        self.executor = executor
        self.folder = folder
        self.attempts = 0
        self.outcome = self.train("plain")
        executor.blinding.split("test")
        self.world = self.read_world()

    def train(self, name: str) -> Outcome:
        pipeline = read_components(SPECIMENS / "plain") if name == "plain" else make_hostile(name)
        return self.executor.execute(pipeline, self._place())

    def predict(self, name: str) -> Outcome:
        """Only that, with the honest weights: what a model.py does is done there."""
        return self.executor.score_test(make_hostile(name), self.folder / "1" / WEIGHTS, self._place())

    def _place(self) -> Path:
        self.attempts += 1
        return self.folder / str(self.attempts)

    def alive(self) -> int:
        """Containers of ours, running or not."""
        if self.executor.jobs.sandbox.name == "docker":
            with closing(engine.connect()) as client:
                return len(client.containers.list(all=True, filters={"label": f"{OWNER}={owner.tag()}"}))
        return max(len(own_groups()), len(children(b"bwrap")))

    def read_world(self) -> dict[Path, bytes]:
        """Every file around the attempts: the dataset, the run's secrets, what was presented, the harness."""
        roots = (self.folder.parent, Path(harness.__file__).parent)
        paths = (path for root in roots for path in root.rglob("*") if path.is_file() or path.is_symlink())
        passing = (self.folder, self.executor.jobs.folder)
        return {
            path: os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
            for path in paths
            if path.suffix != ".pyc" and not any(path.is_relative_to(folder) for folder in passing)
        }

    def changed(self) -> set[Path]:
        """What is not as it was before the first specimen, of all files but the attempts'."""
        now = self.read_world()
        return {path for path in now.keys() | self.world.keys() if now.get(path) != self.world.get(path)}

    def waiting(self) -> int:
        folder = self.executor.jobs.folder
        return len(list(folder.iterdir())) if folder.exists() else 0


def children(name: bytes) -> list[bytes]:
    """Processes of this name that this one started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            before, _, after = path.read_bytes().rpartition(b") ")
        except OSError:
            continue
        if before.endswith(b"(" + name) and int(after.split()[1]) == os.getpid():
            found.append(before)
    return found


@pytest.fixture(scope="module", params=BACKENDS)
def arena(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    folder = tmp_path_factory.mktemp(str(request.param))
    (folder / "attempts").mkdir()
    with closing(open_real(request.param)) as sandbox, closing(make_arena(folder, sandbox)) as executor:
        made = Arena(executor, folder / "attempts")
        assert isinstance(made.outcome, Trained)
        yield made
        executor.close()
        assert made.alive() == 0
        assert made.waiting() == 0


@pytest.mark.hostile
@pytest.mark.torch
@pytest.mark.parametrize("name", specimens())
def test_whatever_it_does_the_score_is_honest_and_nothing_is_left(
    arena: Arena, name: str, record_property: Callable[[str, object], None]
) -> None:
    expected = EXPECTED[name]
    embedded = arena.executor.jobs.sandbox.name == "bubblewrap"
    crash = expected.bubblewrap if embedded and expected.bubblewrap is not None else expected.crash

    outcome = arena.predict(name) if name.startswith("model/") else arena.train(name)

    record_property("outcome", outcome.crash.error if isinstance(outcome, Crashed) else "score at chance")
    if isinstance(outcome, Crashed):
        assert crash, f"{outcome.crash.error}\n{outcome.log[-3000:]}"
        assert re.search(crash, outcome.crash.error), outcome.crash.error
        assert len(outcome.crash.error) < 3000
        assert not re.search(r"[\x00-\x08\x1b\u202e]", outcome.crash.error + outcome.crash.traceback + outcome.log)
    else:
        assert not crash
        hits = round(outcome.score.accuracy * outcome.score.images)
        assert chance(hits, outcome.score.images, 0.1) > LEVEL
    place = arena.folder / str(arena.attempts)
    assert {path.name for path in place.iterdir()} <= LEFT
    assert all(path.is_file() and not path.is_symlink() for path in place.iterdir() if path.name != "components")
    assert arena.alive() == arena.waiting() == 0
    assert arena.changed() == set()


def test_every_specimen_has_an_expectation() -> None:
    assert specimens() == sorted(EXPECTED)
    assert len(EXPECTED) >= 65
