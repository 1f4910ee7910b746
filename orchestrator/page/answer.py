"""What a run came to, before everything else: the number, how sure it is, what it means beside cheaper answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from orchestrator.page.charts import Rung, ladder
from orchestrator.page.words import percent, points, several
from orchestrator.selection import chance_in_words

if TYPE_CHECKING:
    from markupsafe import Markup

    from orchestrator.page.facts import RunFacts
    from orchestrator.page.records import Summary

CLEAR = 0.05
"""Chance of luck below which a difference is said to be none."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The first thing that is read."""

    number: str
    """`97.2 %`; empty where nothing has trained yet."""
    what: str
    """What the number is."""
    sentences: tuple[str, ...]
    """What it means."""
    ladder: Markup | None


def answer(facts: RunFacts) -> Answer:
    """Of a run that is over, the test images' word; before that, the best so far."""
    return _final(facts.summary) if facts.summary else _so_far(facts)


def _final(summary: Summary) -> Answer:
    test, draft, images = summary.test, summary.zero_shot, summary.test.images
    rungs = [Rung("Most frequent class", summary.majority, None, "rival")]
    if draft and summary.best_iteration:
        rungs.append(Rung("First draft", draft.test.accuracy, draft.test.interval, "rival"))
    rungs.append(Rung("This model", test.accuracy, test.interval, "kept"))
    low, high = (percent(end, images) for end in test.interval)
    sentences = [
        f"95 % interval: {low} to {high}. No choice was made on these images: they were scored once, at the end.",
        f"Always naming the most frequent class would be right about {percent(summary.majority, images)}.",
        *_draft(summary),
        *_seeds(summary),
        *([summary.ending.sentence] if summary.ending else []),
    ]
    what = f"of {images:,} test images are classified right"
    number = percent(test.accuracy, images)
    return Answer(number=number, what=what, sentences=tuple(sentences), ladder=ladder(rungs, images))


def _draft(summary: Summary) -> list[str]:
    """What all the changes after the first draft were good for."""
    draft, test = summary.zero_shot, summary.test
    if draft is None:
        return ["The first draft has no number on these images: it crashed, or took too long."]
    if not summary.best_iteration and not summary.ending:
        return [f"It is the first draft: none of {several(summary.iterations, 'change')} proved better in the end."]
    gain = 100 * (test.accuracy - draft.test.accuracy)
    said = (
        f"The first draft, before any change, was right about {percent(draft.test.accuracy, test.images)} of the same "
        f"images: {points(gain, test.images)} points"
    )
    if draft.luck is None:
        return [f"{said}."]
    clear = draft.luck <= CLEAR
    judged = "more than luck would bring" if clear else "which may be luck" if gain > 0 else "no gain"
    return [f"{said}, {judged} (paired test, {chance_in_words(draft.luck)})."]


def _seeds(summary: Summary) -> list[str]:
    tested = summary.seeds.test
    if len(tested.seeds) < 2:
        return []
    return [
        f"Trained with {len(tested.seeds)} seeds, the same pipeline is right about {percent(tested.mean)} in the mean."
    ]


def _so_far(facts: RunFacts) -> Answer:
    turn = facts.turn
    if turn is None or turn.accuracy is None:
        return Answer(number="", what="Nothing has trained yet.", sentences=(), ladder=None)
    low, high = (percent(end, turn.images) for end in turn.interval)
    sentences = (
        f"That is iteration {turn.number}, the best so far: {turn.change}.",
        f"95 % interval: {low} to {high}. The best of several flatters; the test images are scored once, at the end.",
    )
    what = f"of {turn.images:,} validation images are classified right"
    return Answer(number=percent(turn.accuracy, turn.images), what=what, sentences=sentences, ladder=None)
