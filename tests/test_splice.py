"""What a model sends of a file is put into the whole of it."""

from __future__ import annotations

import pytest

from orchestrator.engineer import LENDINGS, complete, lend
from orchestrator.splice import splice
from orchestrator.static_check import LARGEST, undefined_names

WHOLE = '''"""Trains."""

from __future__ import annotations

import torch

EPOCHS = 3  # few


def train(model, task, run):
    # the loop
    for _ in range(EPOCHS):
        step(model, run)
'''
HELPER = "def step(model, run):\n    torch.no_grad()\n"


def test_a_function_that_was_missing_comes_before_the_first() -> None:
    whole = splice(WHOLE, f"from __future__ import annotations\n\nimport torch\nimport math\n\n{HELPER}")

    assert whole == WHOLE.replace("\n\n\ndef train", f"\n\n\nimport math\n\n\n\n{HELPER}\n\ndef train")
    compile(whole, "train.py", "exec")


def test_what_has_a_name_already_is_replaced_where_it_stands() -> None:
    whole = splice(WHOLE, "EPOCHS = 9\n\ndef train(model, task, run):\n    pass\n")

    assert (
        whole.replace("\n", "")
        == '"""Trains."""from __future__ import annotationsimport torchEPOCHS = 9def train(model, task, run):    pass'
    )
    assert whole.count("def train") == 1


def test_a_reply_with_the_required_function_is_the_whole_file() -> None:
    new = "def train(model, task, run):\n    pass\n"

    assert complete("train", new, WHOLE) == new


def test_a_reply_without_it_is_a_part() -> None:
    assert "def train" in complete("train", HELPER, WHOLE)
    assert HELPER.strip() in complete("train", HELPER, WHOLE)


@pytest.mark.parametrize(("part", "before"), [("def step(", WHOLE), (HELPER, ""), ("", WHOLE), (HELPER, "def train(")])
def test_what_cannot_be_put_together_stays_as_it_was_sent(part: str, before: str) -> None:
    assert complete("train", part, before) == part


def test_helpers_that_a_reply_takes_for_granted_are_lent_with_what_they_need() -> None:
    known = (
        "import math\nimport torch\n\nRATE = 2\n\ndef other():\n    pass\n\ndef step(model, run):\n    math.log(RATE)\n"
    )

    whole = lend(WHOLE, "", known)

    assert undefined_names(WHOLE) == {"step"}
    assert undefined_names(whole) == set()
    assert "def other" not in whole
    compile(whole, "train.py", "exec")


@pytest.mark.parametrize("known", ["", "def nothing(): pass", "def step("])
def test_what_nobody_defines_stays_undefined(known: str) -> None:
    assert lend(WHOLE, known) == WHOLE


def test_what_lends_without_end_is_followed_so_far_and_no_further() -> None:
    chain = "".join(f"def step{n or ''}():\n    step{n + 1}()\n" for n in range(3 * LENDINGS))

    assert undefined_names(lend(WHOLE, chain)) == {f"step{LENDINGS}"}


def test_nothing_is_lent_to_what_is_too_long_for_any_component() -> None:
    long = WHOLE + "# on and on\n" * LARGEST

    assert lend(long, HELPER) == long
