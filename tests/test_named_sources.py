"""Published datasets, from small files of their true form: what is read, how it is split, what is refused."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("PIL", reason="the extra `harness` is not installed")

from PIL import Image

from harness.sources import open_source
from harness.sources.cifar_c import CORRUPTIONS
from harness.sources.source import SPLITS, UnusableDatasetError
from tests.test_array_sources import write_cifar, write_svhn
from tests.test_prepare import Prepared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from harness.sources.source import Source

NOT_STANDARD = ("gaussian_blur", "saturate", "spatter", "speckle_noise")
COUNT = 150
"""Images of the small CIFAR-10-C."""


def jpeg(seed: int, mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(file, "JPEG")
    return file.getvalue()


def write_zip(path: Path, files: dict[str, bytes | str]) -> None:
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def write_tar(path: Path, arrays: dict[str, NDArray[Any]], mode: Any = "w") -> None:
    with tarfile.open(path, mode) as archive:
        for name, array in arrays.items():
            file = io.BytesIO()
            np.save(file, array)
            member = tarfile.TarInfo(name)
            member.size = file.tell()
            file.seek(0)
            archive.addfile(member, file)


def tiny_imagenet(folder: Path, **changed: str) -> Path:
    """Three classes, of which two have one first name; some images grey."""
    numbers = ("n01443537", "n02012849", "n03126707")
    files: dict[str, bytes | str] = {
        f"train/{number}/images/{number}_{k}.JPEG": jpeg(100 * n + k, "L" if k == 3 else "RGB")
        for n, number in enumerate(numbers)
        for k in range(12)
    }
    files |= {f"train/{number}/{number}_boxes.txt": f"{number}_0.JPEG\t0\t0\t9\t9\n" for number in numbers}
    files |= {f"val/images/val_{k}.JPEG": jpeg(1000 + k) for k in range(6)}
    files |= {f"test/images/test_{k}.JPEG": jpeg(2000 + k) for k in range(4)}
    files["val/val_annotations.txt"] = "".join(f"val_{k}.JPEG\t{numbers[k % 3]}\t0\t0\t9\t9\n" for k in range(6))
    files["wnids.txt"] = "".join(f"{number}\n" for number in reversed(numbers))
    words = ("entity", "goldfish, Carassius auratus", "crane", "crane, lifting device")
    rows = zip(("n00001740", *numbers), words, strict=True)
    files["words.txt"] = "".join(f"{number}\t{text}\n" for number, text in rows)
    kept = {name: text for name, text in (files | changed).items() if text}
    write_zip(folder / "tiny-imagenet-200.zip", {f"tiny-imagenet-200/{name}": text for name, text in kept.items()})
    return folder


def cifar_c(folder: Path, **changed: NDArray[Any] | None) -> Path:
    """Each image says in its pixels which corruption, severity and test image it is."""
    folder.mkdir(exist_ok=True)
    arrays: dict[str, NDArray[Any] | None] = {"labels": np.tile(np.arange(COUNT, dtype=np.uint8) % 10, 5)}
    for number, name in enumerate((*CORRUPTIONS, *NOT_STANDARD)):
        images = np.zeros((5 * COUNT, 32, 32, 3), np.uint8)
        images[:, 0, 0, 0] = number
        images[:, 0, 0, 1] = np.repeat(np.arange(1, 6), COUNT)
        images[:, 0, 0, 2] = np.tile(np.arange(COUNT), 5)
        arrays[name] = images
    there = {f"CIFAR-10-C/{name}.npy": array for name, array in (arrays | changed).items() if array is not None}
    write_tar(folder / "CIFAR-10-C.tar", there)
    return folder


def cifar_c_and_clean(folder: Path) -> Path:
    """Clean training images are white, clean test images grey."""
    cifar_c(folder)
    batches = folder.with_name("cifar-10-batches-py")
    batches.mkdir()
    splits = {}
    for split, count, shade in (("train", 120, 255), ("test", COUNT, 99)):
        images = np.full((count, 32, 32, 3), shade, np.uint8)
        images[:, 0, 0, 2] = np.arange(count)
        splits[split] = images, np.arange(count) % 10
    write_cifar(batches, splits, binary=False)
    with tarfile.open(folder / "cifar-10-python.tar.gz", "w:gz") as archive:
        archive.add(batches, batches.name)
    return folder


def svhn(folder: Path, train: int = 1500) -> Path:
    folder.mkdir()
    random = np.random.default_rng(0)
    splits = {
        split: (random.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8), np.arange(count) % 10)
        for split, count in (("train", train), ("test", 50))
    }
    return write_svhn(folder, splits)


def cassava(folder: Path) -> Path:
    diseases = {"0": "Bacterial Blight (CBB)", "1": "Brown Streak Disease (CBSD)", "2": "Healthy"}
    rows = [f"{1000 + k}.jpg,{k % 3}" for k in range(60)]
    files: dict[str, bytes | str] = {f"train_images/{1000 + k}.jpg": jpeg(k) for k in range(60)}
    files |= {"train.csv": "\n".join(["image_id,label", *rows]), "sample_submission.csv": "image_id,label\n9.jpg,1\n"}
    files |= {"test_images/9.jpg": jpeg(99), "label_num_to_disease_map.json": json.dumps(diseases)}
    files |= {"train_tfrecords/ld_train00-1338.tfrec": bytes(5000)}
    write_zip(folder / "cassava-leaf-disease-classification.zip", files)
    return folder


def kitchenware(folder: Path) -> Path:
    rows = [f"{k:04},{('cup', 'fork', 'glass')[k % 3]}" for k in range(60)]
    files: dict[str, bytes | str] = {f"images/{k:04}.jpg": jpeg(k) for k in range(65)}
    files |= {"train.csv": "\n".join(["Id,label", *rows]), "test.csv": "Id\n0060\n0061\n"}
    files |= {"sample_submission.csv": "Id,label\n0060,cup\n0061,cup\n"}
    write_zip(folder / "kitchenware-classification.zip", files)
    return folder


def arabic_letters(folder: Path, letters: tuple[str, ...] = ("alef_regular", "heh_middle", "yeh_end")) -> Path:
    top = "Final_Arabic_Alpha_dataset/Final_Arabic_Alpha_dataset"
    files: dict[str, bytes | str] = {
        f"{top}/train/{10 - n}/user{k:03}_{letter}_{k:03}.png": jpeg(100 * n + k)
        for n, letter in enumerate(letters)
        for k in range(20)
    }
    files |= {f"{top}/test/{k}.png": jpeg(5000 + k) for k in range(3)}
    files["sample_submission.csv"] = "ID,Label\n0,9\n1,9\n2,9\n"
    write_zip(folder / "arabic-letters-classification.zip", files)
    return folder


def four_animals(folder: Path) -> Path:
    files: dict[str, bytes | str] = {
        f"train/{name}/{name}{k}.jpg": jpeg(100 * n + k)
        for n, name in enumerate(("cat", "deer", "dog", "horse"))
        for k in range(20)
    }
    files |= {f"test/test/{k}.jpg": jpeg(5000 + k) for k in range(3)}
    files["Sample_submission.csv"] = "ID,Label\n0,0\n1,0\n2,0\n"
    write_zip(folder / "4-animal-classification.zip", files)
    return folder


CIFAR = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
DISEASES = ["Bacterial Blight (CBB)", "Brown Streak Disease (CBSD)", "Healthy"]
PREPARED: dict[str, tuple[Callable[[Path], Path], list[str], tuple[int, int, int]]] = {
    "tinyimagenet": (tiny_imagenet, ["goldfish", "crane", "crane, lifting device"], (33, 3, 6)),
    "cifar10-c-1": (cifar_c, CIFAR, (110, 10, 30)),
    "cifar10-c-5": (cifar_c, CIFAR, (110, 10, 30)),
    "cifar10-c-1-robust": (cifar_c_and_clean, CIFAR, (110, 10, COUNT)),
    "cifar10-c-5-robust": (cifar_c_and_clean, CIFAR, (110, 10, COUNT)),
    "svhn-vtab1k": (svhn, list("0123456789"), (800, 200, 50)),
    "cassava": (cassava, DISEASES, (42, 6, 12)),
    "kitchenware": (kitchenware, ["cup", "fork", "glass"], (42, 6, 12)),
    "4-animals": (four_animals, ["cat", "deer", "dog", "horse"], (56, 8, 16)),
    "arabic-letters": (arabic_letters, ["alef regular", "yeh end", "heh middle"], (42, 6, 12)),
}
"""Name -> what writes its files, its classes, and the images of train, validation and test."""


@pytest.mark.parametrize("name", PREPARED)
def test_the_published_files_become_a_dataset_with_names_of_classes_and_its_own_splits(
    tmp_path: Path, name: str
) -> None:
    write, classes, counts = PREPARED[name]
    prepared = Prepared(tmp_path, str(write(tmp_path / "downloads")), "--reader", name)

    facts = prepared.facts
    assert facts["classes"] == classes
    assert tuple(facts["splits"][split]["images"] for split in SPLITS) == counts
    assert not (prepared.out / "scratch").exists()


def opened(folder: Path, reader: str, seed: int = 0) -> Source:
    return open_source(str(folder), scratch=folder.with_name(f"scratch-{seed}"), reader=reader, seed=seed)


def of_split(source: Source, split: str) -> list[int]:
    return np.flatnonzero(source.given == SPLITS.index(split)).tolist()


def marks(source: Source, places: list[int]) -> NDArray[np.uint8]:
    """Of images of the small CIFAR-10-C: corruption, severity and test image."""
    return np.array([np.asarray(source.read(place))[0, 0] for place in places])


@pytest.mark.parametrize("severity", [1, 5])
def test_of_each_corrupted_image_one_standard_corruption_is_drawn_at_its_severity(
    tmp_path: Path, severity: int
) -> None:
    source = opened(cifar_c(tmp_path / "downloads"), f"cifar10-c-{severity}")

    corruptions, severities, images = marks(source, list(range(COUNT))).T
    assert images.tolist() == list(range(COUNT))
    assert set(severities) == {severity}
    assert set(corruptions) == set(range(len(CORRUPTIONS)))
    assert source.labels.tolist() == [image % 10 for image in range(COUNT)]
    assert set(source.given) == {SPLITS.index("train")}


def test_the_seed_draws_the_corruptions_and_is_told(tmp_path: Path) -> None:
    folder = cifar_c(tmp_path / "downloads")
    places = list(range(COUNT))

    one, two = (opened(folder, "cifar10-c-1", seed) for seed in (1, 2))
    again = open_source(str(folder), scratch=tmp_path / "again", reader="cifar10-c-1", seed=1)

    assert marks(one, places).tolist() == marks(again, places).tolist() != marks(two, places).tolist()
    assert "drawn for each image with seed 2;" in two.description


def test_robust_is_trained_on_clean_training_images_and_clean_test_images_are_nowhere(tmp_path: Path) -> None:
    source = opened(cifar_c_and_clean(tmp_path / "downloads"), "cifar10-c-5-robust")

    train, test = of_split(source, "train"), of_split(source, "test")
    assert {int(np.asarray(source.read(place))[9, 9, 0]) for place in train} == {255}
    assert sorted(marks(source, test)[:, 2].tolist()) == list(range(COUNT))
    assert set(marks(source, test)[:, 1]) == {5}
    assert len(train) + len(test) == len(source.labels)


def test_the_thousand_images_of_vtab_are_different_training_images_and_the_test_set_is_whole(tmp_path: Path) -> None:
    from scipy.io import loadmat  # noqa: PLC0415 - of the extra `harness`

    folder = svhn(tmp_path / "downloads")
    train, test = (np.moveaxis(loadmat(folder / f"{part}_32x32.mat")["X"], 3, 0) for part in ("train", "test"))

    source = opened(folder, "svhn-vtab1k")

    drawn = {np.asarray(source.read(place)).tobytes() for split in SPLITS[:2] for place in of_split(source, split)}
    assert len(drawn) == 1000
    assert drawn <= {image.tobytes() for image in train}
    for place, image in zip(of_split(source, "test"), test, strict=True):
        np.testing.assert_array_equal(source.read(place), image)
    assert "drawn at random from the training images with seed 0" in source.description


def test_images_of_tiny_imagenet_keep_their_classes_and_those_without_labels_are_left_out(tmp_path: Path) -> None:
    source = opened(tiny_imagenet(tmp_path / "downloads"), "tinyimagenet")

    shown = {source.where(index): source.classes[label] for index, label in enumerate(source.labels)}
    assert shown["'train/n03126707/images/n03126707_5.JPEG'"] == "crane, lifting device"
    assert shown["'val/images/val_1.JPEG'"] == "crane"
    assert len(shown) == 42
    assert list((tmp_path / "scratch-0").rglob("test_*.JPEG")) == []


def test_records_for_tensorflow_are_left_in_the_archive(tmp_path: Path) -> None:
    opened(cassava(tmp_path / "downloads"), "cassava")

    assert list((tmp_path / "scratch-0").rglob("*.tfrec")) == []


@pytest.mark.parametrize(
    ("name", "write", "labels", "images"),
    [
        ("cassava", cassava, ("0", "1", "2"), ["9.jpg"]),
        ("kitchenware", kitchenware, ("cup", "fork", "glass"), ["0060", "0061"]),
        ("4-animals", four_animals, ("0", "1", "2", "3"), ["0", "1", "2"]),
        ("arabic-letters", arabic_letters, ("10", "8", "9"), ["0", "1", "2"]),
    ],
)
def test_test_images_of_competitions_are_submitted_under_the_codes_of_their_classes(
    tmp_path: Path, name: str, write: Callable[[Path], Path], labels: tuple[str, ...], images: list[str]
) -> None:
    unlabelled = opened(write(tmp_path / "downloads"), name).unlabelled

    assert unlabelled is not None
    assert unlabelled.layout.labels == labels
    assert list(unlabelled.ids) == images
    assert not unlabelled.notes


def test_letters_whose_files_do_not_tell_them_keep_their_numbers(tmp_path: Path) -> None:
    source = opened(arabic_letters(tmp_path / "downloads", ("a", "b", "a")), "arabic-letters")

    assert source.classes == ("10", "8", "9")


def test_a_name_without_a_reader_of_its_own_is_opened_by_what_its_files_are(tmp_path: Path) -> None:
    folder = cifar_c_and_clean(tmp_path / "downloads")
    (folder / "CIFAR-10-C.tar").unlink()

    source = opened(folder, "cifar10")

    assert source.classes[:3] == ("plane", "car", "bird")
    assert len(of_split(source, "train")) == 120


def bad_cifar_c(**changed: NDArray[Any] | None) -> Callable[[Path], Path]:
    return lambda folder: cifar_c(folder, **changed)


def bad_tiny(name: str, text: str) -> Callable[[Path], Path]:
    return lambda folder: tiny_imagenet(folder, **{name: text})


def nothing(folder: Path) -> Path:
    folder.mkdir()
    (folder / "notes.txt").touch()
    return folder


def cut_off(write: Callable[[Path], Path], name: str, kept: int) -> Callable[[Path], Path]:
    def write_cut_off(folder: Path) -> Path:
        path = write(folder) / name
        path.write_bytes(path.read_bytes()[:kept])
        return folder

    return write_cut_off


SMALL = np.zeros((5 * COUNT, 28, 28, 3), np.uint8)
BAD: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "no file": (
        "tinyimagenet",
        nothing,
        "'tiny-imagenet-200.zip' is wanted and not among what was downloaded (notes.txt): put it there.",
    ),
    "no clean images": ("cifar10-c-1-robust", cifar_c, "'cifar-10-python.tar.gz' is wanted and not among"),
    "one of two": (
        "svhn-vtab1k",
        cut_off(svhn, "test_32x32.mat", 90),
        "'test_32x32.mat' cannot",
    ),
    "too few to draw": ("svhn-vtab1k", lambda folder: svhn(folder, 990), "'train_32x32.mat' has 990 images to train"),
    "no corruption": ("cifar10-c-1", bad_cifar_c(fog=None), "'CIFAR-10-C.tar' cannot be read (it lacks fog.npy)"),
    "other size": (
        "cifar10-c-1",
        bad_cifar_c(fog=SMALL),
        "'CIFAR-10-C.tar' cannot be read (fog.npy has the shape (750, ",
    ),
    "fractions": (
        "cifar10-c-5",
        bad_cifar_c(snow=SMALL / 2),
        "'CIFAR-10-C.tar' cannot be read (snow.npy has the shape",
    ),
    "objects": (
        "cifar10-c-5",
        bad_cifar_c(snow=np.array([{}], object)),
        "'CIFAR-10-C.tar' cannot be read (it holds no plain rows)",
    ),
    "odd labels": (
        "cifar10-c-1",
        bad_cifar_c(labels=np.full(5 * COUNT, 10, np.uint8)),
        "'CIFAR-10-C.tar' cannot be read (labels.npy has values from 10 to 10)",
    ),
    "labels of one severity": (
        "cifar10-c-1",
        bad_cifar_c(labels=np.zeros(COUNT + 1, np.uint8)),
        "'CIFAR-10-C.tar' cannot be read (labels.npy has the shape (151,) of uint8, and (50000,) is wanted)",
    ),
    "cut off": ("cifar10-c-5", cut_off(cifar_c, "CIFAR-10-C.tar", 5000), "'CIFAR-10-C.tar' cannot be read ("),
    "no table": ("tinyimagenet", bad_tiny("val/val_annotations.txt", ""), "'tiny-imagenet-200.zip' lacks 'val/val_a"),
    "no classes": (
        "tinyimagenet",
        bad_tiny("wnids.txt", ""),
        "'tiny-imagenet-200.zip' lacks 'wnids.txt': get it again.",
    ),
    "odd table": (
        "tinyimagenet",
        bad_tiny("val/val_annotations.txt", "val_0.JPEG,n01443537\n"),
        "Row 1 of 'val/val_annotations.txt' in 'tiny-imagenet-200.zip' names no file and class of wnids.txt ('val_0",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_missing_or_odd_is_one_sentence_that_names_the_file(tmp_path: Path, case: str) -> None:
    reader, write, sentence = BAD[case]
    write(tmp_path / "downloads")

    with pytest.raises(UnusableDatasetError) as caught:
        opened(tmp_path / "downloads", reader)

    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith(".")
