"""The row "LLM zero-shot": one request to a real server, one script in a real sandbox, a score or a reason."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from orchestrator.bench.paper.zero_shot import BESIDE, find_script, zero_shot
from orchestrator.errors import ChatError, SettingsError
from orchestrator.settings import Settings, read_settings
from tests.chat_servers import KEY, good, refuse, serve
from tests.fakes import ScriptedSandbox, Watcher, make_reply
from tests.sandboxes import open_real

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sandbox.base import Sandbox
    from tests.chat_servers import Act, ChatServer

SCRIPT = """
import os
import numpy as np
from PIL import Image

def pixels(path):
    return np.asarray(Image.open(path).convert("L"), dtype=float)

train = "/tmp/work/train"
means = {name: np.mean([pixels(f"{train}/{name}/{file}") for file in os.listdir(f"{train}/{name}")], axis=0)
         for name in os.listdir(train)}
with open("/tmp/work/predictions.csv", "w") as table:
    print("file,class", file=table)
    for file in os.listdir("/tmp/work/test"):
        image = pixels(f"/tmp/work/test/{file}")
        print(file, min(means, key=lambda name: ((means[name] - image) ** 2).sum()), sep=",", file=table)
"""
"""The class whose mean image is nearest: nine digits of ten, without torch."""
REPLY = f"Install what you need:\n```bash\npip install torch\n```\nThen:\n```python\n{SCRIPT}```\nGood luck!"
image = pytest.importorskip("PIL.Image", reason="the extra `harness` is not installed")


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("docker", "bubblewrap")]
)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with closing(open_real(request.param)) as opened:
        yield opened


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def settings(home: Path, server: ChatServer, **knobs: str) -> Settings:
    return read_settings(
        {
            "dataset": "digits",
            "datasets_dir": str(home / "datasets"),
            "weights_dir": str(home / "weights"),
            "llm_provider": "openai",
            "llm_model": "some-model",
            "llm_prices": "some-model=1/2",
            "openai_api_key": KEY,
            "openai_base_url": f"{server.url}/v1",
            "run_fit_minutes": "4",
            **knobs,
        }
    )


def test_one_reply_is_run_scored_and_never_paid_twice(home: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    view = Watcher()
    with serve(good(REPLY), then=lambda _: refuse(500, "Nobody is to ask again.")) as server:
        measured = zero_shot(settings(home, server), sandbox, view, tmp_path / "cell")
        again = zero_shot(settings(home, server), sandbox, view, tmp_path / "cell")

    assert measured.test, measured.problem
    assert measured.test.accuracy > 0.8
    assert measured.test.images == 359
    assert (measured.problem, measured.notes, measured.first, measured.validation) == ("", "", None, None)
    assert measured.tokens == 120
    assert measured.usd == pytest.approx(0.00014)
    assert measured.seconds > 0
    assert replace(again, seconds=measured.seconds) == measured
    [asked] = server.bodies
    prompt = asked["messages"][-1]["content"]
    assert prompt.startswith("Generate code for training a model on a dataset with 10 classes.\n")
    for part in ("PNG files in `/tmp/work/train`", "finds: none.", "`cpu`", f"After {240 + BESIDE:.0f} seconds"):
        assert part in prompt
    assert not [path for path in (tmp_path / "cell").rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert not (tmp_path / "cell/presented").exists()
    assert not (tmp_path / "cell/jobs").exists()


def test_a_script_that_crashes_is_no_result_and_is_not_mended(home: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    with serve(good("```python\nimport tensorflow\n```")) as server:
        measured = zero_shot(settings(home, server), sandbox, Watcher(), tmp_path)

    assert measured.test is None
    assert measured.problem.endswith("ModuleNotFoundError: No module named 'tensorflow'")
    assert measured.tokens == 120
    assert len(server.bodies) == 1


@pytest.mark.parametrize("act", [good("I cannot do that."), good(REPLY, cut_off=True)])
def test_without_a_whole_script_nothing_is_run(home: Path, sandbox: Sandbox, tmp_path: Path, act: Act) -> None:
    with serve(act) as server:
        measured = zero_shot(settings(home, server), sandbox, Watcher(), tmp_path)

    assert measured.test is None
    assert measured.problem == "The reply holds no whole script in a fenced block."
    assert measured.tokens == 120
    assert not (tmp_path / "script").exists()


def test_photos_are_laid_out_as_the_files_that_they_are(sandbox: Sandbox, tmp_path: Path) -> None:
    for number in range(60):
        name = ("N/A", "light")[number % 2].replace("/", " of ")
        (tmp_path / "photos" / name).mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 99, (120, 100 + number % 3, 3)) + 150 * (number % 2)
        image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "photos" / name / f"{number}.jpg")
    shrunk = REPLY.replace('convert("L")', 'convert("L").resize((8, 8))')
    with serve(good(shrunk)) as server:
        knobs = settings(tmp_path, server, dataset=str(tmp_path / "photos"))
        measured = zero_shot(knobs, sandbox, Watcher(), tmp_path / "cell")

    assert measured.test, measured.problem
    assert (measured.test.accuracy, measured.test.images) == (1.0, 12)
    assert "PNG or JPEG files in `/tmp/work/test`" in server.bodies[0]["messages"][-1]["content"]


def test_a_server_that_refuses_is_an_error_and_no_result(home: Path, sandbox: Sandbox, tmp_path: Path) -> None:
    with serve(refuse(401, "Who are you?")) as server, pytest.raises(ChatError):
        zero_shot(settings(home, server), sandbox, Watcher(), tmp_path)


def test_the_playbook_cannot_be_asked_for_a_script(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="needs a language model, and the playbook is none: set OPENAI_API_KEY"):
        zero_shot(read_settings({"llm_provider": "playbook"}), ScriptedSandbox({}), Watcher(), tmp_path)


def test_the_script_is_the_longest_block() -> None:
    assert find_script(make_reply(REPLY)).strip() == SCRIPT.strip()
    assert not find_script(make_reply("import torch"))
