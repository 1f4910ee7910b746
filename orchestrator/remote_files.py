"""What can be downloaded: addresses and checksums.

Checksums of CIFAR-10 and SVHN are those of torchvision 0.29, CIFAR-10-C's is Zenodo's; those of Tiny ImageNet and of
dSprites are what a dozen projects that agree check. Kaggle publishes none.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file that can be downloaded."""

    name: str
    urls: tuple[str, ...]
    """Tried in order, after the user's mirrors."""
    checksum: str = ""
    """As published, `md5:...` or `sha256:...`; empty: what it is at first use is recorded and held to."""


@dataclass(frozen=True, kw_only=True)
class Download:
    """Files that are kept together, and shared by the datasets that are made of them."""

    key: str
    """The folder in `DATASETS_DIR/downloads`."""
    files: tuple[RemoteFile, ...]
    megabytes: int | None
    """None where nobody says."""
    competition: str = ""
    """On Kaggle: they want a login, and that its rules are accepted."""


CIFAR10 = Download(
    key="cifar10",
    files=(
        RemoteFile(
            name="cifar-10-python.tar.gz",
            urls=("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",),
            checksum="md5:c58f30108f718f92721af3b95e74349a",
        ),
    ),
    megabytes=170,
)
CIFAR10_C = Download(
    key="cifar10-c",
    files=(
        RemoteFile(
            name="CIFAR-10-C.tar",
            urls=("https://zenodo.org/records/2535967/files/CIFAR-10-C.tar?download=1",),
            checksum="md5:56bf5dcef84df0e2308c6dcbcbbd8499",
        ),
    ),
    megabytes=2918,
)
SVHN = Download(
    key="svhn",
    files=(
        RemoteFile(
            name="train_32x32.mat",
            urls=("http://ufldl.stanford.edu/housenumbers/train_32x32.mat",),
            checksum="md5:e26dedcc434d2e4c54c9b2d4a06d8373",
        ),
        RemoteFile(
            name="test_32x32.mat",
            urls=("http://ufldl.stanford.edu/housenumbers/test_32x32.mat",),
            checksum="md5:eb5a983be6a315427106f1b164d9cef3",
        ),
    ),
    megabytes=246,
)
TINYIMAGENET = Download(
    key="tinyimagenet",
    files=(
        RemoteFile(
            name="tiny-imagenet-200.zip",
            urls=(
                "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
                "https://zenodo.org/records/10720917/files/tiny-imagenet-200.zip?download=1",
            ),
            checksum="md5:90528d7ca1a48142e341f4ef8d21d0de",
        ),
    ),
    megabytes=248,
)
SPRITES = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz"
DSPRITES = Download(
    key="dsprites",
    files=(
        RemoteFile(
            name=SPRITES,
            urls=(
                f"https://github.com/google-deepmind/dsprites-dataset/raw/master/{SPRITES}",
                f"https://raw.githubusercontent.com/google-deepmind/dsprites-dataset/master/{SPRITES}",
            ),
            checksum="md5:7da33b31b13a06f4b04a70402ce90c2e",
        ),
    ),
    megabytes=26,
)


def kaggle(competition: str, key: str, megabytes: int | None = None) -> Download:
    address = f"https://www.kaggle.com/api/v1/competitions/data/download-all/{competition}"
    file = RemoteFile(name=f"{competition}.zip", urls=(address,))
    return Download(key=key, files=(file,), megabytes=megabytes, competition=competition)
