"""Archives become the folder that was packed, and nothing in them reaches another place."""

from __future__ import annotations

import io
import tarfile
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("PIL", reason="the extra `harness` is not installed")

from harness.sources import open_source
from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    from pathlib import Path

FILES = ("cat/1.png", "cat/2.png", "dog/1.png")


def pack(path: Path, names: tuple[str, ...] = FILES, top: str = "") -> Path:
    """Write an archive of the kind that its name says."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in names:
                archive.writestr(top + name, name)
        return path
    mode: Any = {".tar": "w", ".gz": "w:gz", ".tgz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}[path.suffix]
    with tarfile.open(path, mode) as archive:
        for name in names:
            member = tarfile.TarInfo(top + name)
            member.size = len(name)
            archive.addfile(member, io.BytesIO(name.encode()))
    return path


@pytest.mark.parametrize("top", ["", "photos/", "data/photos/"])
@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "A.TGZ", "a.tar.bz2", "a.tar.xz"])
def test_what_was_packed_comes_out(tmp_path: Path, name: str, top: str) -> None:
    packed = pack(tmp_path / name.lower(), top=top).rename(tmp_path / name)

    source = open_source(str(packed), scratch=tmp_path / "scratch")

    assert source.classes == ("cat", "dog")
    assert [source.read(index) for index in range(3)] == [name.encode() for name in FILES]


@pytest.mark.parametrize("evil", ["../evil.png", "/evil.png", "cat/../../evil.png", "..\\evil.png"])
@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_no_name_leaves_the_folder(tmp_path: Path, name: str, evil: str) -> None:
    packed = pack(tmp_path / name, (*FILES, evil))
    (tmp_path / "in").mkdir()

    with pytest.raises(UnusableDatasetError, match=r"which lies outside of it: make it anew\.$"):
        open_source(str(packed), scratch=tmp_path / "in" / "scratch")

    assert [path.name for path in tmp_path.rglob("evil*")] == []


def test_links_and_devices_are_passed_over(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name in FILES:
            archive.addfile(tarfile.TarInfo(name))
        for number, kind in enumerate((tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)):
            member = tarfile.TarInfo(f"cat/odd{number}.png")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)

    source = open_source(str(tmp_path / "a.tar"), scratch=tmp_path / "scratch")

    assert len(source.labels) == 3
    assert list((tmp_path / "scratch").rglob("odd*")) == []


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.xz"])
@pytest.mark.parametrize("kept", [0, 40, 100])
def test_a_broken_archive_is_one_sentence(tmp_path: Path, name: str, kept: int) -> None:
    packed = pack(tmp_path / name)
    packed.write_bytes(packed.read_bytes()[:kept])

    with pytest.raises(UnusableDatasetError, match=rf"^'{name}' cannot be unpacked \(.*\): make it anew\.$"):
        open_source(str(packed), scratch=tmp_path / "scratch")


def test_what_would_not_fit_is_not_begun(tmp_path: Path) -> None:
    member = tarfile.TarInfo("cat/2.png")
    member.size = 1 << 60
    (tmp_path / "a.tar").write_bytes(member.tobuf(format=tarfile.GNU_FORMAT) + bytes(10240))

    with pytest.raises(UnusableDatasetError, match=r"^'a.tar' unpacks to 1152921504.6 GB or more, and .* GB are free"):
        open_source(str(tmp_path / "a.tar"), scratch=tmp_path / "scratch")
