"""Which images a sheet shows, what the job that draws it sees, and what the host accepts as a sheet."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from orchestrator.compute import Compute
from orchestrator.jobs import SHEET_BYTES, Jobs
from orchestrator.log import open_log
from orchestrator.prepare import open_dataset
from orchestrator.settings import read_settings
from orchestrator.sheets import SIGNATURE, Cell, SheetError, Sheets, choose_mistakes
from tests.fakes import LABELS, ScriptedJob, ScriptedSandbox, make_dataset, perfect_logits

if TYPE_CHECKING:
    from pathlib import Path

    from orchestrator.dataset import Dataset
    from sandbox.base import Sandbox
    from sandbox.bubblewrap import BubblewrapSandbox

PNG = SIGNATURE + b"anything"
DRAWN = ScriptedJob({"sheet.png": PNG})
WRONG = perfect_logits([1, 1, 0, 0])


def make_sheets(folder: Path, sandbox: Sandbox, dataset: Dataset) -> Sheets:
    jobs = Jobs(
        sandbox=sandbox,
        compute=Compute(cpus=2, memory=1 << 30, output=1 << 20, gpu=True),
        weights=folder,
        folder=folder / "jobs",
        on_event=lambda _: None,
        log=open_log(io.StringIO()),
    )
    return Sheets(jobs, dataset)


def scripted(folder: Path, job: ScriptedJob = DRAWN) -> tuple[Sheets, ScriptedSandbox]:
    sandbox = ScriptedSandbox({"sheet": [job]})
    return make_sheets(folder, sandbox, make_dataset(folder / "dataset")), sandbox


def asked(sandbox: ScriptedSandbox) -> list[Cell]:
    return [Cell(**cell) for cell in json.loads(sandbox.inputs[0]["sheet.json"])["cells"]]


def write_logits(attempt: Path, content: bytes) -> Path:
    attempt.mkdir()
    (attempt / "logits.f32").write_bytes(content)
    return attempt


def test_the_contact_sheet_is_the_one_that_was_drawn_when_the_dataset_was_prepared(tmp_path: Path) -> None:
    sheets, sandbox = scripted(tmp_path)
    (tmp_path / "dataset" / "sheet.png").write_bytes(PNG)

    assert sheets.contact_sheet() == PNG
    assert sandbox.started == []


def test_without_a_contact_sheet_there_is_none(tmp_path: Path) -> None:
    sheets, _ = scripted(tmp_path)

    with pytest.raises(SheetError, match="No sheet"):
        sheets.contact_sheet()


def test_the_job_that_draws_sees_one_folder_of_images_and_has_no_gpu(tmp_path: Path) -> None:
    sheets, sandbox = scripted(tmp_path)
    sheets.worst_mistakes(write_logits(tmp_path / "attempt", WRONG))

    [job] = sandbox.started
    assert [(mount.source.name, mount.target, mount.writable) for mount in job.mounts] == [
        ("validation", "/job/images", False)
    ]
    assert (job.gpu, job.trusted, dict(job.wanted)) == (False, False, {"sheet.png": SHEET_BYTES})
    assert list(sandbox.inputs[0]) == ["sheet.json"]
    assert sandbox.alive == 0


def test_the_sheet_its_order_and_its_log_are_kept(tmp_path: Path) -> None:
    sheets, _ = scripted(tmp_path)
    attempt = write_logits(tmp_path / "attempt", WRONG)
    sheets.worst_mistakes(attempt)

    assert {path.name for path in (attempt / "mistakes").iterdir()} == {"sheet.png", "sheet.json", "sheet.log"}


def test_the_worst_mistakes_come_first_with_what_was_said(tmp_path: Path) -> None:
    sheets, sandbox = scripted(tmp_path)
    logits = np.frombuffer(perfect_logits([1, 1, 0, 0]), dtype="<f4").reshape(4, 3).copy()
    logits[0] /= 9  # still wrong, less sure of it
    attempt = write_logits(tmp_path / "attempt", logits.tobytes())

    assert sheets.worst_mistakes(attempt) == PNG
    assert asked(sandbox) == [Cell(2, "true: owl\nsaid 1.00: cat"), Cell(0, "true: cat\nsaid 0.58: dog")]
    assert sandbox.started[0].mounts[0].source.name == "validation"
    assert (attempt / "mistakes" / "sheet.png").read_bytes() == PNG


@pytest.mark.parametrize(
    ("logits", "says"),
    [
        (perfect_logits(LABELS["validation"]), "no image of validation"),
        (b"", "0 bytes"),
        (np.full((4, 3), np.nan, dtype="<f4").tobytes(), "finite"),
    ],
)
def test_without_mistakes_or_logits_nothing_is_started(tmp_path: Path, logits: bytes, says: str) -> None:
    sheets, sandbox = scripted(tmp_path)
    with pytest.raises(SheetError, match=says):
        sheets.worst_mistakes(write_logits(tmp_path / "attempt", logits))
    assert sandbox.started == []


@pytest.mark.parametrize(
    ("job", "says"),
    [
        (ScriptedJob(status=1, log="Traceback\nKeyError: 'cells'\n"), "KeyError: 'cells'"),
        (ScriptedJob({"sheet.png": b"GIF89a"}), "no PNG"),
        (ScriptedJob({"sheet.png": b""}), "no PNG"),
        (ScriptedJob({"sheet.png": SIGNATURE + bytes(SHEET_BYTES)}), "at most 2 MiB"),
    ],
)
def test_what_is_no_sheet_is_refused(tmp_path: Path, job: ScriptedJob, says: str) -> None:
    sheets, sandbox = scripted(tmp_path, job)

    with pytest.raises(SheetError, match=says):
        sheets.worst_mistakes(write_logits(tmp_path / "attempt", WRONG))
    assert sandbox.alive == 0


def test_an_earlier_sheet_does_not_pass_for_one_that_failed(tmp_path: Path) -> None:
    sheets, sandbox = scripted(tmp_path)
    attempt = write_logits(tmp_path / "attempt", WRONG)
    sheets.worst_mistakes(attempt)
    sandbox.scripts["sheet"].append(ScriptedJob(status=1))

    with pytest.raises(SheetError, match="No sheet was drawn"):
        sheets.worst_mistakes(attempt)


def test_no_more_than_24_mistakes_are_shown() -> None:
    probabilities = np.tile([0.1, 0.9], (100, 1))

    assert choose_mistakes(probabilities, np.zeros(100, np.int64)) == list(range(24))


@pytest.mark.bubblewrap
def test_a_sheet_of_a_prepared_dataset_is_drawn_in_the_sandbox(bubblewrap: BubblewrapSandbox, tmp_path: Path) -> None:
    for label, (name, colour) in enumerate({"rose": (200, 0, 60), "fern": (0, 150, 0)}.items()):
        (tmp_path / "plants" / name).mkdir(parents=True)
        for number in range(10):
            picture = Image.new("RGB", (300 + number, 200), colour)
            picture.putpixel((label, number), (number, 0, label))
            picture.save(tmp_path / "plants" / name / f"{number}.png")
    knobs = {"dataset": str(tmp_path / "plants"), "datasets_dir": str(tmp_path / "datasets")}
    dataset = open_dataset(read_settings(knobs), bubblewrap)

    sheets = make_sheets(tmp_path, bubblewrap, dataset)
    images = dataset.split("validation").images
    logits = np.eye(2, dtype="<f4")[1 - dataset.hidden_labels("validation")]
    attempt = write_logits(tmp_path / "attempt", logits.tobytes())

    for content, cells in ((sheets.contact_sheet(), 8), (sheets.worst_mistakes(attempt), images)):
        with Image.open(io.BytesIO(content)) as sheet:
            assert sheet.width == cells * 116 + 4
            assert {(0, 150, 0), (200, 0, 60)} <= {colour for _, colour in sheet.getcolors(1 << 20) or ()}
