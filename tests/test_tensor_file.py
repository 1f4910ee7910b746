"""Weights as bytes: what torch wrote is averaged and stacked without torch, and what lies is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.tensor_file import InvalidTensorsError, read_header, write_mean, write_stack

if TYPE_CHECKING:
    from pathlib import Path


def raw(path: Path, header: object, data: bytes = b"") -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def entry(dtype: str, shape: list[Any], start: int, end: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


@pytest.mark.parametrize(
    ("header", "data", "says"),
    [
        ({}, b"", "not as long"),
        ([], b"", "no safetensors"),
        (b"[" * 100_000, b"", "no safetensors"),
        ({"a": entry("F32", [1], 0, 4)}, b"", "not as long as its header"),
        ({"a": entry("F32", [1], 0, 4)}, b"12345", "not as long as its header"),
        ({"a": entry("F32", [2], 0, 4)}, b"1234", "as its shape"),
        ({"a": entry("F32", [1], 0, 4), "b": entry("F32", [1], 2, 6)}, b"123456", "overlap"),
        ({"a": entry("F32", [1], 0, 4), "b": entry("F32", [1], 6, 10)}, b"1234567890", "holes"),
        ({"a": entry("F32", [-1], 0, -4)}, b"", "no number"),
        ({"a": entry("F32", [True], 0, 4)}, b"1234", "no number"),
        ({"a": entry("F32", [1.0], 0, 4)}, b"1234", "no number"),
        ({"a": entry("F3", [1], 0, 4)}, b"1234", "F3"),
        ({"a": {"dtype": "F32"}}, b"", "shape"),
        ({"a": entry("U8", [1] * 100_000, 0, 1)}, b"1", "out of all bounds"),
        ({"a": entry("U8", [10**4000, 0], 0, 0)}, b"", "out of all bounds"),
        (b'{"a": {"dtype":"U8","shape":[0],"data_offsets":[0,0]}, "a": 1}', b"", "twice"),
        (b'{"a": {"dtype":"U8","shape":[' + b"9" * 5000 + b'],"data_offsets":[0,0]}}', b"", "no safetensors"),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, header: object, data: bytes, says: str) -> None:
    with pytest.raises(InvalidTensorsError, match=says):
        read_header(raw(tmp_path / "weights", header, data))


def test_a_header_that_promises_a_trillion_bytes_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes((1 << 40).to_bytes(8, "little") + b"{}")

    with pytest.raises(InvalidTensorsError, match="too long"):
        read_header(tmp_path / "weights")


@pytest.mark.torch
def test_the_mean_is_what_torch_would_take(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file  # noqa: PLC0415 - heavy

    def state(seed: int) -> dict[str, Any]:
        torch.manual_seed(seed)
        kinds = {"half": torch.float16, "brain": torch.bfloat16, "single": torch.float32, "double": torch.float64}
        floats = {name: torch.randn(7, 3, 5).to(kind) for name, kind in kinds.items()}
        return floats | {"norm.num_batches_tracked": torch.tensor(seed), "mask": torch.tensor([True, seed == 1])}

    states = [state(seed) for seed in (1, 2, 3)]
    for index, each in enumerate(states):
        save_file(each, tmp_path / f"{index}", metadata={"other": "single"})
    files = [read_header(tmp_path / f"{index}") for index in range(3)]

    write_mean(files, tmp_path / "mean")

    found = load_file(tmp_path / "mean")
    assert read_header(tmp_path / "mean").metadata == {"other": "single"}
    for name, tensor in found.items():
        those = [state[name] for state in states]
        mean = torch.stack([one.double() for one in those]).mean(0).to(tensor.dtype)
        wanted = mean if tensor.dtype.is_floating_point else those[0]
        assert torch.equal(tensor, wanted), name


@pytest.mark.torch
def test_the_stack_holds_every_tensor_under_its_members_name(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file  # noqa: PLC0415 - heavy

    states = [
        {"a": torch.full((3,), float(seed)), "b": torch.tensor(seed), "c": torch.ones(5, dtype=torch.uint8)}
        for seed in (1, 2)
    ]
    for index, each in enumerate(states):
        save_file(each, tmp_path / f"{index}")

    write_stack([read_header(tmp_path / f"{index}") for index in range(2)], tmp_path / "stack", "members.")

    found = load_file(tmp_path / "stack")
    assert set(found) == {f"members.{index}.{name}" for index in range(2) for name in "abc"}
    assert all(
        torch.equal(found[f"members.{index}.{name}"], states[index][name]) for index in range(2) for name in "abc"
    )


@pytest.mark.parametrize("other", [entry("F32", [1, 1], 0, 4), entry("I32", [1], 0, 4)])
def test_files_that_do_not_fit_have_no_mean(tmp_path: Path, other: dict[str, object]) -> None:
    one = read_header(raw(tmp_path / "one", {"a": entry("F32", [1], 0, 4)}, b"1234"))

    with pytest.raises(InvalidTensorsError, match=r"does not fit .*: see the tensor a"):
        write_mean([one, read_header(raw(tmp_path / "two", {"a": other}, b"1234"))], tmp_path / "mean")


def test_numbers_that_cannot_be_averaged_are_refused(tmp_path: Path) -> None:
    files = [read_header(raw(tmp_path / name, {"a": entry("F8_E4M3", [4], 0, 4)}, b"1234")) for name in "xy"]

    with pytest.raises(InvalidTensorsError, match="tensor a"):
        write_mean(files, tmp_path / "mean")
