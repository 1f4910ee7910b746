"""The charts: accuracy by iteration, learning curves, how far to trust its confidence, the answer beside its rivals."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from orchestrator.page import svg
from orchestrator.page.words import percent, several
from orchestrator.scoring import wilson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from orchestrator.page.records import Bin
    from orchestrator.page.turns import Turn

SQUARE = 460
"""Pixels of the diagram of confidence, whose two axes are alike."""
COLOURS = 8
"""That the style sheet has for curves; then dashes tell them apart."""
DASHES = 4
LARGEST = 1e9
ACCURACY, LOSS = "tuning_accuracy", "loss"
"""Metrics of a curve: accuracy on the tuning split, and the loss that is learnt from."""


class Rung(NamedTuple):
    """A result, and how sure it is."""

    name: str
    accuracy: float
    interval: tuple[float, float] | None
    css: str


def ladder(rungs: Sequence[Rung], images: int) -> Markup:
    """Results one below the other, on one axis from nothing to all."""

    def draw(width: int) -> tuple[int, list[Markup]]:
        wide = width == svg.WIDE
        left, step = (190.0, 34.0) if wide else (0.0, 52.0)
        scale, height = svg.Scale(0, 1, left + 8, width - 74), round(step * len(rungs)) + 26
        bottom = height - 22
        parts = [svg.line(scale(tick), 4, scale(tick), bottom, "grid") for tick in (0, 0.25, 0.5, 0.75, 1)]
        parts += [
            svg.text(scale(tick), bottom + 16, f"{100 * tick:.0f}", "tick middle") for tick in (0, 0.25, 0.5, 0.75, 1)
        ]
        for place, rung in enumerate(rungs):
            y = step * place + (20 if wide else 38)
            name = svg.text(0, y + 4 if wide else y - 16, rung.name, f"label {rung.css}")
            low, high = rung.interval or (rung.accuracy, rung.accuracy)
            shown = svg.text(width - 4, y + 4, percent(rung.accuracy, images), f"label end {rung.css}")
            marks = (
                svg.line(scale(0), y, scale(rung.accuracy), y, f"stem {rung.css}"),
                svg.line(scale(low), y, scale(high), y, f"whisker {rung.css}"),
                svg.circle(scale(rung.accuracy), y, 5.5, f"dot {rung.css}"),
            )
            parts += [name, *marks, shown]
        return height, parts

    told = "; ".join(f"{rung.name}: {percent(rung.accuracy, images)}" for rung in rungs)
    return svg.figure("ladder", "Test accuracy beside what it has to beat", told, draw)


def progress(turns: Sequence[Turn], standing: int | None) -> Markup:
    """Accuracy on validation by iteration."""
    trained = [turn for turn in turns if turn.accuracy is not None]
    kept = [turn for turn in trained if turn.mark == "kept"]
    ends = [turn.accuracy or 0.0 for turn in trained] + [end for turn in kept for end in turn.interval]
    span = (min(ends, default=0.0), max(ends, default=1.0))

    def draw(width: int) -> tuple[int, list[Markup]]:
        last = max(turns[-1].number, 5) if turns else 5
        margin = 0.06 * (span[1] - span[0])
        plot = svg.Plot.of(
            width, 320 if width == svg.WIDE else 280, (-0.5, last + 0.5), (span[0] - margin, min(1.0, span[1] + margin))
        )
        ticks = plot.x.ticks(12 if width == svg.WIDE else 5, whole=True)
        return plot.height, [
            *plot.axes(ticks, "{:.0f}".format, plot.y.percents, "iteration"),
            *([plot.path(_steps(kept, last), "best-line")] if kept else []),
            *(_mark(plot, turn, standing) for turn in turns),
        ]

    marks = [turn.mark for turn in turns]
    told = ", ".join(f"{marks.count(mark)} {mark}" for mark in ("kept", "discarded", "crashed"))
    best = f"; the best one is iteration {standing}" if standing is not None else ""
    return svg.figure("progress", "Validation accuracy by iteration", f"{len(turns)} iterations: {told}{best}.", draw)


def _steps(kept: Sequence[Turn], last: int) -> list[tuple[float, float]]:
    """The best so far, at each iteration."""
    points: list[tuple[float, float]] = []
    for turn in kept:
        before = points[-1][1] if points else turn.accuracy or 0.0
        points += [(turn.number, before), (turn.number, turn.accuracy or 0.0)]
    return [*points, (last + 0.5, points[-1][1])]


def _mark(plot: svg.Plot, turn: Turn, standing: int | None) -> Markup:
    x = plot.x(turn.number)
    if turn.accuracy is None:
        return svg.grouped(f"{turn.number}: crashed. {turn.change}", svg.cross(x, plot.y.start - 10, 4.5, "crashed"))
    y = plot.y(turn.accuracy)
    edges = [min(max(plot.y(end), plot.y.end), plot.y.start) for end in turn.interval]
    ring = [svg.circle(x, y, 9, "ring")] if turn.number == standing else []
    return svg.grouped(
        f"{turn.number}: {percent(turn.accuracy, turn.images)}, {turn.mark}. {turn.change}",
        svg.line(x, edges[0], x, edges[1], f"whisker {turn.mark}"),
        *ring,
        svg.circle(x, y, 5, f"dot {turn.mark}"),
    )


class Curve(NamedTuple):
    """A learning curve, under the number of its iteration."""

    number: int
    points: Sequence[Mapping[str, float]]
    shown: bool


def curves(name: str, title: str, metric: str, drawn: Sequence[Curve]) -> Markup:
    """One metric of several trainings, by epoch; nothing where none of them has it."""
    lines = [(curve, values) for curve in drawn if (values := _values(curve.points, metric))]
    if not lines:
        return Markup()
    xs = [x for _, values in lines for x, _ in values]
    ys = sorted(y for _, values in lines for _, y in values)
    few = len(ys) // 50  # what few points reach, where a training fell apart, would press the others flat
    low, top = (ys[few], ys[-1]) if metric == ACCURACY else (min(0.0, ys[few]), ys[-1 - few])

    def draw(width: int) -> tuple[int, list[Markup]]:
        narrow = width == svg.NARROW
        plot = svg.Plot.of(width, 240 if narrow else 280, (0, max(1.0, *xs)), (low, top))
        say = plot.y.percents if metric == ACCURACY else "{:g}".format
        parts = plot.axes(plot.x.ticks(4 if narrow else 10, whole=True), "{:.0f}".format, say, "epoch")
        return plot.height, parts + [_curve(plot, curve, values) for curve, values in lines]

    told = f"{several(len(lines), 'training')}, each a line that the boxes below show or hide."
    return svg.figure(name, title, told, draw)


def _values(points: Sequence[Mapping[str, float]], metric: str) -> list[tuple[float, float]]:
    """Epoch and value, where the metric was measured."""
    return [
        (_bounded(point.get("epoch", place + 1.0)), _bounded(point[metric]))
        for place, point in enumerate(points)
        if metric in point
    ]


def _bounded(value: float) -> float:
    """A value that can be drawn: the loss of what diverges may be as large as a number can be."""
    return min(max(value, -LARGEST), LARGEST)


def _curve(plot: svg.Plot, curve: Curve, values: Sequence[tuple[float, float]]) -> Markup:
    more = Markup(' data-curve="{}"').format(curve.number)
    css = f"curve {curve_css(curve.number)}{'' if curve.shown else ' off'}"
    if len(values) == 1:
        ((x, y),) = values
        inside = min(max(plot.y(y), plot.y.end), plot.y.start)
        return Markup('<g class="{}"{}>{}</g>').format(css, more, svg.circle(plot.x(x), inside, 3, "point"))
    return plot.path(values, css, more)


def curve_css(number: int) -> str:
    """Colour and dashes of an iteration, the same everywhere."""
    turned, place = divmod(number, COLOURS)  # 12 and 20, side by side, are of other colours, too
    return f"colour-{(3 * place + turned) % COLOURS} dash-{turned % DASHES}"


def reliability(bins: Sequence[Bin]) -> Markup:
    """How often it is right, of how sure it was."""
    most = max(1, *(each.images for each in bins))

    def draw(side: int) -> tuple[int, list[Markup]]:
        plot = svg.Plot.of(side, side, (0, 1), (0, 1))
        parts = plot.axes([0, 0.2, 0.4, 0.6], plot.x.percents, plot.y.percents, "confidence")
        parts.append(svg.line(plot.x(0), plot.y(0), plot.x(1), plot.y(1), "ideal"))
        for each in bins:
            x, (low, high) = plot.x(each.confidence), wilson(round(each.accuracy * each.images), max(1, each.images))
            parts.append(
                svg.grouped(
                    f"{several(each.images, 'image')}: {percent(each.confidence)} sure, {percent(each.accuracy)} right",
                    svg.line(x, plot.y(low), x, plot.y(high), "whisker kept"),
                    svg.circle(x, plot.y(each.accuracy), 3 + 7 * sqrt(each.images / most), "dot kept see-through"),
                )
            )
        return side, parts

    told = "; ".join(f"{percent(each.confidence)} sure, {percent(each.accuracy)} right" for each in bins)
    return svg.figure("reliability", "Confidence and accuracy", f"{told}.", draw, (SQUARE, svg.NARROW))


def bar(share: float, css: str = "") -> Markup:
    """A bar beside a number that says the same."""
    return Markup(
        '<svg class="bar {}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="rail" width="100" height="8"/><rect width="{:.1f}" height="8"/></svg>'
    ).format(css, 100 * share)
