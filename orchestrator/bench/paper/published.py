"""The paper's own tables, read from published.toml: constants with their source."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from orchestrator.errors import SettingsError

FILE = Path(__file__).with_name("published.toml")


class Kaggle(BaseModel):
    """What the paper says of a competition."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rank: int
    teams: int
    top: float
    """Best accuracy on the leaderboard."""
    attempts: int
    """Of the first five, in the mean."""


class Published(BaseModel):
    """One table of the paper."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    title: str
    place: str
    """Where in the paper the numbers stand."""
    datasets: tuple[str, ...]
    """Every protocol of each of its datasets, by the names that `automodel datasets` lists."""
    caveats: tuple[str, ...]
    """What one has to know before comparing anything with it."""
    accuracy: dict[str, dict[str, float]]
    """Dataset -> row -> top-1, 0..1."""
    kaggle: dict[str, Kaggle] = {}

    def find(self, dataset: str, row: str) -> float | None:
        return self.accuracy.get(dataset, {}).get(row)


class Paper(BaseModel):
    """The file."""

    source: str
    tables: tuple[Published, ...]


@cache
def read_paper() -> Paper:
    import tomllib

    return Paper.model_validate(tomllib.loads(FILE.read_text(encoding="utf-8")))


def find_tables(text: str) -> list[Published]:
    """The tables that a user means: `3`, or `1..5`.

    Raises:
        SettingsError: there is no such table.
    """
    tables = {table.number: table for table in read_paper().tables}
    first, _, last = text.partition("..")
    try:
        found = [tables[number] for number in range(int(first), int(last or first) + 1)]
    except (ValueError, KeyError):
        found = []
    if not found:
        raise SettingsError(f"--table {text} names no table of the paper's: say one of 1 to {max(tables)}, or 1..5.")
    return found
