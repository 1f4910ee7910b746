"""The whole way: a folder of files, the program, the dataset on disk, read back."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness.images import open_images
from harness.report import Event
from orchestrator.origin import find_origin
from orchestrator.settings import read_settings

ROOT = Path(__file__).parent.parent
SPLITS = ("train", "validation", "test")
FIELDS = {
    "version", "name", "source", "description", "licence", "classes", "channels", "image_size", "sizes", "form",
    "max_side", "ceiling", "seed", "split_rule", "splits", "mean", "std", "skipped", "skipped_extensions", "duplicates",
    "groups", "unlabelled", "profile", "fingerprint", "checksums", "pillow", "numpy",
}  # fmt: skip


class Prepared:
    """One run of the program."""

    def __init__(self, folder: Path, source: str, *options: str) -> None:
        self.out = folder / "out"
        self.report = folder / "report"
        self.report.mkdir(exist_ok=True)
        arguments = ["--source", source, "--name", "pets", "--out", str(self.out), "--report-dir", str(self.report)]
        self.ended = subprocess.run(
            [sys.executable, "-m", "harness.prepare", *arguments, *options],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def facts(self) -> dict[str, Any]:
        assert self.ended.returncode == 0, self.ended.stderr
        facts: dict[str, Any] = json.loads((self.out / "dataset.json").read_bytes())
        return facts

    def labels(self, split: str) -> list[int]:
        path = f"{split}/labels.npy" if split == "train" else f"hidden/{split}.npy"
        labels: list[int] = np.load(self.out / path).tolist()
        return labels

    def refusal(self) -> str:
        assert self.ended.returncode == 3, self.ended
        assert not (self.out / "dataset.json").exists()
        last = self.ended.stderr.strip().rpartition("\n")[2]
        assert (self.report / "error.txt").read_text().strip() == last
        return last


def picture(seed: int, height: int = 6, width: int = 5) -> Image.Image:
    """Random colours whose first pixel says which class it is: the seed's last digit."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    pixels[0, 0] = seed % 10
    return Image.fromarray(pixels)


def pets(root: Path, count: int = 20, height: int = 6, form: str = "png") -> Path:
    for label, name in enumerate(("cat", "dog")):
        (root / name).mkdir(parents=True)
        for number in range(count):
            picture(number * 10 + label, height).save(root / name / f"{number}.{form}")
    return root


def test_small_images_become_an_array_and_come_back_as_they_were(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path, str(pets(tmp_path / "pets")))

    facts = prepared.facts
    assert (facts["form"], facts["image_size"], facts["channels"]) == ("array", [6, 5], 3)
    seen = set()
    for split in SPLITS:
        images = open_images(prepared.out / split, 3)
        labels = prepared.labels(split)
        assert len(images) == len(labels) == facts["splits"][split]["images"]
        for index, label in enumerate(labels):
            image = images.image(index)
            assert image[0, 0, 0] == label
            seen.add(image.tobytes())
    originals = {np.asarray(picture(n * 10 + c)).transpose(2, 0, 1).tobytes() for n in range(20) for c in (0, 1)}
    assert seen == originals


def test_larger_images_are_encoded_and_come_back_as_they_were(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets", height=100)
    picture(0, height=130).save(root / "cat/0.png")

    prepared = Prepared(tmp_path, str(root))

    assert (prepared.facts["form"], prepared.facts["image_size"]) == ("encoded", None)
    assert prepared.facts["sizes"] == {"smallest": [100, 5], "median": [100, 5], "largest": [130, 5]}
    for split in SPLITS:
        images = open_images(prepared.out / split, 3)
        assert len(images) == prepared.facts["splits"][split]["images"]
        assert [images.image(index)[0, 0, 0] for index in range(len(images))] == prepared.labels(split)


def test_images_bounded_to_one_small_size_become_an_array(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path, str(pets(tmp_path / "pets", height=100)), "--max-side", "50")

    assert (prepared.facts["form"], prepared.facts["image_size"]) == ("array", [50, 2])
    assert prepared.facts["sizes"]["largest"] == [100, 5]


def test_grey_and_colour_together_make_colour(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets")
    Image.new("L", (5, 6), 9).save(root / "cat/grey.png")

    assert Prepared(tmp_path, str(root)).facts["channels"] == 3


def test_one_ceiling_scales_all_deep_images_of_a_dataset(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(10):
            deep = np.full((6, 5), 4095 if number else 40 + ord(name[0]), np.uint16)
            deep[0, :2] = number, ord(name[0])
            Image.fromarray(deep).save(tmp_path / "pets" / name / f"{number}.png")

    prepared = Prepared(tmp_path, str(tmp_path / "pets"))

    assert (prepared.facts["ceiling"], prepared.facts["channels"]) == (4095, 1)
    values = {int(image.max()) for split in SPLITS for image in np.load(prepared.out / split / "images.npy")}
    assert values == {255, round((40 + ord("c")) * 255 / 4095), round((40 + ord("d")) * 255 / 4095)}


def test_dataset_json_is_complete_and_true(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets")
    (root / "notes.txt").touch()
    options = ("--description", "Cats.", "--fingerprint", "f00", "--origin", "my/pets", "--seed", "7")

    prepared = Prepared(tmp_path, str(root), *options)

    facts = prepared.facts
    assert facts.keys() == FIELDS
    expected = {"name": "pets", "source": "my/pets", "description": "Cats.", "fingerprint": "f00", "seed": 7}
    assert facts.items() >= expected.items()
    assert facts["classes"] == ["cat", "dog"]
    assert facts["skipped"] == {"hidden": 0, "not_images": 1, "links": 0, "not_named": 0}
    assert facts["skipped_extensions"] == {".txt": 1}
    assert facts["splits"] == {
        "train": {"images": 28, "counts": [14, 14]},
        "validation": {"images": 4, "counts": [2, 2]},
        "test": {"images": 8, "counts": [4, 4]},
    }
    pixels = np.load(prepared.out / "train/images.npy") / 255
    np.testing.assert_allclose(facts["mean"], pixels.mean(axis=(0, 2, 3)), atol=1e-6)
    np.testing.assert_allclose(facts["std"], pixels.std(axis=(0, 2, 3)), atol=1e-6)
    files = {str(path.relative_to(prepared.out)): path for path in prepared.out.rglob("*") if path.is_file()}
    del files["dataset.json"], files["sheet.png"]
    assert facts["checksums"] == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


@pytest.mark.parametrize(("options", "description"), [((), "Dogs."), (("--description", "Cats."), "Cats.")])
def test_the_folders_own_description_holds_where_none_is_given(
    tmp_path: Path, options: tuple[str, ...], description: str
) -> None:
    root = pets(tmp_path / "pets")
    (root / "dataset_info.md").write_text("Dogs.\n")

    assert Prepared(tmp_path, str(root), *options).facts["description"] == description


def test_another_description_is_another_dataset(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets")
    origin, prints = find_origin(str(root)), []
    for told, written in (("", "Dogs."), ("", "Wild dogs."), ("Cats.", "Wild dogs.")):
        (root / "dataset_info.md").write_text(written)
        prints.append(origin.fingerprint(read_settings({"dataset_info": told})))

    assert len(set(prints)) == 3


def test_hidden_labels_are_in_a_folder_of_their_own(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path, str(pets(tmp_path / "pets")))

    assert prepared.facts
    modes = {str(p.relative_to(prepared.out)): p.stat().st_mode & 0o777 for p in prepared.out.rglob("*")}
    assert modes["hidden"] == 0o700
    assert {modes[split] for split in SPLITS} == {0o755}
    assert {modes[f"{split}/images.npy"] for split in SPLITS} == {0o644}
    assert not {"validation/labels.npy", "test/labels.npy"} & modes.keys()


def test_the_same_order_makes_the_same_bytes(tmp_path: Path) -> None:
    root = str(pets(tmp_path / "pets"))
    for run in ("one", "two", "three"):
        (tmp_path / run).mkdir()

    one, two, three = (
        Prepared(tmp_path / run, root, "--seed", seed) for run, seed in (("one", "1"), ("two", "1"), ("three", "3"))
    )

    assert one.facts["checksums"] == two.facts["checksums"]
    assert one.facts["checksums"] != three.facts["checksums"]


def test_duplicates_are_counted_by_their_pixels(tmp_path: Path) -> None:
    root = tmp_path / "pets"
    pets(root / "train")
    pets(root / "test", count=3)
    picture(0).save(root / "train/cat/copy.bmp")

    facts = Prepared(tmp_path, str(root)).facts

    held = facts["duplicates"]
    assert held["test"] == 6
    assert held["within_train"] + held["validation"] == 1


def test_digits_are_prepared_by_name(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path, "digits")

    facts = prepared.facts
    assert (facts["channels"], facts["image_size"], facts["licence"]) == (1, [8, 8], "CC BY 4.0")
    assert sum(facts["splits"][split]["images"] for split in SPLITS) == 1797
    assert abs(facts["splits"]["test"]["images"] - 1797 * 0.2) <= 5


def test_every_broken_file_is_named_at_once(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets", height=100, form="jpg")
    (root / "cat/0.jpg").write_bytes(b"")
    (root / "cat/1.jpg").write_text("no image")
    whole = (root / "dog/2.jpg").read_bytes()
    (root / "dog/2.jpg").write_bytes(whole[:-100])

    sentence = Prepared(tmp_path, str(root)).refusal()

    assert sentence.startswith(
        "3 images cannot be read: 'cat/0.jpg' (the file is empty), 'cat/1.jpg' (no image inside), "
    )
    assert "'dog/2.jpg' (" in sentence
    assert "truncated" in sentence


def test_a_truncated_file_alone_is_found_by_decoding(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets", height=100)
    whole = (root / "dog/2.png").read_bytes()
    (root / "dog/2.png").write_bytes(whole[: len(whole) // 2])

    assert Prepared(tmp_path, str(root)).refusal().startswith("1 image cannot be read: 'dog/2.png' (")


def test_of_many_broken_files_ten_are_named(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets")
    for number in range(13):
        (root / f"cat/{number}.png").write_text("no image")

    assert " and 3 more; replace or remove what is broken." in Prepared(tmp_path, str(root)).refusal()


def test_an_absurdly_large_image_is_refused_by_its_header(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets", form="bmp")
    header = bytearray((root / "cat/0.bmp").read_bytes())
    header[18:26] = (20_000).to_bytes(4, "little") * 2
    (root / "cat/0.bmp").write_bytes(header)

    sentence = Prepared(tmp_path, str(root)).refusal()

    assert "'cat/0.bmp' (20000 x 20000 pixels; 1 to 200 million can be used)" in sentence


@pytest.mark.parametrize(
    ("count", "sentence"), [(9, "A class needs at least 10 images"), (0, "No sub-folder holds an image")]
)
def test_too_few_images_are_refused(tmp_path: Path, count: int, sentence: str) -> None:
    assert Prepared(tmp_path, str(pets(tmp_path / "pets", count=count))).refusal().startswith(sentence)


def test_without_a_report_folder_the_refusal_is_on_stderr(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path, str(tmp_path / "nowhere"), "--report-dir", str(tmp_path / "none"))

    assert prepared.ended.returncode == 3
    assert "is no folder" in prepared.ended.stderr


@pytest.mark.parametrize("options", [("--max-side", "0"), ("--max-side", "big"), ("--unknown", "1")])
def test_wrong_arguments_end_with_status_2(tmp_path: Path, options: tuple[str, str]) -> None:
    assert Prepared(tmp_path, "digits", *options).ended.returncode == 2


def test_a_folder_that_holds_something_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/precious").touch()

    assert Prepared(tmp_path, "digits").ended.returncode == 2


def test_progress_is_told_as_events(tmp_path: Path) -> None:
    prepared = Prepared(tmp_path, "digits")

    events = [Event.parse(line) for line in (prepared.report / "events.jsonl").read_bytes().splitlines()]
    assert {event.kind for event in events} == {"phase"}
    assert "preparing 1797 of 1797 images" in [event.text for event in events]


def test_preparing_never_imports_torch() -> None:
    program = "import sys, harness.prepare.__main__; sys.exit(bool({'torch', 'sklearn', 'scipy'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_patients_stay_on_one_side_and_those_that_the_source_parts_are_counted(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets")
    rows = [(f"{name}/{number}.png", name, number // 2) for name in ("cat", "dog") for number in range(20)]
    lines = [
        f"{file},{name},{name}{patient},{'test' if file == 'cat/0.png' else 'train'}" for file, name, patient in rows
    ]
    (root / "all.csv").write_text("\n".join(["file,label,patient,split", *lines]))
    (root / "few.csv").write_text("\n".join(["file,label,patient", *(line.rpartition(",")[0] for line in lines)]))

    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    given = Prepared(tmp_path / "1", str(root / "all.csv"), "--group-column=patient").facts
    made = Prepared(tmp_path / "2", str(root / "few.csv"), "--group-column=patient").facts

    assert given["groups"] == {"count": 20, "validation": 0, "test": 1}
    assert made["groups"] == {"count": 20, "validation": 0, "test": 0}
    assert {name: split["counts"] for name, split in made["splits"].items()} == {
        "train": [14, 14],
        "validation": [2, 2],
        "test": [4, 4],
    }


def test_groups_without_a_table_are_refused(tmp_path: Path) -> None:
    refusal = Prepared(tmp_path, str(pets(tmp_path / "pets")), "--group-column=patient").refusal()

    assert refusal.startswith("DATASET_GROUP_COLUMN is 'patient', and no table or parquet file is here")
