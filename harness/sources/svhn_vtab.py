"""SVHN as VTAB-1k uses it: 1,000 of the training images, and the whole test set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from harness.sources.arrays import Arrays, Part
from harness.sources.matlab import read_mat
from harness.sources.vtab import draw

if TYPE_CHECKING:
    from harness.sources.download import Download

TRAIN, TEST = "train_32x32.mat", "test_32x32.mat"
SHOWS = (
    "House numbers from Google Street View, cropped to 32 x 32 pixels in colour around the digit that is the label; "
    "parts of its neighbours may be seen (SVHN, Netzer et al. 2011). As in VTAB-1k there are 800 images to train on "
    "and 200 to validate, drawn at random from the training images with seed {seed}, where VTAB itself takes the first "
    "in the order of TensorFlow Datasets; the test split is whole."
)
LICENCE = "non-commercial use only"


def open_svhn_vtab_1k(download: Download) -> Arrays:
    """Draw the images.

    Raises:
        UnusableDatasetError: a file is missing or broken.
    """
    test = read_mat(download.file(TEST), "test")
    whole = read_mat(download.file(TRAIN), "train")
    train, validation = draw(np.arange(len(whole.pixels)), np.random.default_rng(download.seed), whole.where)
    drawn = [
        Part(split=split, images=whole.images[rows], labels=whole.labels[rows], where=whole.where)
        for split, rows in (("train", train), ("validation", validation))
    ]
    return Arrays(parts=[*drawn, test], description=SHOWS.format(seed=download.seed), licence=LICENCE)
