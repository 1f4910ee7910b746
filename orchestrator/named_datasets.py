"""The datasets that have a name: what they are, what they are made of, and what one has to know about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.remote_files import CIFAR10, CIFAR10_C, DSPRITES, SVHN, TINYIMAGENET, Download, kaggle

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class NamedDataset:
    """A dataset that can be had by its name."""

    name: str
    title: str
    images: int
    """Labelled ones."""
    classes: int
    licence: str
    """As published."""
    description: str = ""
    """What the images show, for the team; empty where the reader has its own."""
    contamination: str = ""
    """What pretrained weights have seen of it."""
    downloads: tuple[Download, ...] = ()
    """None for what comes with a library."""
    reader: str = ""
    """In the sandbox; empty where the general openers know the files."""

    @property
    def megabytes(self) -> int | None:
        sizes = [download.megabytes for download in self.downloads]
        return None if None in sizes else sum(size for size in sizes if size)


TINY_IMAGES = (
    "CIFAR-10 was cut from 80 Million Tiny Images, not from ImageNet: weights of ImageNet-1k or -21k were not trained "
    "on it but know its classes; weights of sets collected from the whole web may have met copies."
)
TEST_ONLY = "All of CIFAR-10-C is made of CIFAR-10's test images: weights that were tuned on CIFAR-10 know the like."
IMAGENET = (
    "Tiny ImageNet is made of ImageNet's images: weights that were pretrained on ImageNet-1k or -21k have learnt "
    "images of these very classes, and these may be among them; accuracy with such weights says little of new images."
)
KAGGLE = "competition rules"
NC = "no commercial use"

_LIST = (
    NamedDataset(
        name="digits",
        title="UCI handwritten digits, comes with scikit-learn",
        images=1797,
        classes=10,
        licence="CC BY 4.0",
    ),
    NamedDataset(
        name="cifar10",
        title="CIFAR-10",
        images=60_000,
        classes=10,
        licence="none published",
        description="Photos of one object each, 32 x 32 pixels in colour, of 10 classes of animals and vehicles.",
        contamination=TINY_IMAGES,
        downloads=(CIFAR10,),
    ),
    NamedDataset(
        name="svhn",
        title="Street View House Numbers, cropped, without the extra images",
        images=99_289,
        classes=10,
        licence=NC,
        description="House numbers from Google Street View, 32 x 32 pixels in colour: the label is the digit in the "
        "middle; parts of its neighbours may be seen beside it.",
        downloads=(SVHN,),
    ),
    NamedDataset(
        name="svhn-vtab1k",
        title="SVHN as in VTAB-1k: 800 + 200 images to learn from",
        images=27_032,
        classes=10,
        licence=NC,
        downloads=(SVHN,),
        reader="svhn-vtab1k",
    ),
    NamedDataset(
        name="tinyimagenet",
        title="Tiny ImageNet; its validation images are the test set",
        images=110_000,
        classes=200,
        licence="ImageNet's terms",
        contamination=IMAGENET,
        downloads=(TINYIMAGENET,),
        reader="tinyimagenet",
    ),
    NamedDataset(
        name="dsprites-orientation",
        title="dSprites, orientation in 40 classes",
        images=737_280,
        classes=40,
        licence="Apache-2.0",
        downloads=(DSPRITES,),
        reader="dsprites-orientation",
    ),
    NamedDataset(
        name="dsprites-orientation-vtab",
        title="dSprites, orientation in 16 classes as in VTAB",
        images=737_280,
        classes=16,
        licence="Apache-2.0",
        downloads=(DSPRITES,),
        reader="dsprites-orientation-vtab",
    ),
    NamedDataset(
        name="dsprites-orientation-vtab1k",
        title="the same as in VTAB-1k: 800 + 200 images to learn from",
        images=74_728,
        classes=16,
        licence="Apache-2.0",
        downloads=(DSPRITES,),
        reader="dsprites-orientation-vtab1k",
    ),
    NamedDataset(
        name="dsprites-orientation-made",
        title="the same in 40 classes, a sample drawn here: no download",
        images=40_000,
        classes=40,
        licence="drawn here",
    ),
    *(
        NamedDataset(
            name=f"cifar10-c-{severity}",
            title=f"CIFAR-10-C, severity {severity}: trained on corrupted images",
            images=10_000,
            classes=10,
            licence="CC BY 4.0",
            contamination=f"{TINY_IMAGES} {TEST_ONLY}",
            downloads=(CIFAR10_C,),
            reader=f"cifar10-c-{severity}",
        )
        for severity in (1, 5)
    ),
    *(
        NamedDataset(
            name=f"cifar10-c-{severity}-robust",
            title=f"CIFAR-10-C, severity {severity}: trained on clean CIFAR-10",
            images=60_000,
            classes=10,
            licence="partly CC BY 4.0",
            contamination=TINY_IMAGES,
            downloads=(CIFAR10, CIFAR10_C),
            reader=f"cifar10-c-{severity}-robust",
        )
        for severity in (1, 5)
    ),
    NamedDataset(
        name="cassava",
        title="Cassava Leaf Disease Classification",
        images=21_397,
        classes=5,
        licence=KAGGLE,
        description="Photos of cassava leaves in fields in Uganda, most taken by farmers with their phones: healthy, "
        "or with one of four diseases. Labels are known to be noisy.",
        downloads=(kaggle("cassava-leaf-disease-classification", "cassava", 6185),),
        reader="cassava",
    ),
    NamedDataset(
        name="kitchenware",
        title="Kitchenware Classification",
        images=5_559,
        classes=6,
        licence=KAGGLE,
        description="Photos taken in households, in all kinds of light: cups, glasses, plates, spoons, forks, knives.",
        downloads=(kaggle("kitchenware-classification", "kitchenware"),),
        reader="kitchenware",
    ),
    NamedDataset(
        name="arabic-letters",
        title="Arabic Letters Classification",
        images=53_199,
        classes=65,
        licence=KAGGLE,
        description="Handwritten Arabic letters of 82 people; a letter is another class in each of its forms: "
        "isolated, initial, medial, final.",
        downloads=(kaggle("arabic-letters-classification", "arabic-letters"),),
        reader="arabic-letters",
    ),
    NamedDataset(
        name="4-animals",
        title="4 Animal Classification",
        images=2_800,
        classes=4,
        licence=KAGGLE,
        description="Photos of cats, deer, dogs and horses, in many poses and places.",
        downloads=(kaggle("4-animal-classification", "4-animals"),),
        reader="4-animals",
    ),
)
NAMED: Mapping[str, NamedDataset] = {dataset.name: dataset for dataset in _LIST}
"""Name -> dataset, in the order of the list that users see."""
