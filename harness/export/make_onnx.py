"""A job's program: what an exported folder gives for prepared images, and its network as ONNX.

Run as a file, not as a module: the package `harness` that it imports is the copy in the exported folder. Into /job/out
go `logits.f32` first, then `model.onnx`; and `onnx.json`, which says why there is none, and what else is known by now.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from importlib import import_module, metadata
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

OPSET = 20
"""Of ONNX 1.15, 2023: runtimes know it."""
LONGEST = 300
"""Characters of a reason."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="make_onnx.py", description=__doc__)
    parser.add_argument("--exported", type=Path, default=Path("/job/exported"))
    parser.add_argument("--images", type=Path, default=Path("/job/images"))
    parser.add_argument("--out", type=Path, default=Path("/job/out"))
    given = parser.parse_args(arguments)
    sys.path.insert(0, str(given.exported))
    predictor = import_module("predict").load(given.exported)
    pictures = read_pictures(given.images, predictor.task.channels)
    (given.out / "logits.f32").write_bytes(predictor.logits(pictures).astype("<f4").tobytes())
    images, problem = predictor.preparation.inputs(pictures[:2]), ""
    try:
        write_onnx(predictor, images, given.out / "model.onnx")
    except Exception as error:  # noqa: BLE001 - the exporter raises of its own, and what a component raises
        problem = _reason(error)
    told = {
        "problem": problem,
        "pretrained": predictor.pretrained,
        "input": list(images.shape[1:]),
        "versions": {name: metadata.version(name) for name in ("torch", "torchvision", "timm")},
    }
    (given.out / "onnx.json").write_text(json.dumps(told), encoding="utf-8")


def read_pictures(folder: Path, channels: int) -> list[bytes] | list[NDArray[np.uint8]]:
    """Prepared images as a user would give them: files where files were stored, else pixels."""
    import numpy as np

    images = import_module("harness.images")
    if (folder / images.ENCODED).exists():
        content, offsets = (folder / images.ENCODED).read_bytes(), np.load(folder / images.OFFSETS).tolist()
        return [content[start:end] for start, end in pairwise(offsets)]
    planes = images.open_images(folder, channels)
    return [_as_image(planes.image(index)) for index in range(len(planes))]


def _as_image(planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return planes[0] if len(planes) == 1 else planes.transpose(1, 2, 0)


def write_onnx(predictor: Any, images: Tensor, file: Path) -> None:
    """Write what gives the logits of a batch of any size."""
    import torch

    for needed in ("onnx", "onnxscript"):
        metadata.version(needed)
    with torch.no_grad(), warnings.catch_warnings(action="ignore"):
        torch.onnx.export(
            _network(predictor.model, predictor.function),
            (images,),
            file,
            dynamo=True,
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=({0: "batch"},),
            opset_version=OPSET,
            external_data=False,
            verbose=False,
        )


def _network(model: Any, function: Callable[[Tensor], Tensor]) -> Any:
    """The component's `predict` around its network, as one network."""
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, images: Tensor) -> Tensor:
            return function(images).float()

    return Network().eval()


def _reason(error: BaseException) -> str:
    """What went wrong first, in a line."""
    if isinstance(error, metadata.PackageNotFoundError):
        return f"{error.name} is not in this sandbox: `make image` builds one that has it"
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'it said nothing'}"[:LONGEST]


if __name__ == "__main__":
    main()
