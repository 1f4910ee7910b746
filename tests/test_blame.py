"""Whose fault it is: by the text of a traceback, else by the owner of the step."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.blame import BrokenContractError, blame, culprit

FRAME = '  File "/job/input/components/{}.py", line 3, in f\n'


def test_the_component_named_last_did_it() -> None:
    text = FRAME.format("train") + FRAME.format("data") + '  File "/lib/torch/nn.py", line 9, in g\n'

    assert culprit(text) == "data"


def test_a_component_in_a_message_or_a_source_line_did_nothing() -> None:
    text = FRAME.format("train") + "    from components.model import x\nImportError: components/data.py\n"

    assert culprit(text) == "train"


def test_where_none_is_named_it_is_the_owner_of_the_step() -> None:
    assert blame(ValueError("odd"), "model", Path("/job/input")).culprit == "model"


def test_a_broken_contract_names_its_culprit() -> None:
    fault = blame(BrokenContractError("data", "no floats"), "model", Path("/job/input"))

    assert (fault.culprit, fault.error) == ("data", "no floats")


def test_an_error_of_a_loader_process_is_told_as_it_was_there() -> None:
    text = "Caught NameError in DataLoader worker process 0.\nOriginal Traceback:\n" + FRAME.format("data")
    fault = blame(NameError(text + "NameError: name 'x' is not defined"), "train", Path("/job/input"))

    assert (fault.culprit, fault.error) == ("data", "NameError: name 'x' is not defined")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("CUDA error: out of memory", True),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)", True),
        ("[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory", True),
        ("mat1 and mat2 shapes cannot be multiplied", False),
    ],
)
@pytest.mark.torch
def test_out_of_memory_is_told_by_its_words(message: str, expected: bool) -> None:
    from harness.blame import is_out_of_memory  # noqa: PLC0415

    assert expected == is_out_of_memory(RuntimeError(message))
