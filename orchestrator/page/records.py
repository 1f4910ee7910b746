"""The files of a run's folder that hold records, parsed strictly: the folder may come from anywhere."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from harness.report import printable
from orchestrator.errors import AutoModelError

if TYPE_CHECKING:
    from pathlib import Path

RECORD_BYTES = 64 << 20
"""The confusion matrix of 2,000 classes takes 20 MB in a summary."""
SENTENCE = 1000
"""Characters of a text, of which there are few."""

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Count: TypeAlias = Annotated[int, Field(ge=0, le=1 << 53)]
Words: TypeAlias = Annotated[str, AfterValidator(lambda text: printable(text[:SENTENCE]))]
ClassName: TypeAlias = Annotated[str, AfterValidator(lambda text: printable(text[:80]) or "?")]
"""A class may be called anything that a folder may be called."""


class Record(BaseModel):
    """What is in a file beside these fields is passed over."""

    model_config = ConfigDict(frozen=True, strict=False, extra="ignore")


class ShortScore(Record):
    """A score without its details."""

    accuracy: Share
    interval: tuple[Share, Share]
    images: int = Field(gt=0)


class Bin(Record):
    """As in `scoring`."""

    images: Count
    confidence: Share
    accuracy: Share


class FinalScore(ShortScore):
    """The score of what is given out, on the test images."""

    macro_f1: Share
    log_loss: FiniteFloat
    calibration_error: Share
    per_class: tuple[Share, ...]
    confusion: tuple[tuple[Count, ...], ...]
    reliability: tuple[Bin, ...] = ()
    """Empty in runs of older versions."""


class Ending(Record):
    """What was given out in place of the winner."""

    kind: Words
    sentence: Words
    winner: ShortScore


class ZeroShot(Record):
    """Of the first draft."""

    validation: ShortScore
    test: ShortScore
    luck: FiniteFloat | None = None
    """Chance that luck alone made the difference; None where it is what was given out, and in older versions."""


class Seeds(Record):
    """One training of the winner for each seed."""

    seeds: tuple[int, ...]
    accuracies: tuple[Share, ...]
    mean: Share


class AllSeeds(Record):
    """On both splits."""

    given_out: int
    validation: Seeds
    test: Seeds


class Contender(Record):
    """A pipeline of the finals, with its accuracies on validation, one for each seed."""

    iteration: Count
    change: Words
    validation: tuple[Share, ...] = Field(min_length=1)

    @property
    def mean(self) -> float:
        return sum(self.validation) / len(self.validation)


class Summary(Record):
    """summary.json."""

    ended: Words
    iterations: Count
    failed: Count
    best_iteration: Count
    validation: ShortScore
    test: FinalScore
    ending: Ending | None
    seeds: AllSeeds
    finals: tuple[Contender, ...] = Field(max_length=100)
    zero_shot: ZeroShot | None
    classes: tuple[ClassName, ...]
    dataset_notes: tuple[Words, ...] = Field(max_length=200)
    majority: Share
    seconds: FiniteFloat
    tokens: Count
    usd: FiniteFloat | None


class Same(Record):
    """What must agree for a run to be continued."""

    dataset: Words
    """Its checksum."""
    team: Words
    sandbox: Words


class Versions(Record):
    """What it was made with."""

    automodel: Words
    python: Words
    machine: Words
    commit: Words = ""
    sandbox: dict[Words, Words]


class Hardware(Record):
    """What it was made on."""

    cpu: Words = ""
    cores: float
    gpu: bool


class Manifest(Record):
    """run.json."""

    same: Same
    settings: dict[Words, str | int | float | bool]
    weak: tuple[Words, ...] = ()
    versions: Versions
    hardware: Hardware


class Finding(Record):
    """Of an audit."""

    check: Words
    verdict: Words
    sentence: Words


class Audit(Record):
    """audit.json."""

    findings: tuple[Finding, ...] = Field(max_length=50)


class Reproduction(Record):
    """reproduction.json."""

    reproduced: bool
    sentence: Words


class Mistake(Record):
    """An image of the picture of mistakes."""

    truth: ClassName
    said: ClassName
    confidence: Share


class Mistakes(Record):
    """mistakes.json."""

    columns: int = Field(gt=0, le=100)
    mistakes: tuple[Mistake, ...] = Field(max_length=48)


Kind = TypeVar("Kind", bound=Record)


def read_record(path: Path, kind: type[Kind]) -> Kind | None:
    """What a file holds; None where it is not there.

    Raises:
        AutoModelError: it is damaged.
    """
    content = read_file(path, RECORD_BYTES)
    if content is None:
        return None
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise AutoModelError(
            f"{path} is damaged ({where or 'all of it'}: {first['msg'].lower()}), or of another version: put it back, "
            "or move it away to see the page without it."
        ) from None


def read_file(path: Path, limit: int) -> bytes | None:
    """The bytes of a regular file; None where it is none, or larger than the limit."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(file, "rb") as opened:
        facts = os.fstat(file)
        return opened.read(limit) if stat.S_ISREG(facts.st_mode) and facts.st_size <= limit else None
