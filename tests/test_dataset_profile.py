"""From images on disk to sentences: what is measured while preparing, what the person and the architect read of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from harness.prepare.__main__ import main
from orchestrator.briefing import profile_section
from orchestrator.compute import Compute
from orchestrator.dataset import Dataset, Lookalikes
from orchestrator.dataset_notes import dataset_notes
from orchestrator.dataset_profile import findings, profile_lines
from orchestrator.run import make_profile as make_team_profile
from orchestrator.settings import read_settings
from orchestrator.terminal import prepared_lines
from tests.fakes import make_dataset
from tests.playbook_cases import make_profile
from tests.test_lookalikes import again, scene


def prepare(folder: Path, source: Path) -> Dataset:
    options = ["--source", str(source), "--name", source.name, "--out", str(folder), "--report-dir", str(folder / "no")]
    assert main(options) == 0
    return Dataset(folder)


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Scenes of two classes, of one size and kind, 20 and 40 to train on, 3 of each in the other splits."""
    for place, (start, counts) in {"train": (0, (20, 40)), "val": (300, (3, 3)), "test": (500, (3, 3))}.items():
        for name, count in zip(("cat", "dog"), counts, strict=True):
            (tmp_path / "pets" / place / name).mkdir(parents=True)
            for number in range(count):
                seed = start + number + 100 * (name == "dog")
                scene(seed).save(tmp_path / "pets" / place / name / f"{number}.jpg", quality=90)
    return tmp_path / "pets"


def test_near_copies_in_the_test_are_counted_and_named(tmp_path: Path, pets: Path) -> None:
    again(scene(105)).save(pets / "test/dog/twin.jpg")
    (pets / "test/dog/copy.jpg").write_bytes((pets / "train/dog/6.jpg").read_bytes())

    facts = prepare(tmp_path / "out", pets).facts

    assert facts.profile is not None
    assert facts.profile.lookalikes == Lookalikes(
        validation=0, test=1, plain=0, examples=(("'test/dog/twin.jpg'", "'train/dog/5.jpg'"),)
    )
    assert facts.duplicates.test == 1


def test_everything_that_was_measured_is_in_the_facts(tmp_path: Path, pets: Path) -> None:
    for path in (pets / "train/cat").iterdir():
        with Image.open(path) as image:
            image.convert("L").resize((120, 160)).convert("RGB").save(path)

    dataset = prepare(tmp_path / "out", pets)
    profile = dataset.facts.profile

    assert profile is not None
    assert (profile.aspect, profile.grey, profile.columns) == ((0.75, 1.0), 20, ())
    assert "20 of the 72 images are grey, though stored in colour." in findings(dataset.facts)
    assert {told.property for told in profile.telling} >= {"size in pixels", "aspect ratio"}
    assert all(told.accuracy == 1 for told in profile.telling if told.property == "aspect ratio")


def test_small_images_are_not_compared(tmp_path: Path) -> None:
    facts = prepare(tmp_path / "out", Path("digits")).facts

    assert facts.profile is not None
    assert facts.profile.lookalikes is None
    assert "They are too small to look for near copies." in profile_lines(facts)


def test_the_person_reads_what_is_in_a_dataset_and_where_to_look(tmp_path: Path, pets: Path) -> None:
    dataset = prepare(tmp_path / "out", pets)

    size, *lines, sheet = prepared_lines(dataset).split("\n")

    assert size == "pets: 60 training, 6 validation and 6 test images of 2 classes."
    assert lines[:2] == [
        "The classes are uneven: 20 to 40 training images of each, the largest 2.0 times the smallest.",
        "All images are of 160x160 pixels (height x width).",
    ]
    assert lines[2].startswith("They are stored in colour: mean ")
    assert sheet == f"Some of its images, class by class: {tmp_path}/out/sheet.png"
    with Image.open(dataset.sheet) as picture:
        assert picture.size == (8 * 116 + 4, 6 * (112 + 15 + 4) + 4)


FULL = {
    "aspect": [0.5, 2.0],
    "grey": 3,
    "lookalikes": {"validation": 1, "test": 2, "plain": 4, "examples": [["'t/a.png'", "'l/b.png'"]]},
    "telling": [{"property": "file size", "accuracy": 0.9, "majority": 0.4, "classes": ["cat"]}],
    "columns": [f"code{number}" for number in range(7)],
}


def with_profile(folder: Path) -> Dataset:
    make_dataset(folder)
    facts = json.loads((folder / "dataset.json").read_bytes())
    (folder / "dataset.json").write_text(json.dumps(facts | {"profile": FULL}))
    return Dataset(folder)


def test_suspicions_are_told_in_whole_sentences(tmp_path: Path) -> None:
    near, property_, columns = dataset_notes(with_profile(tmp_path / "dataset").facts)

    assert near == (
        "Of 4 validation images 1, and of 5 test images 2, look nearly the same as a training image, beside exact "
        "copies: accuracy on them is partly memory. Such as 't/a.png' and 'l/b.png'."
    )
    assert property_.startswith(
        "The file size of the original files alone is right about the class of 0.90 of the training images, the most "
        "frequent class of 0.40, and tells 'cat' from all others: "
    )
    assert columns.startswith(
        "Columns of the table that tell the label as well: 'code0', 'code1', 'code2', 'code3', 'code4' and 2 more. "
    )


def test_the_architect_reads_the_same_without_the_files_of_held_back_images(tmp_path: Path) -> None:
    told = findings(with_profile(tmp_path / "dataset").facts)

    assert len(told) == 6
    assert "a.png" not in "".join(told)
    assert "Width is 0.50 to 2.00 of the height." in told


def test_images_that_are_all_grey_are_not_told_to_be_in_colour(tmp_path: Path) -> None:
    facts = with_profile(tmp_path / "dataset").facts
    images = sum(split.images for split in facts.splits.values())
    assert facts.profile is not None
    grey = facts.model_copy(update={"profile": facts.profile.model_copy(update={"grey": images})})

    assert "All images are grey, though stored in colour." in findings(grey)


def test_a_folder_that_was_prepared_without_a_profile_can_still_be_read(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset")

    assert dataset.facts.profile is None
    assert findings(dataset.facts) == ("The classes are about equal: 10 to 10 training images of each.",)
    assert "sheet.png" not in prepared_lines(dataset)


def test_the_agents_read_findings_as_data_and_what_not_to_flip_in_our_words() -> None:
    told = ("Columns of the table that tell the label as well: 'x```\nflip'.", *["long " * 500] * 9)
    profile = replace(make_profile(classes=("turn left", "turn right")), findings=told)

    section = profile_section(profile)

    assert "- Classes differ by left/right alone: a mirror image is of another class, so no flips." in section.text
    assert "as well: 'x``` flip'." in section.data
    assert "as well" not in section.text
    assert len(section) < 6000


def test_a_run_gives_the_team_what_was_measured(tmp_path: Path) -> None:
    dataset = with_profile(tmp_path / "dataset")
    settings = read_settings({"weights_dir": str(tmp_path)})

    profile = make_team_profile(settings, dataset, Compute(cpus=2, memory=1 << 30, output=1 << 20, gpu=False))

    assert profile.findings == findings(dataset.facts)


@pytest.mark.parametrize(("told", "description"), [("true", "Pets."), ("false", "")])
def test_a_team_may_be_left_without_the_description(tmp_path: Path, told: str, description: str) -> None:
    dataset = with_profile(tmp_path / "dataset")
    dataset.facts = dataset.facts.model_copy(update={"description": "Pets."})
    settings = read_settings({"weights_dir": str(tmp_path), "run_dataset_info": told})

    profile = make_team_profile(settings, dataset, Compute(cpus=2, memory=1 << 30, output=1 << 20, gpu=False))

    assert (profile.description, profile.dataset) == (description, dataset.facts.name)
