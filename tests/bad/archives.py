"""Archives that are broken, locked, too large, or meant to write where they should not."""

from __future__ import annotations

import tarfile
import zipfile
from typing import TYPE_CHECKING

from tests.bad.pictures import pets

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Case = tuple[Callable[[Path], Path], str]

CANNOT = r"'a\.{kind}' cannot be unpacked \({why}\): make it anew\."
OUTSIDE = r"'a\.{kind}' holds '{name}', which lies outside of it: make it anew\."
TERABYTES = 100 * 10**12


def zipped(root: Path) -> Path:
    files = sorted(pets(root / "pets").rglob("*.png"))
    with zipfile.ZipFile(root / "a.zip", "w") as archive:
        for path in files:
            archive.write(path, path.relative_to(root / "pets"))
    return root / "a.zip"


def tarred(root: Path, name: str = "a.tar") -> Path:
    folder = pets(root / "pets")
    with tarfile.open(root / name, "w:gz" if name.endswith("gz") else "w") as archive:
        archive.add(folder, "pets")
    return root / name


def zip_slip(root: Path) -> Path:
    with zipfile.ZipFile(zipped(root), "a") as archive:
        archive.writestr("cat/../../../evil.png", "evil")
    return root / "a.zip"


def absolute(root: Path) -> Path:
    with tarfile.open(tarred(root), "a") as archive:
        member = tarfile.TarInfo("/etc/evil.png")
        archive.addfile(member)
    return root / "a.tar"


def only_links(root: Path) -> Path:
    root.mkdir()
    with tarfile.open(root / "a.tar", "w") as archive:
        for number in range(24):
            member = tarfile.TarInfo(f"{'cat' if number % 2 else 'dog'}/{number}.png")
            member.type, member.linkname = tarfile.SYMTYPE, f"/home/photos/{number}.png"
            archive.addfile(member)
    return root / "a.tar"


def shortened(path: Path, kept: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    return path


def spoilt(path: Path) -> Path:
    """A byte in the middle, of the data of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    path.write_bytes(content)
    return path


def encrypted(path: Path) -> Path:
    """Each file marked as one that wants a password: in its own header and in the directory."""
    content = path.read_bytes()
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        parts = content.split(mark)
        flagged = [part[: place - 4] + bytes([part[place - 4] | 1]) + part[place - 3 :] for part in parts[1:]]
        content = mark.join([parts[0], *flagged])
    path.write_bytes(content)
    return path


def bomb(root: Path) -> Path:
    with zipfile.ZipFile(zipped(root), "a") as archive:
        archive.infolist()[0].file_size = TERABYTES
        archive.writestr("cat/last.png", "")
    return root / "a.zip"


def web_page(root: Path) -> Path:
    root.mkdir()
    (root / "a.zip").write_bytes(b"<html>404 Not Found</html>")
    return root / "a.zip"


def empty(root: Path) -> Path:
    root.mkdir()
    with zipfile.ZipFile(root / "a.zip", "w"):
        pass
    return root / "a.zip"


def long_name(root: Path) -> Path:
    with zipfile.ZipFile(zipped(root), "a") as archive:
        archive.writestr(f"cat/{'x' * 300}.png", "")
    return root / "a.zip"


def file_and_folder(root: Path) -> Path:
    with zipfile.ZipFile(zipped(root), "a") as archive:
        archive.writestr("cat/0.png/1.png", "")
    return root / "a.zip"


CASES: dict[str, Case] = {
    "zip slip": (zip_slip, OUTSIDE.format(kind="zip", name="cat/../../../evil.png")),
    "a tar with an absolute path": (absolute, OUTSIDE.format(kind="tar", name="/etc/evil.png")),
    "a tar of links": (only_links, r"'a\.tar' holds no file, or nothing but links: pack the files themselves\."),
    "a name too long for a disk": (long_name, r"'a\.zip' cannot be unpacked \(File name too long\): rename .*\."),
    "a file that is a folder": (file_and_folder, r"'a\.zip' cannot be unpacked \(File exists\): rename .*\."),
    "a zip cut off": (lambda root: shortened(zipped(root), 0.7), CANNOT.format(kind="zip", why="File is not a zip.*")),
    "a zip with a spoilt byte": (lambda root: spoilt(zipped(root)), CANNOT.format(kind="zip", why="Bad CRC-32.*")),
    "an encrypted zip": (lambda root: encrypted(zipped(root)), CANNOT.format(kind="zip", why=".*encrypted.*")),
    "a zip bomb": (bomb, r"'a\.zip' unpacks to 100000\.0 GB or more, and .* GB are free .*: make room, or name .*\."),
    "an empty zip": (empty, r"'a\.zip' holds no file, .*\."),
    "a tar cut off": (lambda root: shortened(tarred(root), 0.5), CANNOT.format(kind="tar", why=".*")),
    "a tar.gz cut off": (
        lambda root: shortened(tarred(root, "a.tar.gz"), 0.5),
        CANNOT.format(kind=r"tar\.gz", why=".*"),
    ),
    "a web page called .zip": (
        web_page,
        CANNOT.format(kind="zip", why="File is not a zip.*"),
    ),
}
