"""Weights that were fetched or imported are loaded by timm where there is no network: in the real sandboxes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from orchestrator.backbones import BACKBONES
from orchestrator.blinding import Blinding
from orchestrator.components import Pipeline
from orchestrator.compute import Compute
from orchestrator.errors import AutoModelError
from orchestrator.execute import Executor
from orchestrator.fetch_weights import Hub
from orchestrator.import_weights import import_weights
from orchestrator.jobs import Jobs
from orchestrator.journal import Journal
from orchestrator.log import open_log
from orchestrator.outcome import Crashed, Trained
from orchestrator.supply import Supply
from orchestrator.timm_names import timm_names
from orchestrator.weights import available_weights, open_folder
from prompts.recipe import read_recipe
from sandbox.base import Job, Limits, Mount
from tests import hub_server
from tests.fakes import make_dataset
from tests.hub_server import serving
from tests.sandboxes import open_real
from tests.small_weights import TINY, hub_files, settings, timm_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from orchestrator.settings import Settings
    from sandbox.base import Sandbox

pytestmark = pytest.mark.torch

LOADS = """
import timm
state = timm.create_model("{name}", pretrained=True).state_dict()
print("sum", sum(value.double().sum().item() for value in state.values()))
"""


@pytest.fixture(params=[pytest.param("docker", marks=pytest.mark.long), "bubblewrap"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with closing(open_real(request.param)) as opened:
        yield opened


def loaded(sandbox: Sandbox, cache: Path, folder: Path, name: str = TINY) -> str:
    """What a job without a network prints of the weights that timm loads by their name."""
    for part in ("input", "output"):
        (folder / part).mkdir()
        (folder / part).chmod(0o755)
    job = Job(
        name="fit",
        arguments=("-c", LOADS.format(name=name)),
        input=folder / "input",
        output=folder / "output",
        limits=Limits(seconds=120),
        mounts=(Mount(source=cache, target="/job/weights"),),
        environment={"HF_HUB_CACHE": "/job/weights"},
    )
    running = sandbox.start(job)
    running.go()
    try:
        return running.wait().log
    finally:
        running.kill()


def summed(state: dict[str, object]) -> float:
    import torch  # noqa: PLC0415 - where the extra `harness` is

    return sum(value.double().sum().item() for value in state.values() if isinstance(value, torch.Tensor))


@pytest.mark.parametrize("sandbox", ["docker", "bubblewrap"], indirect=True)  # both: the file is a stranger's
def test_a_file_that_torch_saved_is_imported_and_loaded_without_a_network(sandbox: Sandbox, tmp_path: Path) -> None:
    import timm  # noqa: PLC0415
    import torch  # noqa: PLC0415

    cache, file = tmp_path / "cache", tmp_path / "mine.pth"
    state = timm.create_model(TINY).state_dict()
    torch.save(state, file)
    file.chmod(0o600)  # the user's own

    imported = import_weights(file, TINY, settings(cache), sandbox)

    assert imported.head
    assert available_weights(cache) == (TINY,)
    said = loaded(sandbox, cache, tmp_path)
    assert float(said.rpartition("sum ")[2]) == pytest.approx(summed(state))
    assert not list(cache.glob(".preparing-*"))


def test_a_file_of_another_network_is_refused_in_one_sentence(sandbox: Sandbox, tmp_path: Path) -> None:
    import timm  # noqa: PLC0415
    import torch  # noqa: PLC0415

    torch.save(timm.create_model("test_vit.r160_in1k").state_dict(), tmp_path / "mine.pth")
    with pytest.raises(AutoModelError, match=rf"mine.pth cannot be imported as {TINY}: it does not fit: it lacks"):
        import_weights(tmp_path / "mine.pth", TINY, settings(tmp_path / "cache"), sandbox)
    assert available_weights(tmp_path / "cache") == ()


def automodel(*arguments: str, **knobs: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "orchestrator", *arguments]
    return subprocess.run(command, env={**os.environ, **knobs}, capture_output=True, text=True, check=False)


def test_a_user_fetches_by_a_short_name_and_sees_what_is_here(sandbox: Sandbox, tmp_path: Path) -> None:
    with serving(hub_server.Hub(models={TINY: hub_files()})) as server:
        knobs = {"WEIGHTS_DIR": str(tmp_path / "cache"), "WEIGHTS_MIRROR": server.address}
        fetched = automodel("weights", "fetch", "test_resnet", SANDBOX_BACKEND=sandbox.name, **knobs)
        unknown = automodel("weights", "fetch", "no_such_network", SANDBOX_BACKEND=sandbox.name, **knobs)
    assert fetched.returncode == 0, fetched.stderr
    assert automodel("weights", "list", **knobs).stdout.split() == [TINY, "0.0", "MB", "whole"]
    assert unknown.returncode == 1
    assert "'no_such_network' is none of the" in unknown.stderr


def executor(settings: Settings, sandbox: Sandbox, folder: Path, supply: Supply) -> Executor:
    blinding = Blinding(make_dataset(folder / "dataset"), folder)
    jobs = Jobs(
        sandbox=sandbox,
        compute=Compute(cpus=2, memory=3 << 30, output=1 << 28, gpu=False),
        weights=settings.weights_dir.resolve(),
        folder=folder / "jobs",
        on_event=lambda _: None,
        log=open_log(io.StringIO()),
        bait=blinding.decoys(),
    )
    return Executor(
        jobs, blinding, blinding.dataset.task(device="cpu", seed=0, seconds=60, weights=()), supply=supply, ahead=True
    )


def test_a_pipeline_gets_the_weights_that_it_names_from_the_hub_before_it_runs(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "timm").mkdir()
    files = timm_files(TINY, tmp_path / "timm")
    values = {"backbone": TINY, "resolution": 32, "epochs": 1, "batch_size": 16}
    pipeline = Pipeline(**read_recipe("fine-tune-small").fill(values))  # type: ignore[arg-type] # literals are strings
    with serving(hub_server.Hub(models={TINY: files}, breaks=1)) as server, closing(Journal(tmp_path)) as journal:
        ours = settings(tmp_path / "cache", weights_mirror=server.address)
        open_folder(ours.weights_dir)
        supply = Supply(ours.weights_dir, journal, Hub(ours, sandbox, lambda _: None), lambda _: None)
        with closing(executor(ours, sandbox, tmp_path, supply)) as running:
            running.start_ahead()  # the container is there before the weights are

            outcome = running.execute(pipeline, tmp_path / "attempt")

            assert isinstance(outcome, Trained), outcome
            assert running.task.weights == (TINY,)
        assert [event["name"] for event in journal.events] == [TINY]


def test_a_pipeline_whose_weights_are_not_there_is_told_so(sandbox: Sandbox, tmp_path: Path) -> None:
    pipeline = Pipeline(**read_recipe("fine-tune-small").fill({"backbone": TINY, "resolution": 32}))
    ours = settings(tmp_path / "cache")
    open_folder(ours.weights_dir)
    with closing(Journal(tmp_path)) as journal:
        supply = Supply(ours.weights_dir, journal, None, lambda _: None)
        with closing(executor(ours, sandbox, tmp_path, supply)) as running:
            outcome = running.execute(pipeline, tmp_path / "attempt")
    assert isinstance(outcome, Crashed)
    assert outcome.crash.culprit == "model"
    assert outcome.crash.error.startswith(
        f"The pretrained weights of {TINY} are not there; those that are: none at all"
    )


def test_the_names_are_those_of_the_timm_in_the_sandbox(sandbox: Sandbox, tmp_path: Path) -> None:
    names = timm_names(sandbox, open_folder(tmp_path / "cache"))
    assert names.need("resnet18") == "resnet18.a1_in1k"
    assert names.licences["tf_efficientnet_lite0.in1k"] == "apache-2.0"
    assert len(names.licences) > 1000
    assert set(BACKBONES) <= names.licences.keys()
