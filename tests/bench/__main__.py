"""`python -m tests.bench`: print each figure as it is measured, beside its target. About half an hour on two cores.

A line is a name, the median, the smallest and largest of several, and the target.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from importlib.metadata import version
from pathlib import Path

from tests.bench import (
    again,
    decoding,
    epoch,
    host,
    killing,
    million,
    overhead,
    page,
    photos,
    prepare,
    selection,
    sources,
    throughput,
)
from tests.bench.sizes import FULL, QUICK

SECTIONS = {
    "overhead": overhead,
    "throughput": throughput,
    "photos": photos,
    "prepare": prepare,
    "again": again,
    "host": host,
    "page": page,
    "killing": killing,
    "sources": sources,
    "million": million,
    "epoch": epoch,
    "decoding": decoding,
    "selection": selection,
}
ON_DEMAND = ("sources", "million", "epoch", "decoding", "selection")
"""The first measures whether, not how fast; each takes a quarter of an hour and gigabytes of disk, but for the last."""
PACKAGES = ("torch", "torchvision", "timm", "numpy", "pillow")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    usual = [name for name in SECTIONS if name not in ON_DEMAND]
    parser.add_argument("--only", choices=SECTIONS, nargs="+", default=usual, help="measure these alone")
    parser.add_argument("--quick", action="store_true", help="small sizes, to try it; the figures mean little")
    given = parser.parse_args()
    print(_machine(), flush=True)
    with tempfile.TemporaryDirectory(prefix="automodel-bench-") as folder:
        for name in given.only:
            section = SECTIONS[name]
            print(f"\n{name} (load {_load()}): {(section.__doc__ or '').splitlines()[0]}", flush=True)
            for figure in section.measure(QUICK if given.quick else FULL, Path(folder) / name):
                print(figure, flush=True)


def _machine() -> str:
    return f"{len(os.sched_getaffinity(0))} cores; " + ", ".join(f"{name} {version(name)}" for name in PACKAGES)


def _load() -> str:
    """How busy the machine is with other things, as far as one can tell."""
    return f"{os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    main()
