"""Where images come from: each module is one kind of source, behind the `Source` protocol."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from harness.sources.archives import SUFFIXES as ARCHIVES
from harness.sources.archives import is_archive, unpack
from harness.sources.arrays import Arrays
from harness.sources.cifar import find_cifar
from harness.sources.class_names import names_beside, names_in_files
from harness.sources.digits import Digits
from harness.sources.download import Download
from harness.sources.folders import Folders, scan
from harness.sources.idx import find_idx
from harness.sources.matlab import find_svhn, open_mat
from harness.sources.named import CODES, READERS
from harness.sources.npz import find_npz, open_npz
from harness.sources.parquet import find_parquet, open_parquet
from harness.sources.rows import SUFFIXES as TABLES
from harness.sources.samples import find_unlabelled, follow_sample
from harness.sources.shards import SUFFIX as PARQUET
from harness.sources.source import UnusableDatasetError
from harness.sources.sprites_made import NAME as MADE
from harness.sources.sprites_made import MadeSprites
from harness.sources.table import Table
from harness.sources.tables import Columns, find_tables, open_table
from harness.sources.unnamed import count_unnamed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sources.source import Source

OPENERS = {".npz": open_npz, ".mat": open_mat}
"""Suffix of a file that is a whole dataset -> what opens it."""
FINDERS = (find_idx, find_cifar, find_svhn, find_npz)
"""Each knows the files of one format by their names, and gives None for a folder without them."""


def open_source(
    location: str, columns: Columns | None = None, scratch: Path | None = None, *, reader: str = "", seed: int = 0
) -> Source:
    """Open a dataset by its name (`digits`), its folder or its file.

    `columns`: of the table there; `scratch`: a folder to be made, which has to stay as long as the source;
    `reader`: the name of a published dataset, whose files lie in the folder; `seed`: of what it draws by chance.

    Raises:
        UnusableDatasetError: there is no dataset.
    """
    if location == "digits":
        return Digits()
    if location == MADE:
        return MadeSprites(seed)
    path = Path(location)
    columns = columns or Columns()
    if path.is_dir():
        _refuse_unlisted(path)
    if reader in READERS and scratch:
        scratch.mkdir()
        return READERS[reader](Download(folder=path, scratch=scratch, seed=seed))
    if scratch and (archive := _archive(path)):
        scratch.mkdir()
        skipped: Counter[str] = Counter()
        folder = unpack(archive, scratch / "archive", skipped=skipped)
        found: Any = _with_names(_open(folder, columns, scratch / "source", reader), folder, reader)
        return cast(
            "Source", replace(found, skipped={**found.skipped, "links": found.skipped["links"] + skipped["links"]})
        )
    return _with_names(_open(path, columns, scratch, reader), path, reader)


def _archive(path: Path) -> Path | None:
    """The archive that this is, or that is all there is in it."""
    entries = [entry for entry in path.iterdir() if not entry.name.startswith(".")] if path.is_dir() else [path]
    return entries[0] if len(entries) == 1 and entries[0].is_file() and is_archive(entries[0]) else None


def _open(path: Path, columns: Columns, scratch: Path | None, reader: str) -> Source:
    if path.is_file():
        return _open_file(path, columns, scratch)
    return (_open_formats(path, columns, scratch) if path.is_dir() else None) or _scan(path, CODES.get(reader, ()))


def _refuse_unlisted(path: Path) -> None:
    try:
        os.scandir(path).close()
    except OSError as error:
        raise UnusableDatasetError(f"The folder cannot be listed ({error.strerror}): allow it.") from None


def _open_formats(path: Path, columns: Columns, scratch: Path | None) -> Source | None:
    """What a folder holds but class folders; None where it is nothing else."""
    sources = (find(path, scratch) for find in FINDERS)
    if (source := next((each for each in sources if each is not None), None)) is not None:
        return source
    if scratch and (parquet := find_parquet(path, columns, scratch)) is not None:
        return parquet
    table = find_tables(path, columns)
    return table and _whole(path, table)


def _whole(folder: Path, table: Table) -> Table:
    """The table with what else lies in its folder."""
    unlabelled = find_unlabelled(folder, table)
    skipped = {**table.skipped, "not_named": count_unnamed(table, unlabelled)}
    return replace(table, unlabelled=unlabelled, skipped=skipped)


def _scan(path: Path, codes: Sequence[str]) -> Source:
    """`codes`: what a submission calls the classes, if it is not their folders' names."""
    found = scan(path)
    called = codes if len(codes) == len(found.classes) else found.classes
    return replace(found, unlabelled=found.unlabelled and follow_sample(path, called, found.unlabelled))


def _with_names(source: Source, path: Path, reader: str) -> Source:
    """With names of classes in place of codes, where they are known."""
    if isinstance(source, Folders) and reader == "arabic-letters":
        return replace(source, classes=names_in_files(source))
    if isinstance(source, Folders | Table):
        return replace(source, classes=names_beside(source.root, source.classes))
    if isinstance(source, Arrays) and source.classes == tuple(str(number) for number in range(len(source.classes))):
        return replace(source, names=names_beside(path, source.classes))
    return source


def _open_file(path: Path, columns: Columns, scratch: Path | None) -> Source:
    suffix = path.suffix.lower()
    if suffix in TABLES:
        return _whole(path.parent, open_table(path, columns))
    if suffix == PARQUET and scratch:
        return open_parquet(path, columns, scratch)
    if suffix not in OPENERS:
        raise UnusableDatasetError(
            f"{path.name!r} is no dataset: give a folder with a sub-folder of images per class, or a file that ends in "
            f"{', '.join((*OPENERS, PARQUET, *TABLES, *ARCHIVES))}."
        )
    return OPENERS[suffix](path, scratch)
