"""MLflow and TensorBoard are told of a run as it was, once, and can do it no harm. Both are the real ones."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.report import Report
from orchestrator.errors import SettingsError
from orchestrator.journal import Journal
from orchestrator.run_folder import FINISHED
from orchestrator.settings import Settings, read_settings
from orchestrator.team import Iteration
from orchestrator.trackers import check_tracker, facts
from orchestrator.trackers.aside import tracking
from tests.chat_servers import serve
from tests.fakes import crashed, make_proposal, trained
from tests.mlflow_server import TOKEN, serve_tracking
from tests.played_runs import answer
from tests.pseudo_terminal import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from orchestrator.view import Kind

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own, of SQLAlchemy 2.1
ITERATIONS = 6
"""Of a played run, the draft included; one of them fails."""
DRAFT = Iteration(number=0, proposal=make_proposal("draft"), outcome=trained(0.5), attempts=1, kept=True)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run that no tracker was told of."""
    home = tmp_path_factory.mktemp("played")
    with serve(then=answer) as server:
        program("play", str(home), server.url, "none")
    [run] = (path.parent for path in home.glob(f"runs/*/{FINISHED}"))
    return run


def program(*arguments: str, **variables: str) -> list[dict[str, Any]]:
    """The events that `tests.tracked_run` told, in the folder that its first argument names."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    plain["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, "-m", "tests.tracked_run", *arguments]
    where = arguments[1]  # MLflow keeps artifacts in the current folder where there is no server
    done = subprocess.run(command, cwd=where, env=plain | variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def warnings(events: list[dict[str, Any]]) -> list[str]:
    return [event["text"] for event in events if event["event"] == "warning"]


def store(folder: Path) -> dict[str, str]:
    """A store of MLflow's in a folder, and no other."""
    return {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db", "MLFLOW_EXPERIMENT_NAME": "tests"}


def client(folder: Path) -> Any:
    pytest.importorskip("sqlalchemy", reason="needs the extra mlflow")
    mlflow = pytest.importorskip("mlflow", reason="needs the extra mlflow")
    return mlflow.MlflowClient(store(folder)["MLFLOW_TRACKING_URI"])


def mlflow_runs(folder: Path) -> list[Any]:
    """What is in a store, oldest first."""
    reader = client(folder)
    [experiment] = [each for each in reader.search_experiments() if each.name == "tests"]
    return list(reader.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"]))


def test_mlflow_has_a_run_with_one_for_each_iteration_inside(tmp_path: Path) -> None:
    client(tmp_path)
    with serve(then=answer) as server:
        events = program("play", str(tmp_path), server.url, "mlflow", **store(tmp_path))

    assert warnings(events) == []
    [run] = (path.parent for path in tmp_path.glob(f"runs/*/{FINISHED}"))
    summary = json.loads((run / FINISHED).read_text())
    parent, *children = mlflow_runs(tmp_path)
    assert (parent.info.run_name, parent.info.status) == (run.name, "FINISHED")
    assert parent.data.metrics["test_accuracy"] == summary["test"]["accuracy"]
    history = Journal(run).history()
    assert len(children) == len(history) == ITERATIONS
    for iteration, child in zip(history, children, strict=True):
        assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert child.data.params["change"] == iteration.proposal.change
        assert child.data.metrics["kept"] == float(iteration.kept)
        assert child.info.status == ("FINISHED" if iteration.trials else "FAILED")
    reader, best = client(tmp_path), children[0].info.run_id
    assert children[0].data.metrics["validation_accuracy"] == history[0].trials[0].score.accuracy
    assert [(each.step, each.value) for each in reader.get_metric_history(best, "curve/loss")] == [(1, 0.5)]
    assert {each.path for each in reader.list_artifacts(best, "components")} == {
        f"components/{name}.py" for name in ("data", "model", "train")
    }
    assert {"summary.json", "best"} <= {each.path for each in reader.list_artifacts(parent.info.run_id)}
    assert "best/weights.safetensors" in {each.path for each in reader.list_artifacts(parent.info.run_id, "best")}


def test_mlflow_has_nothing_twice_and_what_was_half_told_is_told_anew(played: Path, tmp_path: Path) -> None:
    reader = client(tmp_path)
    program("tell", str(played), "mlflow", **store(tmp_path))
    before = {run.info.run_name: run.info.run_id for run in mlflow_runs(tmp_path)}
    torn = next(run for name, run in before.items() if name.startswith("002"))
    reader.update_run(torn, status="RUNNING")

    program("tell", str(played), "mlflow", **store(tmp_path))

    after = {run.info.run_name: run.info.run_id for run in mlflow_runs(tmp_path)}
    assert len(mlflow_runs(tmp_path)) == ITERATIONS + 1
    assert [name for name in before if before[name] != after[name]] == [
        name for name in before if name.startswith("002")
    ]


def test_a_tracking_server_gets_all_of_it_with_the_token(played: Path, tmp_path: Path) -> None:
    client(tmp_path)
    with serve_tracking(str(tmp_path)) as server:
        program("tell", str(played), "mlflow", MLFLOW_TRACKING_URI=server.url, MLFLOW_TRACKING_TOKEN=TOKEN)

    assert server.tokens == {f"Bearer {TOKEN}"}
    assert len(server.runs) == ITERATIONS + 1
    assert "RUNNING" not in {run["info"]["status"] for run in server.runs.values()}


@pytest.mark.parametrize("breaks_at", [1, 12])
def test_a_tracking_server_that_breaks_costs_one_warning_and_no_secret(tmp_path: Path, breaks_at: int) -> None:
    client(tmp_path)
    with serve(then=answer) as chat, serve_tracking(str(tmp_path), breaks_at) as server:
        address = server.url.replace("//", "//someone:a-password@")
        variables = {"MLFLOW_TRACKING_URI": address, "MLFLOW_TRACKING_TOKEN": TOKEN}
        events = program("play", str(tmp_path), chat.url, "mlflow", **variables)

    [warning] = warnings(events)
    assert warning.startswith("mlflow failed, and is told nothing more of this run: ")
    assert TOKEN not in str(events)
    assert "a-password" not in str(events)
    assert [event["event"] for event in events].count("iteration") == ITERATIONS
    assert "answer" in {event["event"] for event in events}


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9", "nonsense://x", "sqlite:////dev/null/mlflow.db", "file:///dev/null/x"]
)
def test_a_tracker_that_cannot_be_reached_costs_one_warning(tmp_path: Path, address: str) -> None:
    client(tmp_path)
    with serve(then=answer) as chat:
        variables = {"MLFLOW_TRACKING_URI": address, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
        events = program("play", str(tmp_path), chat.url, "mlflow", **variables)

    assert len(warnings(events)) == 1
    assert "answer" in {event["event"] for event in events}


def tensorboard_events(folder: Path) -> Any:
    module = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="needs the extra tensorboard"
    )
    read = module.EventAccumulator(str(folder))
    read.Reload()
    return read


def numbers(read: Any, tag: str) -> list[tuple[int, float]]:
    return [(each.step, float(each.tensor_proto.float_val[0])) for each in read.Tensors(tag)]


def test_tensorboard_has_a_folder_for_each_iteration(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    with serve(then=answer) as server:
        events = program("play", str(tmp_path), server.url, "tensorboard")

    assert warnings(events) == []
    [run] = (path.parent for path in tmp_path.glob(f"runs/*/{FINISHED}"))
    folders = sorted(path.name for path in (run / "tensorboard").iterdir())
    assert folders == [*(f"iteration-{number:03}" for number in range(ITERATIONS)), "run"]
    first, whole = (tensorboard_events(run / "tensorboard" / name) for name in (folders[0], "run"))
    assert numbers(first, "curve/loss") == [(1, 0.5)]
    accuracy = Journal(run).history()[0].trials[0].score.accuracy
    assert numbers(first, "result/validation_accuracy") == [(0, float(np.float32(accuracy)))]
    assert {"why", "data.py", "model.py", "train.py"} <= set(first.Tags()["tensors"])
    assert b"draft" in first.PluginTagToContent("hparams")["_hparams_/session_start_info"]
    test = json.loads((run / FINISHED).read_text())["test"]["accuracy"]
    assert numbers(whole, "final/test_accuracy") == [(0, float(np.float32(test)))]


def test_tensorboard_has_nothing_twice_and_what_was_half_written_is_written_anew(played: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    program("tell", str(played), "tensorboard")
    first = {path: path.stat().st_mtime_ns for path in played.glob("tensorboard/*/*")}
    torn = played / "tensorboard" / "iteration-002"
    (torn / "more").write_bytes(b"")
    torn.rename(torn.with_name(".iteration-002"))

    program("tell", str(played), "tensorboard")

    second = {path: path.stat().st_mtime_ns for path in played.glob("tensorboard/*/*")}
    assert len(first) == len(second) == ITERATIONS + 1
    assert {path.parent.name for path in second if first.get(path) != second[path]} == {"iteration-002"}


def test_names_of_a_component_are_none_that_a_store_refuses_and_a_long_curve_is_thinned() -> None:
    point = {"epoch": 1e300, "seconds": -1.0, "../../etc": 1.0, "loss\n": 2.0, "": 3.0, "ä" * 300: 4.0}
    curve = tuple({"epoch": float(epoch), "loss": 0.5} for epoch in range(2000))
    odd, long = (replace(trained(0.5), report=Report(curve=each)) for each in ((point,), curve))

    told = list(facts.curve(replace(DRAFT, outcome=odd)))

    assert {(each.epoch, each.seconds) for each in told} == {(10**9, 0.0)}
    assert {each.name for each in told} == {"curve/_.._etc", "curve/loss_", "curve/_", f"curve/{'_' * 100}"}
    thinned = [each.epoch for each in facts.curve(replace(DRAFT, outcome=long))]
    assert len(thinned) <= facts.POINTS
    assert thinned == sorted(thinned)
    assert thinned[-1] == 1999


def test_logs_that_are_links_are_not_followed(tmp_path: Path) -> None:
    attempt = tmp_path / "iterations" / "000" / "attempt-1"
    attempt.mkdir(parents=True)
    (attempt / "fit.log").write_text("printed")
    (attempt / "predict.log").symlink_to("/etc/hostname")

    assert [path.name for path in facts.files(tmp_path, DRAFT)] == ["fit.log"]


def test_a_crash_is_told_with_what_it_crashed_on() -> None:
    fell = replace(DRAFT, outcome=crashed(), kept=False)

    assert facts.why(fell) == "Because. Crashed: NameError: torhc"
    assert facts.results(fell)["trained"] == 0.0
    assert list(facts.curve(fell)) == []


@dataclass
class Seen:
    """A view that remembers what was said, and a tracker that remembers what it was told."""

    said: list[tuple[str, str]] = field(default_factory=list)
    told: list[int] = field(default_factory=list)
    hangs: threading.Event | None = None
    fails_at: int = -1

    def phase(self, text: str, left: float | None = None) -> None:
        """Pass over it."""

    def event(self, event: object) -> None:
        """Pass over it."""

    def say(self, text: str, kind: Kind = "note", **_facts: Any) -> None:
        self.said.append((kind, text))

    def iteration(self, iteration: Iteration, _before: Iteration | None = None) -> None:
        if self.hangs:
            self.hangs.wait()
        if iteration.number == self.fails_at:
            raise OSError(28, "No space left on device")
        self.told.append(iteration.number)

    def end(self, summary: Mapping[str, Any]) -> None:
        self.told.append(int(summary["end"]))


def journal(folder: Path) -> Journal:
    (folder / FINISHED).write_text('{"end": 99}')
    made = Journal(folder)
    made.record_turn([DRAFT])
    return made


def test_a_tracker_is_told_what_was_before_what_comes_and_the_end(tmp_path: Path) -> None:
    tracker, view = Seen(), Seen()

    with tracking("some", lambda: tracker, journal(tmp_path), view) as watched:
        watched.iteration(replace(DRAFT, number=1), DRAFT)

    assert tracker.told == [0, 1, 99]
    assert view.told == [1]
    assert view.said == []


@pytest.mark.parametrize(("fails_at", "told"), [(0, []), (1, [0])])
def test_a_full_disk_of_a_tracker_is_one_warning(tmp_path: Path, fails_at: int, told: list[int]) -> None:
    tracker, view = Seen(fails_at=fails_at), Seen()

    with tracking("some", lambda: tracker, journal(tmp_path), view) as watched:
        for number in (1, 2):
            watched.iteration(replace(DRAFT, number=number), DRAFT)

    assert tracker.told == told
    assert view.told == [1, 2]
    [(kind, text)] = view.said
    assert kind == "warning"
    assert text.endswith("OSError: [Errno 28] No space left on device")


def test_a_slow_tracker_is_waited_for_so_long_and_no_longer(tmp_path: Path) -> None:
    tracker, view = Seen(hangs=threading.Event()), Seen()

    with tracking("some", lambda: tracker, journal(tmp_path), view, patience=0.01):
        pass

    [(kind, text)] = view.said
    assert (kind, text.split(":")[0]) == ("warning", "some has not taken all of this run")
    assert tracker.hangs
    tracker.hangs.set()


def test_a_run_that_failed_is_not_told_as_one_that_ended(tmp_path: Path) -> None:
    tracker, view = Seen(), Seen()

    with pytest.raises(ValueError, match="broken"), tracking("some", lambda: tracker, journal(tmp_path), view):
        raise ValueError("broken")

    assert 99 not in tracker.told


def test_a_tracker_that_is_not_installed_is_named_with_what_installs_it() -> None:
    check_tracker(Settings(), installed=lambda _: None)
    with pytest.raises(SettingsError, match=re.escape("pip install 'automodel[mlflow]'")):
        check_tracker(read_settings({"tracker": "mlflow"}), installed=lambda _: None)
