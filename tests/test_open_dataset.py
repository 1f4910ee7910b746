"""Which folder a prepared dataset gets, who may touch it, and whose fault a failed preparation is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from orchestrator.errors import DatasetError
from orchestrator.prepare import open_dataset
from orchestrator.settings import read_settings
from tests.fakes import LABELS, ScriptedJob, ScriptedSandbox, make_dataset

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.settings import Settings


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """A folder that looks like a dataset; the scripted sandbox does not read it."""
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    Image.new("L", (2, 2)).save(tmp_path / "pets" / "cat" / "1.png")
    return tmp_path / "pets"


def knobs(pets: Path, **more: str) -> Settings:
    return read_settings({"dataset": str(pets), "datasets_dir": str(pets.with_name("datasets")), **more})


def scripted(*jobs: ScriptedJob) -> ScriptedSandbox:
    return ScriptedSandbox({"prepare": list(jobs) or [ScriptedJob(fill=make_dataset) for _ in range(3)]})


def test_what_was_prepared_is_not_prepared_again(pets: Path) -> None:
    sandbox = scripted()

    first, second = (open_dataset(knobs(pets), sandbox) for _ in range(2))

    assert first.folder == second.folder
    assert len(sandbox.started) == 1


def test_another_seed_leaves_the_dataset_of_a_running_run_alone(pets: Path) -> None:
    sandbox = scripted()
    running = open_dataset(knobs(pets), sandbox)

    other = open_dataset(knobs(pets, dataset_seed="1"), sandbox)

    assert other.folder != running.folder
    assert running.hidden_labels("test").tolist() == LABELS["test"]
    assert open_dataset(knobs(pets), sandbox).folder == running.folder
    assert len(sandbox.started) == 2


def test_a_folder_that_changes_leaves_what_was_made_of_it_alone(pets: Path) -> None:
    sandbox = scripted()
    running = open_dataset(knobs(pets), sandbox)
    Image.new("L", (2, 2)).save(pets / "cat" / "2.png")

    other = open_dataset(knobs(pets), sandbox)

    assert other.folder != running.folder
    assert running.hidden_labels("test").tolist() == LABELS["test"]


def test_of_two_that_prepare_the_same_the_first_gives_the_folder(pets: Path) -> None:
    settings = knobs(pets)

    def overtaken(folder: Path) -> None:
        open_dataset(settings, scripted())
        make_dataset(folder)

    dataset = open_dataset(settings, scripted(ScriptedJob(fill=overtaken)))

    assert dataset.hidden_labels("test").tolist() == LABELS["test"]
    assert {path.name for path in settings.datasets_dir.iterdir()} == {".lock", dataset.folder.name}


def test_a_damaged_folder_is_named_and_left_as_it_is(pets: Path) -> None:
    dataset = open_dataset(knobs(pets), scripted())
    (dataset.folder / "dataset.json").write_text("{")

    with pytest.raises(DatasetError, match=f"{dataset.folder} holds no prepared dataset"):
        open_dataset(knobs(pets), scripted())

    assert dataset.hidden_labels("test").tolist() == LABELS["test"]
