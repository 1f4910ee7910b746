"""`automodel serve`, from outside: a real server, a real sandbox, hostile uploads and a model that misbehaves."""

from __future__ import annotations

import io
import os
import re
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from PIL import Image

from tests.sandboxes import skip_without
from tests.served_runs import CLASSES, NASTY, SHADES, make_run, png

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.torch


class Server:
    """`automodel serve` in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url
        self.said: list[str] = []
        """Lines, after the greeting."""
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def predict(self, *images: bytes, **parameters: int) -> httpx2.Response:
        files = [("images", (f"{number}.png", data)) for number, data in enumerate(images)]
        return httpx2.post(f"{self.url}/predict", files=files, params=parameters, timeout=120)

    def label(self, shade: int) -> str:
        """Of an image of this shade, once there is a worker that answers."""
        while (answer := self.predict(png(shade))).status_code == 503:  # a worker is being replaced
            time.sleep(0.2)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["predictions"][0]["label"])

    def _listen(self) -> None:
        assert self.process.stderr
        self.said += self.process.stderr


@contextmanager
def serving(run: Path, backend: str = "bubblewrap", knobs: Mapping[str, str] | None = None) -> Iterator[Server]:
    skip_without(backend)
    command = [sys.executable, "-m", "orchestrator", "serve", str(run), "--serve-port", "0"]
    environment = {**os.environ, "SANDBOX_BACKEND": backend, **(knobs or {})}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        url = next((found[0] for line in process.stderr if (found := re.findall(r"http://[\d.:]+", line))), "")
        assert url
        server = Server(process, url)
        try:
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            server.listener.join(60)  # to its end, before the pipe is closed


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    run = make_run(tmp_path_factory.mktemp("runs") / "digits-1")
    with serving(run, knobs={"SERVE_MEGABYTES": "2", "SERVE_IMAGES": "20"}) as started:
        yield started


@pytest.fixture(scope="module")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    run = make_run(tmp_path_factory.mktemp("runs") / "nasty-1", NASTY)
    with serving(run, knobs={"SERVE_SECONDS": "20", "SANDBOX_MEMORY": "1"}) as started:
        yield started


def test_an_image_gets_its_classes_with_their_probabilities(server: Server) -> None:
    answer = server.predict(png(SHADES["grey"]), top=2)

    [row] = answer.json()["predictions"]
    assert answer.status_code == 200
    assert (row["file"], row["label"]) == ("0.png", "grey")
    assert row["top"][0] == {"label": "grey", "probability": row["probability"]}
    assert len(row["top"]) == 2
    assert 0.9 < row["probability"] <= 1


def test_a_batch_is_answered_in_order_and_says_of_each_image_that_cannot_be_read_why(server: Server) -> None:
    answer = server.predict(png(SHADES["light"]), b"no image", png(SHADES["dark"]), b"", png(5)[:40])

    rows = answer.json()["predictions"]
    assert answer.status_code == 200
    assert [row.get("label") for row in rows] == ["light", None, "dark", None, None]
    assert [bool(row.get("problem")) for row in rows] == [False, True, False, True, True]


def bomb(side: int) -> bytes:
    """The header of an image of this size, and little behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10_000)))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (bomb(30_000), "30000 x 30000 pixels"),
        (bomb(10_000), ""),
        (b"", "empty"),
        (b"hello", "no image"),
        (png(9)[:50], ""),
        (b"\x89PNG\r\n\x1a\n" + bytes(1000), ""),
        (b"GIF89a" + b"\xff" * 1000, ""),
        (zlib.compress(bytes(100_000_000)), "no image"),
    ],
    ids=["900 MP", "100 MP cut short", "empty", "text", "cut short", "no header", "nonsense", "zeros"],
)
def test_what_cannot_be_read_is_a_422_with_the_reason(server: Server, data: bytes, says: str) -> None:
    answer = server.predict(data)

    [row] = answer.json()["predictions"]
    assert answer.status_code == 422
    assert says in row["problem"]
    assert server.label(SHADES["dark"]) == "dark"


def test_an_image_of_100_megapixels_is_an_image(server: Server) -> None:
    file = io.BytesIO()
    Image.new("L", (10_000, 10_000), SHADES["light"]).save(file, "png", compress_level=9)

    answer = server.predict(file.getvalue())

    assert answer.json()["predictions"][0]["label"] == "light"


def test_too_many_bytes_are_a_413_however_they_are_sent(server: Server) -> None:
    announced = server.predict(bytes(2_100_000))
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    head = b'--x\r\nContent-Disposition: form-data; name="images"; filename="a.png"\r\n\r\n'
    pieces = iter([head, *[bytes(100_000)] * 30])
    streamed = httpx2.post(f"{server.url}/predict", content=pieces, headers=form, timeout=60)

    assert (announced.status_code, streamed.status_code) == (413, 413)
    assert announced.json() == {"detail": "A request may have 2 MB: send fewer or smaller images."}
    assert streamed.json() == announced.json()


@pytest.mark.parametrize("images", [21, 1000])
def test_too_many_images_are_a_413(server: Server, images: int) -> None:
    answer = server.predict(*[b"x"] * images)

    assert answer.status_code == 413
    assert answer.json() == {"detail": "At most 20 images fit into one request: send several."}


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({}, "There is no image"),
        ({"json": {"images": []}}, "There is no image"),
        ({"data": {"images": "text"}}, "There is no image"),
        ({"files": {"images": (None, "text")}}, "There is no image"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, "boundary"),
        ({"content": b"garbage", "headers": {"Content-Type": "multipart/form-data; boundary=y"}}, "cannot be read"),
        ({"data": {f"f{number}": "" for number in range(1000)}}, "Too many fields"),
        ({"files": {"images": ("a.png", b"x")}, "params": {"top": 0}}, "greater than or equal to 1"),
    ],
    ids=["nothing", "json", "field", "no file", "no boundary", "garbage", "1000 fields", "top 0"],
)
def test_a_request_without_an_image_is_a_422(server: Server, request_: dict[str, Any], says: str) -> None:
    answer = httpx2.post(f"{server.url}/predict", **request_)

    assert answer.status_code == 422
    assert says in str(answer.json()["detail"])


def test_health_and_the_page_of_the_api_need_nothing_from_outside(server: Server) -> None:
    health = httpx2.get(f"{server.url}/healthz")
    page = httpx2.get(f"{server.url}/", follow_redirects=True)
    api = httpx2.get(f"{server.url}/openapi.json").json()
    script = re.findall(r'src="([^"]+)"', page.text)

    assert health.json() == {"status": "ok", "run": "digits-1", "classes": list(CLASSES)}
    assert page.url.path == "/docs"
    assert not re.search(r"https?://|//cdn", page.text)
    assert [httpx2.get(f"{server.url}{path}").status_code for path in script] == [200]
    assert set(api["paths"]) == {"/predict", "/healthz"}
    assert set(api["paths"]["/predict"]["post"]["responses"]) >= {"200", "413", "422", "503", "504"}


def test_another_host_is_refused(server: Server) -> None:
    answer = httpx2.get(f"{server.url}/healthz", headers={"Host": "evil.example"})

    assert answer.status_code == 400


def test_many_clients_at_once_get_each_their_own_answer_or_are_told_to_wait(server: Server) -> None:
    answers: list[tuple[str, httpx2.Response]] = []

    def ask(name: str) -> None:
        answers.extend((name, server.predict(png(SHADES[name]))) for _ in range(10))

    clients = [threading.Thread(target=ask, args=(CLASSES[number % 3],)) for number in range(12)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()

    statuses = [answer.status_code for _, answer in answers]
    assert len(answers) == 120
    assert set(statuses) == {200}  # no more wait than may
    assert all(answer.json()["predictions"][0]["label"] == name for name, answer in answers)


@pytest.mark.parametrize(
    ("shade", "status", "says"),
    [
        (1, 504, "did not answer within 20 s"),
        (2, 500, "exit status 3"),
        (3, 500, "this shade I do not like"),
        (4, 500, "It printed too much"),
        (5, 500, "It ran out of memory"),
        (6, 500, "did not answer as it must"),
        (7, 500, "not finite"),
        (8, 500, "SystemExit"),
    ],
)
def test_a_model_that_misbehaves_costs_its_request_and_the_next_one_is_answered(
    nasty: Server, shade: int, status: int, says: str
) -> None:
    answer = nasty.predict(png(shade))

    assert answer.status_code == status
    assert says in answer.json()["detail"]
    assert nasty.label(SHADES["grey"]) == "grey"


def test_while_a_model_hangs_others_wait_their_turn_and_too_many_are_sent_away(nasty: Server) -> None:
    statuses: list[int] = []
    hanging = threading.Thread(target=nasty.predict, args=(png(1),))
    hanging.start()
    time.sleep(1)
    clients = [threading.Thread(target=lambda: statuses.append(nasty.predict(png(128)).status_code)) for _ in range(30)]
    for client in clients:
        client.start()
    for client in [*clients, hanging]:
        client.join()

    assert set(statuses) <= {200, 503}
    assert 503 in statuses
    assert nasty.label(SHADES["dark"]) == "dark"


def test_a_worker_that_is_killed_while_nobody_asks_is_replaced(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    with serving(run) as server:
        assert server.label(128) == "grey"
        for process in _processes(str(run)):
            os.kill(process, signal.SIGKILL)

        assert server.label(128) == "grey"


@pytest.mark.parametrize("backend", ["docker", "bubblewrap"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_it_leaves_nothing_not_even_while_it_works(
    tmp_path: Path, backend: str, number: signal.Signals
) -> None:
    run = make_run(tmp_path / "run", NASTY)
    with serving(run, backend) as server:
        assert server.label(SHADES["light"]) == "light"
        hanging = threading.Thread(target=_ignore_errors, args=(server, png(1)))
        hanging.start()
        time.sleep(0.5)
        server.process.send_signal(number)
        status = server.process.wait()
        hanging.join()

    assert status == 0
    assert _processes(str(run)) == []
    assert sorted(path.name for path in run.iterdir()) == [".lock", "best", "run.json", "summary.json"]
    assert "Traceback" not in "".join(server.said)


def test_a_model_that_cannot_be_loaded_is_said_in_one_sentence_and_nothing_is_served(tmp_path: Path) -> None:
    skip_without("bubblewrap")
    run = make_run(tmp_path / "run")
    (run / "best" / "components" / "model.py").write_text("def build_model(task):\n    raise ValueError('no')\n")
    command = [sys.executable, "-m", "orchestrator", "serve", str(run), "--serve-port", "0"]
    environment = {**os.environ, "SANDBOX_BACKEND": "bubblewrap"}

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "automodel: The model failed: ValueError: no" in done.stderr
    assert "Traceback (most recent" not in done.stderr
    assert _processes(str(run)) == []


def _ignore_errors(server: Server, image: bytes) -> None:
    try:
        server.predict(image)
    except httpx2.HTTPError:
        return


def _processes(text: str) -> list[int]:
    """Processes whose command line names this folder, but for the server."""
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout  # noqa: S607
    lines = (line.split(maxsplit=1) for line in listed.splitlines() if text in line)
    return [int(number) for number, command in lines if " serve " not in command]
