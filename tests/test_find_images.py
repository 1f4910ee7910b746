"""What is named on a command line, as files: in order, and nothing left out in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import AutoModelError
from orchestrator.find_images import Search
from orchestrator.using_commands import left_out, need_images


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name in (
        "b.PNG",
        "a.jpg",
        "more/c.webp",
        "more/deep/d.tif",
        ".hidden/e.png",
        ".f.png",
        "Thumbs.db",
        "notes.txt",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def found(*named: object, column: str = "") -> list[str]:
    return [str(path) for path in Search([str(name) for name in named], column)]


def test_files_are_what_they_are_called_whether_they_are_there_or_not() -> None:
    assert found("a.png", "dir/none.xyz") == ["a.png", "dir/none.xyz"]


def test_a_folder_gives_its_images_at_any_depth_in_order_and_counts_the_rest(photos: Path) -> None:
    search = Search([str(photos)])

    assert [str(path.relative_to(photos)) for path in search] == ["a.jpg", "b.PNG", "more/c.webp", "more/deep/d.tif"]
    assert left_out(search) == "left out as no images: 1 .txt"


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.jpg", ["a.jpg"]),
        ("**/*", ["a.jpg", "b.PNG", "more/c.webp", "more/deep/d.tif"]),
        ("*", ["a.jpg", "b.PNG", "more/c.webp", "more/deep/d.tif"]),
        ("[ab].*", ["a.jpg", "b.PNG"]),
        ("nothing*", []),
    ],
)
def test_a_pattern_that_no_shell_expanded_is_expanded(photos: Path, pattern: str, expected: list[str]) -> None:
    assert found(photos / pattern) == [str(photos / name) for name in expected]


def test_a_file_with_a_pattern_for_a_name_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a[1].png").write_text("")
    (tmp_path / "a1.png").write_text("")

    assert found(tmp_path / "a[1].png") == [str(tmp_path / "a[1].png")]


@pytest.mark.parametrize(
    ("name", "text", "column"),
    [
        ("t.csv", "label,file\nx,a.jpg\ny,more/c.webp\n", ""),
        ("t.csv", "\ufefflabel;Image\nx;a.jpg\ny;more/c.webp\n", ""),
        ("t.tsv", "n\twhere\n1\ta.jpg\n2\tmore/c.webp\n", ""),
        ("t.csv", 'file,other\nno,a.jpg\nno,"more/c.webp"\n', "other"),
        ("t.csv", "label,file\nx,a.jpg,extra,more\ny,more/c.webp\n", ""),
    ],
)
def test_a_table_names_files_beside_it(photos: Path, name: str, text: str, column: str) -> None:
    (photos / name).write_text(text, encoding="utf-8")

    assert found(photos / name, column=column) == [str(photos / "a.jpg"), str(photos / "more/c.webp")]


def test_a_row_without_a_file_is_a_file_that_is_not_there(photos: Path) -> None:
    (photos / "t.csv").write_text("label,file\nx\ny,gone.png\n")

    assert found(photos / "t.csv") == [str(photos), str(photos / "gone.png")]


@pytest.mark.parametrize(("text", "column"), [("label,when\nx,y\n", ""), ("file\na.jpg\n", "image")])
def test_a_table_that_names_no_files_is_refused_with_its_columns(photos: Path, text: str, column: str) -> None:
    (photos / "t.csv").write_text(text)

    with pytest.raises(AutoModelError, match=r"t.csv has the columns .* none that names image files"):
        found(photos / "t.csv", column=column)


def test_where_nothing_is_found_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")

    with pytest.raises(AutoModelError, match=r"There is no image in .*: left out as no images: 1 .txt"):
        need_images(Search([str(tmp_path)]))
    with pytest.raises(AutoModelError, match="There is no image in"):
        need_images(Search([str(tmp_path / "*.png")]))


def test_names_are_found_as_they_are_needed(photos: Path) -> None:
    found_images = need_images(Search(["first.png", str(photos / "missing.csv"), str(photos)]))

    assert Path("first.png") == next(found_images)
