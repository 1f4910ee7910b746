"""An .npy file as a stream: its header, then some rows at a time, however large it is and wherever it lies."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import IO, TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@dataclass(frozen=True)
class Rows:
    """An array whose rows come one after the other."""

    file: IO[bytes]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def row_bytes(self) -> int:
        return self.dtype.itemsize * prod(self.shape[1:])

    def skip(self, count: int) -> None:
        self.file.seek(count * self.row_bytes, 1)

    def read(self, count: int) -> NDArray[Any]:
        """The next rows.

        Raises:
            ValueError: the file ends before.
        """
        data = self.file.read(count * self.row_bytes)
        if len(data) < count * self.row_bytes:
            raise ValueError("it ends too early")
        return np.frombuffer(data, self.dtype).reshape(count, *self.shape[1:])


def open_rows(file: IO[bytes]) -> Rows:
    """Read the header.

    Raises:
        ValueError: it is none of an array of plain rows.
    """
    version = np.lib.format.read_magic(file)
    if version not in HEADERS:
        raise ValueError(f"its version {version} is unknown")
    shape, by_columns, dtype = HEADERS[version](file)
    if by_columns or dtype.hasobject or not shape:
        raise ValueError("it holds no plain rows")
    return Rows(file, shape, dtype)
