"""Readers of the datasets that have a name and are more than what their files say by themselves."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.sources.cifar_c import open_corrupted, open_robust
from harness.sources.dsprites import open_coarse, open_fine, open_vtab_1k
from harness.sources.svhn_vtab import open_svhn_vtab_1k
from harness.sources.tinyimagenet import open_tiny_imagenet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.sources.download import Download
    from harness.sources.source import Source

READERS: Mapping[str, Callable[[Download], Source]] = {
    "tinyimagenet": open_tiny_imagenet,
    "dsprites-orientation": open_fine,
    "dsprites-orientation-vtab": open_coarse,
    "dsprites-orientation-vtab1k": open_vtab_1k,
    "svhn-vtab1k": open_svhn_vtab_1k,
    "cifar10-c-1": partial(open_corrupted, severity=1),
    "cifar10-c-5": partial(open_corrupted, severity=5),
    "cifar10-c-1-robust": partial(open_robust, severity=1),
    "cifar10-c-5-robust": partial(open_robust, severity=5),
}
"""What is not here is opened in the general way, by what its files are."""
CODES: Mapping[str, tuple[str, ...]] = {"4-animals": ("0", "1", "2", "3")}
"""What a submission calls the classes, where it is not what their folders are called."""
