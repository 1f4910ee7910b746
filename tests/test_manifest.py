"""run.json says what it takes to judge a run and to repeat it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.custody import harness_checksum
from orchestrator.manifest import describe_run
from orchestrator.settings import read_settings
from tests.fakes import ScriptedSandbox, make_dataset

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.bubblewrap import BubblewrapSandbox
    from sandbox.docker import DockerSandbox


def test_it_holds_what_the_jobs_ran_in(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset")

    facts = describe_run(read_settings({}), dataset, sandbox=ScriptedSandbox({}), team="playbook", weak=("swap",))

    assert facts["versions"]["sandbox"] == {"engine": "a script"}
    assert facts["same"]["sandbox"] == "scripted"
    assert facts["preparation"] == {"max_side": 512, "ceiling": 255.0}
    assert facts["weak"] == ["swap"]
    assert facts["versions"]["harness"] == harness_checksum()
    assert facts["hardware"]["cpu"]
    assert facts["pretrained"] == {}


@pytest.mark.bubblewrap
def test_bubblewrap_tells_versions(bubblewrap: BubblewrapSandbox) -> None:
    told = bubblewrap.describe()

    assert told["engine"].startswith("bubblewrap ")
    assert {"torch", "torchvision", "timm"} <= told.keys()


@pytest.mark.docker
def test_docker_tells_the_image(docker: DockerSandbox) -> None:
    told = docker.describe()

    assert told["image"].startswith("automodel-sandbox:bare-")
    assert told["image_id"].startswith("sha256:")
