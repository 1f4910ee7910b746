"""The first pass over large photos: their headers as ever, and copies found though the files are not read whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from harness.prepare.pixels import LARGE, peek, read_header
from harness.prepare.progress import Progress
from harness.prepare.survey import survey
from harness.sources.folders import scan
from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 400


def write_photo(path: Path, seed: int, **options: Any) -> Path:
    """Noise, which no format makes small."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE * 3 // 2, 3), np.uint8)
    Image.fromarray(pixels).save(path, **options)
    assert path.stat().st_size > LARGE
    return path


def write_photos(root: Path, count: int = 4) -> Path:
    for number in range(count):
        write_photo(root / f"{'ab'[number % 2]}/{number}.jpg", number)
    return root


def test_the_beginning_of_a_photo_tells_what_the_whole_does(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = write_photo(tmp_path / "lying.jpg", 0, exif=exif)
    whole = read_header(path.read_bytes())

    header = peek(str(path))

    assert header is not None
    assert (whole.height, whole.width, whole.grey, whole.peak, whole.format, whole.bytes) == (
        *(header.height, header.width, header.grey, header.peak, header.format, header.bytes),
    )
    assert (header.height, header.width, header.digest) == (SIDE * 3 // 2, SIDE, None)


def test_other_formats_and_small_files_are_read_whole(tmp_path: Path) -> None:
    small = tmp_path / "small.jpg"
    Image.new("RGB", (8, 8)).save(small)

    assert peek(str(write_photo(tmp_path / "large.png", 0))) is None
    assert peek(str(small)) is None


def test_copies_of_a_photo_have_one_digest_and_all_others_their_own(tmp_path: Path) -> None:
    root = write_photos(tmp_path)
    photo = root / "a/0.jpg"
    (root / "b/copy.jpg").write_bytes(photo.read_bytes())
    (root / "b/as-long.jpg").write_bytes(photo.read_bytes()[:-1] + b"\x00")
    source = scan(root)

    digests = dict(zip(source.files, survey(source, 512, Progress(tmp_path / "none"))[1].digests.tolist(), strict=True))

    assert digests["a/0.jpg"] == digests["b/copy.jpg"]
    assert len(set(digests.values())) == len(digests) - 1


@pytest.mark.parametrize("damage", ["end", "header"])
def test_a_broken_photo_is_named(tmp_path: Path, damage: str) -> None:
    photo = write_photos(tmp_path) / "b/1.jpg"
    whole = photo.read_bytes()
    photo.write_bytes(whole[:-9000] if damage == "end" else whole[:3] + bytes(len(whole)))
    (tmp_path / "a/empty.jpg").write_bytes(b"")  # or the end would be missed in the second pass only

    with pytest.raises(UnusableDatasetError, match=r"2 images cannot be read: .*'b/1.jpg' \("):
        survey(scan(tmp_path), 512, Progress(tmp_path / "none"))


def test_all_files_that_are_gone_are_named_at_once(tmp_path: Path) -> None:
    source = scan(write_photos(tmp_path))
    for name in ("a/0.jpg", "b/1.jpg"):
        (tmp_path / name).unlink()

    with pytest.raises(UnusableDatasetError, match=r"2 images cannot be read: 'a/0.jpg' \(.*, 'b/1.jpg' \("):
        survey(source, 512, Progress(tmp_path / "none"))
