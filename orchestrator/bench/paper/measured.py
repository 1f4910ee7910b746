"""What one cell of the paper's tables came to: a system, on a dataset, in a trial."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from orchestrator.scoring import Score


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Top-1 on one split, as a table needs it and `summary.json` tells it."""

    accuracy: float
    interval: tuple[float, float]
    """95 %."""
    images: int

    @classmethod
    def of(cls, score: Score) -> Accuracy:
        return cls(accuracy=score.accuracy, interval=score.interval, images=score.images)

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> Accuracy:
        """From JSON; what else stands there is left alone.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        low, high = facts["interval"]
        return cls(accuracy=float(facts["accuracy"]), interval=(float(low), float(high)), images=int(facts["images"]))


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one cell came to."""

    test: Accuracy | None
    """None: nothing that could be scored."""
    problem: str = ""
    """One sentence why not; empty where it was scored."""
    first: Accuracy | None = None
    """On the test images after the first iteration, where there are iterations."""
    validation: Accuracy | None = None
    """Of what was chosen, on the split that chose it."""
    seconds: float
    tokens: int = 0
    usd: float | None = 0.0
    """None: the price of the model is unknown."""
    notes: str = ""
    """What was chosen, e.g. of a grid."""

    def after_first(self) -> Measured:
        """The same for the first iteration, in which nothing was chosen."""
        return replace(self, test=self.first, validation=None)

    def facts(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> Measured:
        """From JSON.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        scores = {name: facts[name] and Accuracy.read(facts[name]) for name in ("test", "first", "validation")}
        return cls(**{**facts, **scores})
