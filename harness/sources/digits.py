"""1,797 real handwritten digits, 8 x 8 grey pixels: small enough to ship inside scikit-learn.

Its data file is read directly: importing scikit-learn takes a second and 100 MB, for one CSV file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.sources.source import SKIPPED, UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

WHITE = 16
"""Each value counts the dark pixels in a 4 x 4 block of the scanned bitmap."""


@dataclass(frozen=True)
class Digits:
    """The dataset `digits`; it gives no split."""

    description: str = (
        "Handwritten digits 0 to 9, scanned from forms that 13 people filled in, centred and reduced to 8 x 8 grey "
        "pixels, bright on black (UCI Optical Recognition of Handwritten Digits, its test part, doi:10.24432/C50P49)."
    )
    licence: str = "CC BY 4.0"
    classes: tuple[str, ...] = tuple("0123456789")
    groups: None = None
    skipped: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(SKIPPED, 0))
    skipped_extensions: Mapping[str, int] = field(default_factory=dict)
    unlabelled: None = None

    @cached_property
    def _table(self) -> NDArray[np.int64]:
        """(1797, 65): 64 pixels and the digit."""
        package = find_spec("sklearn")
        if package is None or package.origin is None:
            raise UnusableDatasetError("The dataset 'digits' lies in scikit-learn: install the extra 'harness'.")
        path = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz"
        return np.loadtxt(path, delimiter=",", dtype=np.int64)

    @property
    def labels(self) -> NDArray[np.int64]:
        return self._table[:, -1]

    @property
    def given(self) -> NDArray[np.int8]:
        return np.zeros(len(self._table), np.int8)

    def read(self, index: int) -> NDArray[np.uint8]:
        counts = self._table[index, :-1].reshape(8, 8)
        pixels: NDArray[np.uint8] = np.rint(counts * (255 / WHITE)).astype(np.uint8)
        return pixels

    def where(self, index: int) -> str:
        return f"digits[{index}]"
