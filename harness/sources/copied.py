"""Images and labels copied out of parquet files, a few at a time."""

from __future__ import annotations

import shutil
from array import array
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from harness.sources.features import Features, find_features
from harness.sources.labels import number_classes
from harness.sources.shards import refuse_pointer
from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from harness.sources.tables import Columns

BATCH = 8 << 20
"""Bytes of images that are read together, about."""
MOST_ROWS = 4096
ADD = "add it, or move the file elsewhere if it has none"


class Copied:
    """What was read, in few bytes for each image, the images themselves going into a file."""

    def __init__(self, root: Path, columns: Columns, out: IO[bytes]) -> None:
        self.features = Features()
        self.offsets = array("q", [0])
        self.numbers = array("q")
        """Labels, of words as numbered in `_words`."""
        self.groups = array("q")
        """Hashes."""
        self._root, self._columns, self._out = root, columns, out
        self._words: dict[str, int] = {}
        self._types: dict[str, Any] = {}

    def add(self, name: str) -> int:
        """Copy a file; return the number of its first image.

        Raises:
            UnusableDatasetError: it is broken, or something is missing in it.
        """
        first = len(self.numbers)
        with _reading(self._root / name, name) as file:
            self._agree(name, file.schema_arrow)
            self._refuse_too_large(name, file.metadata)
        for batch in _batches(self._root / name, name, self.features):
            row = len(self.numbers) - first
            for column, what in ((self.features.label, "label"), (self.features.group, "group")):
                if column:
                    _refuse_null(batch.column(column), name, row, f"has no {what} in column {column!r}: {ADD}")
            self._add_images(batch.column(self.features.image), name, row)
            self.numbers.frombytes(self._number(batch.column(self.features.label), name, row).tobytes())
            if self.features.group:
                self.groups.extend(map(hash, batch.column(self.features.group).to_pylist()))
        return first

    def classes(self) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        """Their names, and the number of each image's.

        Raises:
            UnusableDatasetError: a name is none.
        """
        codes = np.asarray(self.numbers)
        if not self._words:
            classes, (labels,) = number_classes([codes], self.features.names)
            return classes, labels
        classes, (labels,) = number_classes([np.array(list(self._words))])
        return classes, labels[codes]

    def _agree(self, name: str, schema: Any) -> None:
        """Take the columns of the first file, and hold the others to it."""
        features = find_features(schema, self._columns, repr(name))
        if features is None:
            raise UnusableDatasetError(
                f"{name!r} has the columns {', '.join(schema.names)}, and none of images, as bytes or with their path: "
                "give other files, or name the column in DATASET_FILE_COLUMN."
            )
        types = {column: schema.field(column).type for column in (features.image, features.label)}
        self.features, self._types = (self.features, self._types) if self._types else (features, types)
        if types != self._types:
            raise UnusableDatasetError(
                f"{name!r} has other columns of images and labels ({_told(types)}) than the files before it "
                f"({_told(self._types)}): give files of one dataset."
            )

    def _refuse_too_large(self, name: str, metadata: Any) -> None:
        free = shutil.disk_usage(self._out.name).free
        size = _size(metadata, self.features.image)
        if size > free:
            raise UnusableDatasetError(
                f"{name!r} holds {size / 1e9:.1f} GB of images, and {free / 1e9:.1f} GB are free where datasets are "
                "kept: make room, or name another place in DATASETS_DIR."
            )

    def _add_images(self, column: Any, name: str, row: int) -> None:
        import pyarrow as pa

        if pa.types.is_struct(column.type):
            column = column.flatten()[column.type.get_field_index("bytes")]
        _refuse_null(column, name, row, "has no image, or only the path of one: put its bytes into the file")
        column = column.cast(pa.large_binary())
        _, offsets, data = column.buffers()
        ends = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
        if data is not None:
            self._out.write(memoryview(data)[int(ends[0]) : int(ends[-1])])
        self.offsets.frombytes((ends[1:] - ends[0] + self.offsets[-1]).tobytes())

    def _number(self, column: Any, name: str, row: int) -> NDArray[np.int64]:
        import pyarrow.types as of

        if of.is_integer(column.type) or of.is_boolean(column.type):
            numbers: NDArray[np.int64] = column.to_numpy(zero_copy_only=False).astype(np.int64)
            if self.features.names and numbers.min() < 0:  # as the library writes that nobody knows
                where = called(name, row + int(numbers.argmin()))
                raise UnusableDatasetError(f"{where} has no label in column {self.features.label!r}: {ADD}.")
            return numbers
        words = self._words
        return np.array([words.setdefault(str(word), len(words)) for word in column.to_pylist()], np.int64)


@contextmanager
def _reading(path: Path, name: str) -> Iterator[Any]:
    """Open a file.

    Raises:
        UnusableDatasetError: it is broken.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    refuse_pointer(path, name)
    try:
        with ParquetFile(path, buffer_size=1 << 20) as file:
            yield file
    except (ArrowException, OSError) as error:
        why = " ".join(str(error).split())[:200].rstrip(".")
        raise UnusableDatasetError(f"{name!r} cannot be read as parquet ({why}): get it again.") from None


def _batches(path: Path, name: str, features: Features) -> Iterator[Any]:
    columns = [column for column in (features.image, features.label, features.group) if column]
    with _reading(path, name) as file:
        size = _size(file.metadata, features.image) // max(1, file.metadata.num_rows)
        rows = min(MOST_ROWS, max(1, BATCH // max(1, size)))
        for group in range(file.num_row_groups):  # when asked for all at once, it keeps those that it has read
            yield from file.iter_batches(rows, [group], columns, use_threads=False)


def _size(metadata: Any, image: str) -> int:
    """Bytes of all images of a file."""
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    columns = (group.column(number) for group in groups for number in range(metadata.num_columns))
    return sum(each.total_uncompressed_size for each in columns if each.path_in_schema in (image, f"{image}.bytes"))


def _told(types: Mapping[str, Any]) -> str:
    return ", ".join(f"{column} of {kind}" for column, kind in types.items())


def _refuse_null(column: Any, name: str, row: int, sentence: str) -> None:
    if column.null_count:
        place = row + int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise UnusableDatasetError(f"{called(name, place)} {sentence}.")


def called(name: str, row: int) -> str:
    """What a person calls an image."""
    return f"{name!r}[{row}]"
