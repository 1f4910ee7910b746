"""New images and the model of a run to labels: as many as there are, in order, with odd files among them."""

from __future__ import annotations

import io
import json
import os
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.compute import Compute
from orchestrator.errors import AutoModelError
from orchestrator.jobs import Jobs
from orchestrator.log import open_log
from orchestrator.predict import IMAGE_BYTES, IMAGES, load_model, predict
from orchestrator.worker import ModelError, SlowWorkerError, Worker, WorkerError
from tests.fakes import ScriptedSandbox
from tests.sandboxes import open_real
from tests.served_runs import CLASSES, NASTY, SHADES, make_run, png

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.base import Sandbox


def jobs_in(folder: Path, sandbox: Sandbox, *, gpu: bool = False) -> Jobs:
    return Jobs(
        sandbox=sandbox,
        compute=Compute(cpus=1, memory=1 << 30, output=1 << 20, gpu=gpu),
        weights=None,
        folder=folder / "jobs",
        on_event=lambda _: None,
        log=open_log(io.StringIO()),
    )


@contextmanager
def working(run: Path, backend: str = "bubblewrap") -> Iterator[Worker]:
    """A worker that has loaded a run's model, in a real sandbox."""
    with (
        closing(open_real(backend)) as sandbox,
        closing(Worker(load_model(run), jobs_in(run, sandbox), IMAGES)) as worker,
    ):
        worker.load()
        yield worker
    assert list((run / "jobs").glob("*")) == []


def ask(worker: Worker, *shades: int, seconds: float = 60) -> list[str]:
    put(worker, *shades)
    return take(worker, seconds)


def put(worker: Worker, *shades: int) -> Path:
    folder = worker.stage()
    for number, shade in enumerate(shades):
        (folder / f"{number:04}").write_bytes(png(shade))
    worker.put(len(shades))
    return folder.parent


def take(worker: Worker, seconds: float = 60) -> list[str]:
    return [each if isinstance(each, str) else CLASSES[each.argmax()] for each in worker.take(seconds)]


@pytest.mark.torch
@pytest.mark.parametrize("backend", ["docker", "bubblewrap"])
@pytest.mark.parametrize("size", [8, None])
def test_many_images_are_predicted_in_order_and_odd_files_are_problems_of_their_own(
    tmp_path: Path, backend: str, size: int | None
) -> None:
    images, expected = [], []
    for number in range(2 * IMAGES + 3):
        name = CLASSES[number % 3]
        images.append(tmp_path / f"{number}.png")
        images[-1].write_bytes(png(SHADES[name]))
        expected.append(name)
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(IMAGE_BYTES + 1)
    (tmp_path / "text.png").write_text("no image")
    odd = {
        tmp_path / "pipe": "no regular file",
        Path("/dev/zero"): "no regular file",
        tmp_path: "no regular file",
        tmp_path / "large.png": "larger than 2048 MiB",
        tmp_path / "none": "No such file or directory",
        tmp_path / "text.png": "no image inside",
    }
    images[2:2] = odd
    run = make_run(tmp_path / "run", size=size)

    with working(run, backend) as worker:
        predictions = list(predict(images, worker, top=2))

    assert images == [prediction.image for prediction in predictions]
    told = {prediction.image: prediction.problem for prediction in predictions if prediction.problem}
    assert {path: problem.split(":")[0].split(" (")[0] for path, problem in told.items()} == odd
    assert [prediction.label for prediction in predictions if not prediction.problem] == expected
    assert {len(prediction.top) for prediction in predictions if not prediction.problem} == {2}
    assert all(0.5 < prediction.probability <= 1 for prediction in predictions if not prediction.problem)


@pytest.mark.torch
@pytest.mark.parametrize("backend", ["docker", "bubblewrap"])
def test_what_is_asked_at_once_is_judged_one_by_one_or_an_answer_would_be_taken_away_unread(
    tmp_path: Path, backend: str
) -> None:
    with working(make_run(tmp_path / "run"), backend) as worker:
        _, requests, *_ = [put(worker, SHADES[name]) for name in CLASSES * 5]
        shown = [folder.name for folder in requests.iterdir() if not folder.name.startswith(".")]
        answers = [take(worker) for _ in CLASSES * 5]

    assert shown == ["000002"]  # after the trial
    assert answers == [[name] for name in CLASSES * 5]


@pytest.mark.torch
def test_where_no_image_can_be_read_there_are_problems_alone(tmp_path: Path) -> None:
    with working(make_run(tmp_path / "run")) as worker:
        [prediction] = predict([tmp_path / "none.png"], worker)

    assert (prediction.label, prediction.problem) == ("", "No such file or directory")


@pytest.mark.torch
def test_a_model_that_fails_says_why_and_may_be_asked_again(tmp_path: Path) -> None:
    with working(make_run(tmp_path / "run", NASTY)) as worker:
        with pytest.raises(ModelError, match="RuntimeError: this shade I do not like"):
            ask(worker, SHADES["grey"], 3)
        with pytest.raises(ModelError, match="SystemExit"):
            ask(worker, 8)

        assert ask(worker, SHADES["light"]) == ["light"]


@pytest.mark.torch
@pytest.mark.parametrize(
    ("shade", "says"),
    [
        (1, "did not answer within"),
        (2, "The model failed: .*exit status 3"),
        (4, "It printed too much"),
        (5, "It ran out of memory"),
        (6, "did not answer as it must: The answer is 9 bytes"),
        (7, "not finite"),
    ],
)
def test_a_model_that_hangs_dies_or_lies_is_told_apart(tmp_path: Path, shade: int, says: str) -> None:
    with working(make_run(tmp_path / "run", NASTY)) as worker, pytest.raises(WorkerError, match=says) as raised:
        ask(worker, shade, seconds=3 if shade == 1 else 60)

    assert isinstance(raised.value, SlowWorkerError) == (shade == 1)


@pytest.mark.torch
def test_a_model_that_does_not_load_says_why(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    file = run / "best" / "components" / "model.py"
    file.write_text(file.read_text().replace("self.centres", "self.others"))

    with pytest.raises(WorkerError, match="loading state_dict for Brightness"), working(run):
        pass


@pytest.mark.torch
def test_answers_that_nobody_asked_for_end_the_job(tmp_path: Path) -> None:
    spam = """def act(shade):
    for number in range(2, 100 * (shade == 9)):
        with open("/job/out/part", "wb") as file: file.write(b"unasked")
        os.replace("/job/out/part", f"/job/out/answer-{number:06}")
    time.sleep(100 * (shade == 9))
"""
    with working(make_run(tmp_path / "run", spam)) as worker:
        with pytest.raises(WorkerError, match="did not answer as it must"):  # the first of them is
            ask(worker, 9)
        while not worker.ended:
            time.sleep(0.01)


@pytest.mark.parametrize(("gpu", "device"), [(False, "cpu"), (True, "cuda")])
def test_a_model_predicts_on_the_device_of_this_machine(tmp_path: Path, gpu: bool, device: str) -> None:
    pytest.importorskip("torch")
    run = make_run(tmp_path / "run")
    sandbox = ScriptedSandbox({})
    with closing(Worker(load_model(run), jobs_in(run, sandbox, gpu=gpu), 1)) as worker:
        sandbox.running[0].ended = True  # it will never answer
        with pytest.raises(WorkerError):
            worker.load()
    task = json.loads(sandbox.inputs[0]["task.json"])

    assert (task["device"], sandbox.started[0].gpu) == (device, gpu)
    assert "train.py" not in "".join(sandbox.inputs[0])
    assert sandbox.alive == 0


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("run.json", "{}"),
        ("run.json", "[]"),
        ("run.json", '{"preparation": {"max_side": 512}}'),
        ("best/task.json", '{"classes": ["cat", "dog"]}'),
        ("best/task.json", "7"),
        ("best/weights.safetensors", None),
    ],
)
def test_a_run_that_cannot_be_read_is_refused_in_one_sentence(tmp_path: Path, file: str, text: str | None) -> None:
    pytest.importorskip("torch")
    run = make_run(tmp_path / "run")
    (run / file).unlink()
    if text is not None:
        (run / file).write_text(text)

    with pytest.raises(AutoModelError, match=f"{run} holds no trained model"):
        load_model(run)
