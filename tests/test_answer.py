"""An answer has one length, and whatever bytes of that length are read without harm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.answer import ERROR_BYTES, PROBLEM_BYTES, Answer, InvalidAnswerError, answer_bytes


def test_what_was_written_is_read() -> None:
    answer = Answer(error="ValueError: ü", problems=("", "no image inside"), logits=(b"12345678", bytes(8)))

    assert answer == Answer.parse(answer.dump(), images=2, classes=2)


def test_no_images_are_an_answer_too() -> None:
    answer = Answer(problems=(), logits=())

    assert answer == Answer.parse(answer.dump(), images=0, classes=3)


def test_long_texts_are_cut_and_controls_left_out() -> None:
    answer = Answer(error="e" * 1000, problems=("\x1b[31m" + "ü" * 1000,), logits=(bytes(4),))

    read = Answer.parse(answer.dump(), images=1, classes=1)

    assert read.error == "e" * ERROR_BYTES
    assert read.problems[0].startswith("[31mü")
    assert len(read.problems[0].encode()) <= PROBLEM_BYTES + 2  # a letter that was cut in two


@pytest.mark.parametrize("by", [-1, 1])
def test_another_length_is_refused(by: int) -> None:
    data = bytes(answer_bytes(3, 2) + by)

    with pytest.raises(InvalidAnswerError, match="of 3 images x 2 classes"):
        Answer.parse(data, images=3, classes=2)


@given(st.binary(min_size=answer_bytes(1, 1), max_size=answer_bytes(1, 1)))
def test_any_bytes_of_that_length_are_read(data: bytes) -> None:
    answer = Answer.parse(data, images=1, classes=1)

    assert data[-4:] == answer.logits[0]
    assert all(char.isprintable() or char in "\n\t" for text in (answer.error, *answer.problems) for char in text)
