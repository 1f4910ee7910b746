"""Inputs that look bad and are not: each with the number of images that it gives, and what is left out of it."""

from __future__ import annotations

import os
import tarfile
from typing import TYPE_CHECKING

from tests.bad.images import beside_good, black_png
from tests.bad.pictures import COUNT, class_folder, pets, picture
from tests.bad.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Case = tuple[Callable[[Path], Path], int, dict[str, int]]

ALL = 2 * COUNT
ODD_NAMES = (b"caf\xe9.png", b"a b\n.png", "\u2603.png".encode(), b"-rf.PNG")


def odd_names(root: Path) -> Path:
    pets(root)
    for number, name in enumerate(ODD_NAMES):
        picture(70 + number).save(root / "cat" / os.fsdecode(name))
    return root


def unnamed(root: Path) -> Path:
    """Three images that no row names."""
    table(lambda text: text)(root)
    class_folder(root / "more", 3, first=70)
    return root


def with_videos(root: Path) -> Path:
    (pets(root) / "cat" / "film.mp4").write_bytes(bytes(99))
    return root


def some_links_out(root: Path) -> Path:
    pets(root)
    (root / "cat" / "link.png").symlink_to("/etc/hostname")
    return root


def a_table_of_other_things(root: Path) -> Path:
    (pets(root) / "prices.csv").write_text("day,price\n1,2.50\n")
    return root


def tar_with_links(root: Path) -> Path:
    (pets(root / "pets") / "cat" / "link.png").symlink_to("0.png")
    (root / "pets" / "cat" / "twin.png").hardlink_to(root / "pets" / "cat" / "1.png")
    with tarfile.open(root / "a.tar", "w") as archive:
        archive.add(root / "pets", "pets")
    return root / "a.tar"


CASES: dict[str, Case] = {
    "a panorama 70,000 pixels wide": (beside_good("wide.png", lambda: black_png(70_000, 10)), ALL + 1, {}),
    "file names that are no UTF-8, or no plain words": (odd_names, ALL + len(ODD_NAMES), {}),
    "rows that come twice": (table(lambda text: text + text.removeprefix("file,label\n")), ALL, {}),
    "tabs in a .csv": (table(lambda text: text.replace(",", "\t")), ALL, {}),
    "semicolons in a .csv": (table(lambda text: text.replace(",", ";")), ALL, {}),
    "a table in UTF-16": (table(lambda text: text, encoding="utf-16"), ALL, {}),
    "a table as Windows writes it": (
        table(lambda text: text.replace("\n", "\r\n"), encoding="utf-8-sig"),
        ALL,
        {},
    ),
    "images that no row names": (unnamed, ALL, {"not_named": 3}),
    "a video among images": (with_videos, ALL, {"not_images": 1}),
    "a link out of the folder": (some_links_out, ALL, {"links": 1}),
    "links in an archive": (tar_with_links, ALL, {"links": 2}),
    "a table of other things": (a_table_of_other_things, ALL, {"not_images": 1}),
}
