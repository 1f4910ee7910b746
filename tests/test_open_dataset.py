"""Which folder a prepared dataset gets, who may touch it, and whose fault a failed preparation is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from orchestrator.errors import AutoModelError, DatasetError
from orchestrator.prepare import open_dataset
from orchestrator.settings import read_settings
from sandbox.base import Verdict
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


FULL = b"The dataset cannot be written: No space left on device.\n"
BROKEN = b"1 image cannot be read: 'cat/1.png' (no image inside); replace or remove what is broken.\n"


@pytest.mark.parametrize(
    ("job", "status", "says"),
    [
        (ScriptedJob({"error.txt": BROKEN}, status=3), 3, r"^1 image cannot be read: .* what is broken\.$"),
        (ScriptedJob({"error.txt": FULL}, status=1), 1, r"No space left on device: make room in /.*/datasets, or name"),
        (ScriptedJob(verdict=Verdict.DEADLINE, status=137), 1, "more than 12 hours and was ended: give a smaller one"),
        (ScriptedJob(verdict=Verdict.OUT_OF_MEMORY, status=137), 1, r"more than 0\.5 GiB of memory .* SANDBOX_MEMORY"),
        (ScriptedJob(verdict=Verdict.KILLED, status=137, log="a\nb"), 1, r"was ended \(killed\): b$"),
        (ScriptedJob({"error.txt": BROKEN}, verdict=Verdict.CANCELLED, status=3), 1, r"was ended \(cancelled\)"),
        (ScriptedJob(status=1, log="Traceback\nMemoryError"), 1, r"failed \(exit status 1\): MemoryError$"),
        (ScriptedJob(status=3), 1, r"failed \(exit status 3\): it said nothing"),
    ],
)
def test_only_what_is_wrong_with_the_data_is_called_so(pets: Path, job: ScriptedJob, status: int, says: str) -> None:
    settings = knobs(pets, sandbox_memory="0.5")

    with pytest.raises(AutoModelError, match=says) as caught:
        open_dataset(settings, scripted(job))

    assert caught.value.status == status
    assert [path.name for path in settings.datasets_dir.iterdir()] == [".lock"]


def test_of_a_table_its_whole_folder_is_mounted_and_watched(pets: Path) -> None:
    table = pets / "labels.csv"
    table.write_text("file,label\n")
    sandbox = scripted()

    first = open_dataset(knobs(table), sandbox)
    (pets / "cat" / "1.png").write_bytes(b"another")
    second = open_dataset(knobs(table), sandbox)

    job = sandbox.started[0]
    assert [(mount.source, mount.target) for mount in job.mounts[1:]] == [(pets, "/source")]
    assert "--source=/source/labels.csv" in job.arguments
    assert first.folder != second.folder
    assert first.folder.name.startswith("labels-csv-")
