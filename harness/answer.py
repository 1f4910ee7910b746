"""What a job that serves says of one request: written there, read here, in exactly so many bytes.

First why there are no logits at all, if so; then for each image why it cannot be read, if so, and its logits: float32,
little-endian. Texts are UTF-8 of fixed length, filled up with zeros. Nothing here needs more than Python.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.report import printable

ERROR_BYTES = 400
PROBLEM_BYTES = 160


class InvalidAnswerError(ValueError):
    """Raised when an answer has not the one length that it can have."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Of one request."""

    error: str = ""
    """Why the model gave no logits."""
    problems: tuple[str, ...]
    """Of each image; empty where it could be read."""
    logits: tuple[bytes, ...]
    """Of each image; zeros where there are none."""

    def dump(self) -> bytes:
        rows = zip(self.problems, self.logits, strict=True)
        images = (_fixed(problem, PROBLEM_BYTES) + logits for problem, logits in rows)
        return _fixed(self.error, ERROR_BYTES) + b"".join(images)

    @classmethod
    def parse(cls, data: bytes, images: int, classes: int) -> Answer:
        """Read an answer strictly.

        Raises:
            InvalidAnswerError: its length is another one.
        """
        if len(data) != answer_bytes(images, classes):
            wanted = f"the {answer_bytes(images, classes)} of {images} images x {classes} classes"
            raise InvalidAnswerError(f"The answer is {len(data)} bytes, not {wanted}.")
        row = PROBLEM_BYTES + 4 * classes
        starts = range(ERROR_BYTES, len(data), row)
        return cls(
            error=_text(data[:ERROR_BYTES]),
            problems=tuple(_text(data[at : at + PROBLEM_BYTES]) for at in starts),
            logits=tuple(data[at + PROBLEM_BYTES : at + row] for at in starts),
        )


def answer_bytes(images: int, classes: int) -> int:
    return ERROR_BYTES + images * (PROBLEM_BYTES + 4 * classes)


def _fixed(text: str, size: int) -> bytes:
    return text.encode("utf-8", "replace")[:size].ljust(size, b"\0")


def _text(data: bytes) -> str:
    return printable(data.rstrip(b"\0").decode("utf-8", "replace"))
