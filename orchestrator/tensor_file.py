"""Files of weights, as bytes: what a safetensors file holds, the mean of several, several in one. No torch.

They come from containers: a header is bounded and believed only where it accounts for every byte, and tensors stream.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from orchestrator.weights import HEADER_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

BYTES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 8),
}
"""Of one number, by its type's name in the file."""
FLOATS = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "<u2"}
"""Types of which a mean is taken -> how numpy reads them; it knows no bfloat16, which is half of a float32."""
COUNTED = {"BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64"}
"""Types that count or index, as BatchNorm's num_batches_tracked: a mean would say nothing."""
METADATA = "__metadata__"
DIMENSIONS, MOST = 64, 1 << 48
"""Of a shape, and in each of them: beyond, the product alone would take hours."""
AT_ONCE = 1 << 20
"""Numbers, or bytes, in memory together, of each file."""


class InvalidTensorsError(ValueError):
    """Raised when a file is no safetensors file, or files do not fit each other."""


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """Where a tensor lies in a file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    """Of its bytes, from the beginning of the file."""
    size: int
    """In bytes."""


@dataclass(frozen=True, kw_only=True)
class TensorFile:
    """A file that was looked at."""

    path: Path
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]
    """Also which name stands for another, where a network has one weight in two places."""


def read_header(path: Path) -> TensorFile:
    """What a file holds.

    Raises:
        InvalidTensorsError: it is no safetensors file; it says why.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            length = int.from_bytes(file.read(8), "little")
            if length > min(HEADER_BYTES, size - 8):
                raise ValueError("the header is too long")  # noqa: TRY301 - told with the others
            raw = json.loads(file.read(length), object_pairs_hook=_once)
        metadata = {str(key): str(value) for key, value in raw.pop(METADATA, {}).items()}
        tensors = {name: _tensor(facts, 8 + length) for name, facts in raw.items()}
        _check_places(tensors, 8 + length, size)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidTensorsError(f"{path} is no safetensors file ({error}).") from None
    return TensorFile(path=path, tensors=tensors, metadata=metadata)


def write_mean(files: Sequence[TensorFile], into: Path) -> None:
    """Write the mean of the weights of several files; what counts or indexes is the first one's.

    Raises:
        InvalidTensorsError: they do not fit; the sentence names a tensor.
    """
    first = files[0]
    for file in files[1:]:
        if name := _misfit(first, file):
            raise InvalidTensorsError(f"{file.path} does not fit {first.path}: see the tensor {name[:200]}.")
    with _opened(files) as sources, into.open("wb") as target:
        ordered = _by_width((name, tensor, 0) for name, tensor in first.tensors.items())
        target.write(_header(ordered, first.metadata))
        for name, tensor, _ in ordered:
            if tensor.dtype in COUNTED:
                _copy(sources[0], tensor, target)
            else:
                _mean([(source, file.tensors[name]) for source, file in zip(sources, files, strict=True)], target)
    into.chmod(0o644)


def write_stack(files: Sequence[TensorFile], into: Path, prefix: str) -> None:
    """Write all tensors of several files into one: those of file i under `prefix`, i, a dot, and their names."""
    ordered = _by_width(
        (f"{prefix}{index}.{name}", tensor, index)
        for index, file in enumerate(files)
        for name, tensor in file.tensors.items()
    )
    with _opened(files) as sources, into.open("wb") as target:
        target.write(_header(ordered, {"format": "pt"}))
        for _, tensor, index in ordered:
            _copy(sources[index], tensor, target)
    into.chmod(0o644)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no name stands twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands in it twice")
    return found


def _tensor(facts: Mapping[str, Any], data: int) -> Tensor:
    dtype, shape, (start, end) = facts["dtype"], facts["shape"], facts["data_offsets"]
    if not all(type(number) is int and number >= 0 for number in (*shape, start, end)):
        raise ValueError("a size is no number")
    if len(shape) > DIMENSIONS or any(number > MOST for number in shape):
        raise ValueError("a shape is out of all bounds")
    if end - start != prod(shape) * BYTES[dtype]:
        raise ValueError("a tensor is not as long as its shape says")
    return Tensor(dtype=dtype, shape=tuple(shape), start=data + start, size=end - start)


def _check_places(tensors: Mapping[str, Tensor], data: int, size: int) -> None:
    """Each byte belongs to one tensor.

    Raises:
        ValueError: some belong to none or to several.
    """
    place = data
    for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.start, tensor.size)):
        if tensor.start != place:
            raise ValueError("its tensors overlap or leave holes")
        place += tensor.size
    if not tensors or place != size:
        raise ValueError("it is not as long as its header says")


def _misfit(one: TensorFile, other: TensorFile) -> str:
    """The name of a tensor that another file has not, or has in another form, or whose mean cannot be taken."""
    for name in sorted({*one.tensors, *other.tensors}):
        here, there = one.tensors.get(name), other.tensors.get(name)
        if here is None or there is None or (here.dtype, here.shape) != (there.dtype, there.shape):
            return name
        if here.dtype not in FLOATS and here.dtype not in COUNTED:
            return name
    return ""


def _by_width(tensors: Iterable[tuple[str, Tensor, int]]) -> list[tuple[str, Tensor, int]]:
    """In an order that puts each at a multiple of its numbers' size: the widest first."""
    return sorted(tensors, key=lambda named: -BYTES[named[1].dtype])


def _header(ordered: Sequence[tuple[str, Tensor, int]], metadata: Mapping[str, str]) -> bytes:
    header: dict[str, Any] = {METADATA: dict(metadata)}
    place = 0
    for name, tensor, _ in ordered:
        ends = [place, place + tensor.size]
        header[name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": ends}
        place += tensor.size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


@contextmanager
def _opened(files: Sequence[TensorFile]) -> Iterator[list[BinaryIO]]:
    with ExitStack() as stack:
        yield [stack.enter_context(file.path.open("rb")) for file in files]


def _copy(source: BinaryIO, tensor: Tensor, target: BinaryIO) -> None:
    source.seek(tensor.start)
    target.writelines(source.read(min(AT_ONCE, tensor.size - done)) for done in range(0, tensor.size, AT_ONCE))


def _mean(tensors: Sequence[tuple[BinaryIO, Tensor]], target: BinaryIO) -> None:
    dtype = tensors[0][1].dtype
    width, numbers = BYTES[dtype], prod(tensors[0][1].shape)
    for done in range(0, numbers, AT_ONCE):
        count = min(AT_ONCE, numbers - done)
        total = np.zeros(count)
        for source, tensor in tensors:
            source.seek(tensor.start + done * width)
            total += _numbers(source.read(count * width), dtype)
        target.write(_bytes(total / len(tensors), dtype))


def _numbers(data: bytes, dtype: str) -> NDArray[Any]:
    read = np.frombuffer(data, FLOATS[dtype])
    return (read.astype("<u4") << 16).view("<f4") if dtype == "BF16" else read


def _bytes(values: NDArray[np.float64], dtype: str) -> bytes:
    if dtype != "BF16":
        return values.astype(FLOATS[dtype]).tobytes()
    bits = values.astype("<f4").view("<u4")
    nearest: NDArray[np.uint32] = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16  # half-way: to the even
    return nearest.astype("<u2").tobytes()
