"""Zip and tar archives, unpacked beside the dataset that is made of them.

Nothing in an archive is trusted: names stay inside, links and devices are passed over, and a file is known to fit
before it is unpacked.
"""

from __future__ import annotations

import errno
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MOST_FILES = 5_000_000
CHUNK = 1 << 20
ODD_NAMES = {errno.ENAMETOOLONG, errno.EEXIST, errno.EILSEQ, errno.EINVAL}
"""What the disk says of a name that it cannot keep, or of one that is both a file and a folder."""
JUNK = "__MACOSX"
UNREAD = (".tfrec", ".tfrecord")
"""What no source reads, and what may be half of an archive: the same images again, for TensorFlow."""
BROKEN = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError, ValueError,
    NotADirectoryError, IsADirectoryError, gzip.BadGzipFile,
)  # fmt: skip
"""What a broken or an encrypted archive raises, or one in which a file is also a folder."""


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(SUFFIXES)


def unpack(
    path: Path, into: Path, wanted: Callable[[str], bool] = lambda _: True, skipped: Counter[str] | None = None
) -> Path:
    """Unpack every plain file whose name is wanted; return the folder in which the dataset begins.

    `skipped`: where links are counted, which are passed over.

    Raises:
        UnusableDatasetError: it is broken, or dangerous, or too large.
        OSError: there is no room.
    """
    into.mkdir()
    skipped = Counter() if skipped is None else skipped
    try:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as archive:
                infos = [info for info in archive.infolist() if _may_be_read(info.filename) and wanted(info.filename)]
                refuse_too_large(path, sum(info.file_size for info in infos), into)
                written = _write(path, _zipped(archive, infos, skipped), into)
        else:
            with tarfile.open(path) as archive:
                written = _write(path, _tarred(archive, wanted, skipped), into)
                _refuse_cut_off(path, archive)
    except PermissionError as error:
        raise UnusableDatasetError(f"{path.name!r} cannot be read ({error.strerror}): allow it.") from None
    except BROKEN as error:
        why = str(error).partition("\n")[0].rstrip(":") or type(error).__name__
        raise UnusableDatasetError(f"{path.name!r} cannot be unpacked ({why[:200]}): make it anew.") from None
    except OSError as error:
        if error.errno not in ODD_NAMES:
            raise
        raise UnusableDatasetError(
            f"{path.name!r} cannot be unpacked ({error.strerror}): rename what it names."
        ) from None
    if not written:
        raise UnusableDatasetError(f"{path.name!r} holds no file, or nothing but links: pack the files themselves.")
    return _beginning(into)


def _may_be_read(name: str) -> bool:
    return not name.lower().endswith(UNREAD)


def _zipped(
    archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo], skipped: Counter[str]
) -> Iterator[tuple[str, int, IO[bytes]]]:
    for info in infos:
        kind = stat.S_IFMT(info.external_attr >> 16)
        skipped["links"] += kind == stat.S_IFLNK
        if not info.is_dir() and kind in (0, stat.S_IFREG):
            with archive.open(info) as file:
                yield info.filename, info.file_size, file


def _tarred(
    archive: tarfile.TarFile, wanted: Callable[[str], bool], skipped: Counter[str]
) -> Iterator[tuple[str, int, IO[bytes]]]:
    for member in archive:
        skipped["links"] += member.issym() or member.islnk()
        unpacked = member.isreg() and _may_be_read(member.name) and wanted(member.name)
        file = archive.extractfile(member) if unpacked else None
        if file is not None:
            yield member.name, member.size, file


def _write(path: Path, files: Iterator[tuple[str, int, IO[bytes]]], into: Path) -> int:
    """Write these files; return how many they are."""
    number = -1
    for number, (name, size, file) in enumerate(files):
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if not parts or parts[0] == "/" or ".." in parts or "\0" in name:
            raise UnusableDatasetError(f"{path.name!r} holds {name!r}, which lies outside of it: make it anew.")
        if number >= MOST_FILES:
            raise UnusableDatasetError(f"{path.name!r} holds more than {MOST_FILES:,} files: give a smaller one.")
        refuse_too_large(path, size, into)
        target = into.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as out:
            shutil.copyfileobj(file, out, CHUNK)
    return number + 1


def _refuse_cut_off(path: Path, archive: tarfile.TarFile) -> None:
    """What is compressed fails by itself; of a plain archive the last block, of zeros, would not be missed."""
    if path.suffix.lower() == ".tar" and path.stat().st_size < archive.offset + tarfile.BLOCKSIZE:
        raise tarfile.ReadError("it ends too early")


def refuse_too_large(path: Path, size: int, into: Path) -> None:
    """Refuse what will not fit.

    Raises:
        UnusableDatasetError: so many bytes of this file are more than the disk has room for.
    """
    free = shutil.disk_usage(into).free
    if size > free:
        raise UnusableDatasetError(
            f"{path.name!r} unpacks to {size / 1e9:.1f} GB or more, and {free / 1e9:.1f} GB are free where datasets "
            "are kept: make room, or name another place in DATASETS_DIR."
        )


def _beginning(folder: Path) -> Path:
    """Below folders that hold nothing but one folder; a sample submission beside it goes along."""
    while True:
        entries = [entry for entry in folder.iterdir() if entry.name != JUNK and not entry.name.startswith(".")]
        samples = [entry for entry in entries if entry.is_file() and "submission" in entry.name.casefold()]
        rest = [entry for entry in entries if entry not in samples]
        if len(rest) != 1 or not rest[0].is_dir():
            return folder
        folder = rest[0]
        for sample in samples:
            if not (folder / sample.name).exists():
                sample.rename(folder / sample.name)
