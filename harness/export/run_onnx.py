"""A job's program: what `/job/input/model.onnx` gives for prepared images, by onnxruntime.

Run as a file beside an exported folder, whose data.py makes the inputs. model.py is not imported: nothing of it answers
in the place of the graph.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BATCH = 32


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="run_onnx.py", description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("/job/input/model.onnx"))
    parser.add_argument("--exported", type=Path, default=Path("/job/exported"))
    parser.add_argument("--images", type=Path, default=Path("/job/images"))
    parser.add_argument("--out", type=Path, default=Path("/job/out"))
    given = parser.parse_args(arguments)
    session = open_session(given.model)  # before any code that was generated
    sys.path[:0] = [str(given.exported), str(Path(__file__).parent)]
    preparation = import_module("predict").load_preparation(given.exported)
    pictures = import_module("make_onnx").read_pictures(given.images, preparation.task.channels)
    with (given.out / "logits.f32").open("wb") as file:
        for start, end in pairwise(_borders(len(pictures))):
            images = preparation.inputs(pictures[start:end]).numpy()
            [logits] = session.run(["logits"], {"images": images})
            file.write(logits.astype("<f4").tobytes())


def open_session(model: Path) -> Any:
    """The graph, ready to run.

    Raises:
        ValueError: it is not alone: a part of it lies in another file, which may be any.
    """
    import onnx
    import onnxruntime
    from onnx import external_data_helper

    graph = onnx.load(model, load_external_data=False)
    tensors = external_data_helper._get_all_tensors(graph)  # noqa: SLF001 - nothing public goes through all of them
    if any(map(external_data_helper.uses_external_data, tensors)):
        raise ValueError("a part of the graph lies in another file")
    return onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])


def _borders(images: int) -> Iterator[int]:
    """Of batches: a single image first, so that more than one size is tried."""
    yield 0
    yield from range(1, images, BATCH)
    yield images


if __name__ == "__main__":
    main()
