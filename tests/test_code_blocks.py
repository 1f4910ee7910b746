"""Components are found in a reply however it is laid out: small models keep to no format for long."""

from __future__ import annotations

import pytest

from orchestrator.code_blocks import find_file, find_files, prose

DATA = "def train_transform(task):\n    pass\n\ndef eval_transform(task):\n    pass\n"
MODEL = "def build_model(task):\n    pass\n"
TRAIN = "def train(model, task, run):\n    pass\n"
FILES = {"data": DATA, "model": MODEL, "train": TRAIN}


def fence(code: str, info: str = "python") -> str:
    return f"```{info}\n{code}```"


@pytest.mark.parametrize(
    "label",
    [
        "`{}.py`\n\n```python\n",
        "### {}.py\n```\n",
        "**{}.py**:\n~~~py\n",
        "```python {}.py\n",
        "```python title={}.py\n",
    ],
)
def test_a_label_near_the_fence_says_which_file_it_is(label: str) -> None:
    end = "~~~" if "~~~" in label else "```"
    reply = "A plan.\n\n" + "\n\n".join(f"{label.format(name)}{code}{end}" for name, code in FILES.items())

    assert find_files(reply) == FILES
    assert prose(reply) == "A plan."


def test_without_a_label_the_functions_say_it() -> None:
    assert find_files("\nand\n".join(map(fence, FILES.values()))) == FILES


@pytest.mark.parametrize("mark", ["# {}.py\n", "# --- {}.py ---\n", "## `{}.py`\n", "#{}.py\n"])
def test_three_files_in_one_block_are_divided_at_their_marks(mark: str) -> None:
    block = fence("\n".join(mark.format(name) + code for name, code in FILES.items()))

    found = find_files(block)

    assert [find.split("\n", 1)[1] for find in found.values()] == list(FILES.values())


def test_a_line_of_a_million_marks_is_read_at_once() -> None:
    code = f"{'#' * (1 << 20)}\n{MODEL}"
    assert find_files(fence(code, "python model.py")) == {"model": code}


def test_three_files_in_one_block_without_marks_serve_as_each() -> None:
    together = DATA + MODEL + TRAIN

    assert find_files(fence(together)) == dict.fromkeys(FILES, together)


def test_of_two_versions_the_last_one_counts() -> None:
    better = MODEL.replace("pass", "return 1")

    assert find_file(fence(MODEL) + "\nNo, better:\n" + fence(better), "model") == better


def test_a_block_that_is_never_closed_goes_to_the_end() -> None:
    assert find_file("Here:\n```python\n" + MODEL, "model") == MODEL


def test_a_reply_that_is_code_and_nothing_else_is_taken() -> None:
    assert find_file(MODEL, "model") == MODEL


def test_code_that_does_not_parse_is_taken_so_that_its_fault_can_be_named() -> None:
    assert find_file(fence("def build_model(task:\n"), "model") == "def build_model(task:\n"


def test_fences_inside_of_a_longer_fence_are_code() -> None:
    code = MODEL + 'DOC = """\n```\nx\n```\n"""\n'

    assert find_file(f"````python\n{code}````", "model") == code


@pytest.mark.parametrize("reply", ["", "I cannot help with that.", "```\n```", "run `rm -rf /` on the host"])
def test_prose_holds_no_file(reply: str) -> None:
    assert not find_file(reply, "model").strip()


def test_the_file_of_a_colleague_is_not_taken_for_ones_own() -> None:
    assert find_file(fence(TRAIN), "model") == ""


@pytest.mark.parametrize(
    "reply",
    [
        "It still fits `model.py`:\n" + fence(DATA),
        fence("# data.py mixes images\n" + DATA),
        "The key part of data.py is:\n" + fence("x = 1\n") + "\nWhole:\n" + fence(DATA),
        fence(DATA) + "\nRun data.py with:\n" + fence("make\n", "bash"),
        "1. The file:\n\n   ```python\n" + "".join(f"   {line}\n" for line in DATA.splitlines()) + "   ```\n",
    ],
)
def test_what_a_block_defines_counts_for_more_than_what_stands_around_it(reply: str) -> None:
    assert find_file(reply, "data").replace("# data.py mixes images\n", "").split() == DATA.split()


def test_a_sentence_about_a_file_does_not_divide_a_block() -> None:
    code = TRAIN + "# model.py has dropout, so the rate is low\nRATE = 1\n"

    assert find_file("`train.py`\n" + fence(code), "train") == code
