"""Tables of files and labels, in the ways that people write them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("PIL", reason="the extra `harness` is not installed")

from harness.sources import open_source
from harness.sources.source import SPLITS, UnusableDatasetError
from harness.sources.tables import Columns

if TYPE_CHECKING:
    from harness.sources.source import Source


def fill(folder: Path, files: dict[str, str]) -> Path:
    """Write texts; of an image the name is enough."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def seen(source: Source) -> dict[str, tuple[str, str]]:
    """File -> its class and split."""
    return {
        source.where(index): (source.classes[label], SPLITS[source.given[index]])
        for index, label in enumerate(source.labels)
    }


TABLES: dict[str, tuple[dict[str, str], dict[str, tuple[str, str]]]] = {
    "beside the images": (
        {"labels.csv": "filename,label\na.png,cat\nb.png,dog\n", "a.png": "", "b.png": ""},
        {"'a.png'": ("cat", "train"), "'b.png'": ("dog", "train")},
    ),
    "in a folder, without suffix, with other columns (Kaggle)": (
        {
            "train.csv": "id_code,age,diagnosis\na,7,2\nb,8,0\n",
            "sample_submission.csv": "id_code,diagnosis\nt,0\n",
            "test.csv": "id_code\nt\n",
            "train_images/a.png": "",
            "train_images/b.png": "",
            "test_images/t.png": "",
        },
        {"'train_images/a.png'": ("2", "train"), "'train_images/b.png'": ("0", "train")},
    ),
    "semicolons, a byte order mark and quotes": (
        {"all.csv": '\ufeff"Image";"Class"\n"a b.png";"cat; big"\n"c.png";"dog"\n', "a b.png": "", "c.png": ""},
        {"'a b.png'": ("cat; big", "train"), "'c.png'": ("dog", "train")},
    ),
    "tabs and a column of splits": (
        {
            "list.tsv": "path\tspecies\tsplit\nx/a.png\tcat\ttrain\nx/b.png\tdog\tVal\nx/c.png\tcat\ttest\n",
            "x/a.png": "",
            "x/b.png": "",
            "x/c.png": "",
        },
        {"'x/a.png'": ("cat", "train"), "'x/b.png'": ("dog", "validation"), "'x/c.png'": ("cat", "test")},
    ),
    "JSON lines": (
        {
            "a.jsonl": "\n".join(json.dumps({"file_name": f"{n}.png", "label": n}) for n in (1, 2)),
            "1.png": "",
            "2.png": "",
        },
        {"'1.png'": ("1", "train"), "'2.png'": ("2", "train")},
    ),
    "a column for each class (ISIC)": (
        {"truth.csv": "image,MEL,NV,split\na,1.0,0.0,train\nb,0.0,1.0,test\n", "a.jpg": "", "b.jpg": ""},
        {"'a.jpg'": ("MEL", "train"), "'b.jpg'": ("NV", "test")},
    ),
    "a table for each split": (
        {"train.csv": "a,b\n1.png,x\n2.png,y\n", "test.csv": "a,b\n3.png,x\n", "1.png": "", "2.png": "", "3.png": ""},
        {"'1.png'": ("x", "train"), "'2.png'": ("y", "train"), "'3.png'": ("x", "test")},
    ),
    "the same row twice": (
        {"labels.csv": "file,label\na.png,cat\nb.png,dog\na.png,cat\n", "a.png": "", "b.png": ""},
        {"'a.png'": ("cat", "train"), "'b.png'": ("dog", "train")},
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_files_and_labels_are_found(tmp_path: Path, name: str) -> None:
    files, wanted = TABLES[name]

    assert seen(open_source(str(fill(tmp_path, files)))) == wanted


def test_a_table_of_long_texts_in_no_known_encoding_is_passed_over(tmp_path: Path) -> None:
    fill(tmp_path, {"cat/1.png": "", "dog/1.png": ""})
    (tmp_path / "about.csv").write_bytes(b"who,caption\nJos\xe9," + b"long " * 1000 + b"\n")

    assert seen(open_source(str(tmp_path))) == {"'cat/1.png'": ("cat", "train"), "'dog/1.png'": ("dog", "train")}


def test_columns_can_be_named(tmp_path: Path) -> None:
    fill(tmp_path, {"t.csv": "a,b,who,what\n1.png,1.png,x,u\n2.png,1.png,x,v\n", "1.png": "", "2.png": ""})

    source = open_source(str(tmp_path), Columns(file="A", label="what"))

    assert Counter(source.classes) == Counter("uv")
    with pytest.raises(UnusableDatasetError, match=r"^'t.csv' has the columns a, b, who, what, and not the ones"):
        open_source(str(tmp_path), Columns(label="nothing"))


def test_class_folders_with_a_table_of_other_things_are_class_folders(tmp_path: Path) -> None:
    fill(tmp_path, {"about.csv": "photographer,year\nme,2020\nyou,2021\n", "cat/1.png": "", "dog/1.png": ""})

    assert seen(open_source(str(tmp_path))) == {"'cat/1.png'": ("cat", "train"), "'dog/1.png'": ("dog", "train")}


GROUPED = "file,label,Patient\na.png,cat,1\nb.png,dog,2\nc.png,cat, 1\n"


def test_a_column_of_groups_can_be_named(tmp_path: Path) -> None:
    fill(tmp_path, {"train.csv": GROUPED, "test.csv": "file,label\nd.png,cat\n", **dict.fromkeys(FOUR, "")})

    source = open_source(str(tmp_path), Columns(group="patient"))

    assert source.groups is not None
    groups = {source.where(index): group for index, group in enumerate(source.groups.tolist())}
    assert groups["'a.png'"] == groups["'c.png'"]
    assert len({*groups.values()}) == 3
    assert open_source(str(tmp_path)).groups is None


FOUR = ("a.png", "b.png", "c.png", "d.png")


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("file,label\na.png,cat\n", "'train.csv' has the columns file, label, and not the ones that are wanted"),
        ("file,label,patient\na.png,cat,\n", "Row 1 of 'train.csv' has no group in column 'patient': add it."),
        (
            "file,label,patient\na.png,cat,1\na.png,cat,2\n",
            "'a.png' is in two groups: keep one row of it.",
        ),
    ],
)
def test_groups_that_cannot_be_used_are_one_sentence(tmp_path: Path, table: str, sentence: str) -> None:
    fill(tmp_path, {"train.csv": table, **dict.fromkeys(FOUR, "")})

    with pytest.raises(UnusableDatasetError) as caught:
        open_source(str(tmp_path), Columns(group="patient"))

    assert str(caught.value).startswith(sentence)


BAD: dict[str, tuple[dict[str, str], str]] = {
    "two labels": (
        {"t.csv": "file,label\na.png,cat\na.png,dog\n", "a.png": ""},
        "'a.png' has the labels 'cat' and 'dog': keep one row of it.",
    ),
    "no label": (
        {"t.csv": "file,label\na.png,cat\nb.png,\n", "a.png": "", "b.png": ""},
        "Row 2 of 't.csv' has no label",
    ),
    "no such file": (
        {"t.csv": "file,label\na.png,cat\nc.png,dog\nb.png,dog\n", "a.png": "", "b.png": ""},
        "The table names files that are not there: 'c.png'; add them or remove the rows.",
    ),
    "out of the folder": (
        {"t.csv": "file,label\na.png,cat\nb.png,cat\n../../etc/passwd,dog\n", "a.png": "", "b.png": ""},
        "Row 3 of 't.csv' names '../../etc/passwd': a file of the folder is wanted.",
    ),
    "an unknown split": (
        {"t.csv": "file,label,split\n" + "a.png,cat,train\n" * 20 + "a.png,cat,later\n", "a.png": ""},
        "Row 21 of 't.csv' has 'later' in column 'split': train, validation or test is wanted.",
    ),
    "two classes of one image": (
        {"t.csv": "file,cat,dog\n" + "a.png,1,0\n" * 20 + "b.png,1,1\n", "a.png": "", "b.png": ""},
        "Row 21 of 't.csv' has not one 1 in the columns of classes: mend it.",
    ),
    "no number in the column of a class": (
        {"t.csv": "file,cat,dog\n" + "a.png,1,0\n" * 20 + "b.png,1,?\n", "a.png": "", "b.png": ""},
        "Row 21 of 't.csv' has not one 1 in the columns of classes: mend it.",
    ),
    "two tables": (
        {"t.csv": "file,label\na.png,cat\n", "u.csv": "file,label\na.png,dog\n", "a.png": ""},
        "'t.csv' and 'u.csv' both name images and labels: keep one",
    ),
    "broken quotes": ({"t.csv": 'file,label\n"a.png,cat\n', "a.png": ""}, "'t.csv' cannot be read as a table"),
    "a line without its keys": (
        {"t.jsonl": '{"file": "a.png", "label": "cat"}\n{"file": "b.png"}\n', "a.png": "", "b.png": ""},
        "Row 2 of 't.jsonl' has no label in column 'label': mend it.",
    ),
    "broken JSON": ({"t.jsonl": '{"file": "a.png"\n', "a.png": ""}, "'t.jsonl' cannot be read as a table"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, name: str) -> None:
    files, sentence = BAD[name]

    with pytest.raises(UnusableDatasetError) as caught:
        open_source(str(fill(tmp_path, files)))

    assert str(caught.value).startswith(sentence)
    assert str(caught.value).endswith(".")


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    inside = fill(tmp_path / "in", {"t.csv": "file,label\na.png,cat\nb.png,dog\n", "b.png": ""})
    fill(tmp_path, {"secret": ""})
    (inside / "a.png").symlink_to(tmp_path / "secret")

    with pytest.raises(
        UnusableDatasetError, match=r"^The table names files that are links out of the folder: 'a.png';"
    ):
        open_source(str(inside))


def test_a_table_can_be_given_itself_and_others_beside_it_do_not_count(tmp_path: Path) -> None:
    fill(tmp_path, {"t.csv": "file,label\na.png,cat\n", "u.csv": "file,label\na.png,dog\n", "a.png": ""})

    assert seen(open_source(str(tmp_path / "u.csv"))) == {"'a.png'": ("dog", "train")}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("file,label\n", "'t.csv' has no rows: give a table of files and labels."),
        ("file,label\nb.png,cat\n", "'t.csv' has the columns file, label, and not the ones that are wanted, or"),
        ('file,label\n"a.png,cat\n', "'t.csv' cannot be read as a table"),
    ],
)
def test_a_table_that_was_given_and_is_none_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    fill(tmp_path, {"t.csv": text, "a.png": ""})

    with pytest.raises(UnusableDatasetError) as caught:
        open_source(str(tmp_path / "t.csv"))

    assert str(caught.value).startswith(sentence)


STRAY = {"about.csv": 'who,says\nme,"a "good" one"\n', "notes.jsonl": "{'who': 'me'}\n"}


@pytest.mark.parametrize("name", STRAY)
def test_a_broken_table_of_other_things_beside_class_folders_is_passed_over(tmp_path: Path, name: str) -> None:
    fill(tmp_path, {name: STRAY[name], "cat/1.png": "", "dog/1.png": ""})

    assert seen(open_source(str(tmp_path))) == {"'cat/1.png'": ("cat", "train"), "'dog/1.png'": ("dog", "train")}


def test_a_broken_table_that_names_images_is_refused_though_folders_stand_beside_it(tmp_path: Path) -> None:
    fill(tmp_path, {"t.csv": 'id,label\n"a,cat\nb,dog\n', "one/a.png": "", "one/b.png": "", "two/c.png": ""})

    with pytest.raises(UnusableDatasetError, match=r"^'t.csv' cannot be read as a table"):
        open_source(str(tmp_path))


@given(st.lists(st.sampled_from("abcdef"), min_size=1))
def test_a_file_counts_once_where_it_was_named_first(rows: list[str]) -> None:
    with TemporaryDirectory() as folder:
        root = fill(Path(folder), {f"x/{name}.png": "" for name in rows})
        fill(root, {"t.csv": "\n".join(["file,label", *(f"x/{name}.png,{name}" for name in rows)])})

        source = open_source(str(root))

        assert [source.where(index) for index in range(len(source.labels))] == [
            f"'x/{name}.png'" for name in dict.fromkeys(rows)
        ]
        assert [source.classes[label] for label in source.labels] == list(dict.fromkeys(rows))
