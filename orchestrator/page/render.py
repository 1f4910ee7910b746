"""The page of a run, as one string of HTML that loads nothing: style, script and pictures are inside.

Whatever is text is escaped by Jinja2; only the charts, made here, and our own two files are put in as they are. The
content security policy of the page names the checksums of those two, so that no other style or script would run.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateError
from markupsafe import Markup

from orchestrator.errors import AutoModelError
from orchestrator.growing import growing_file
from orchestrator.page import charts, confusion, words
from orchestrator.page.answer import answer
from orchestrator.page.commands import reproduce_command, run_path
from orchestrator.page.facts import read_facts
from orchestrator.page.templates import checksum, open_templates, read_ours

if TYPE_CHECKING:
    from pathlib import Path

    from jinja2 import Environment

    from orchestrator.page.facts import RunFacts

REPORT = "report.html"
SECTIONS = {
    "answer": "The answer",
    "now": "What happens now",
    "progress": "Accuracy by iteration",
    "changes": "What each iteration changed",
    "curves": "Learning curves",
    "confusion": "Confusion matrix",
    "classes": "Accuracy of each class",
    "calibration": "Calibration",
    "mistakes": "Most confident mistakes",
    "dataset": "The dataset",
    "audit": "Can the number be believed?",
    "bill": "The bill",
    "use": "How to use the model",
    "again": "How to make it again",
}
"""In the order of the page; each is a template."""
SIDE, GAP, CAPTIONS = 112, 4, 30
"""Pixels of the sheet that `harness.sheet` draws: a thumbnail, what is between two, and two lines below."""


@dataclass(frozen=True)
class Section:
    """A part of the page, which is replaced as a whole when it has changed."""

    key: str
    title: str
    html: Markup

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.html.encode()).hexdigest()[:16]


def write_report(run: Path, datasets: Path) -> Path:
    """Write `report.html` into a run's folder, whole or not at all. `datasets`: where prepared datasets are.

    Raises:
        AutoModelError: the folder holds no run, or a damaged one.
        OSError: it could not be written.
    """
    page = render_page(read_facts(run, datasets), live=False)
    with growing_file(run / REPORT) as file:
        file.write(page)
    return run / REPORT


def try_report(run: Path, datasets: Path) -> str:
    """Write it, and say where it is; all that it shows is kept already, so without it nothing is lost."""
    try:
        return f"The page: {write_report(run, datasets)}"
    except (AutoModelError, OSError, TemplateError) as error:
        return f"The page could not be written ({error}); to try again: automodel report {run}"


def render_page(facts: RunFacts, *, live: bool) -> str:
    """The whole page; `live`: it listens for what changes."""
    style, script = read_ours("page.css"), read_ours("page.js")
    sections = render_sections(facts, live=live)
    policy = (
        f"default-src 'none'; img-src data:; style-src '{checksum(style)}'; script-src '{checksum(script)}'; "
        f"base-uri 'none'; form-action 'none'{'; connect-src ' + repr('self') if live else ''}"
    )
    return (
        _environment()
        .get_template("page.html")
        .render(facts=facts, live=live, policy=policy, style=style, script=script, sections=sections)
    )


def render_sections(facts: RunFacts, *, live: bool) -> list[Section]:
    """Each part of the page, in order."""
    context = _context(facts, live=live)
    return [_section(key, context) for key in SECTIONS]


def render_now(facts: RunFacts) -> Section:
    """The part of a live page that changes while nothing else does."""
    return _section("now", {"facts": facts, "live": True, "summary": facts.summary, "now_curve": _now(facts)})


def _section(key: str, context: dict[str, Any]) -> Section:
    html = _environment().get_template(f"sections/{key}.html").render(context)
    return Section(key, SECTIONS[key], Markup(html.strip()))  # noqa: S704 - the template has escaped it


def _context(facts: RunFacts, *, live: bool) -> dict[str, Any]:
    """What the templates of the sections are filled in with."""
    summary = facts.summary
    test, classes = (summary.test, summary.classes) if summary else (None, ())
    drawn = _curves(facts)
    accuracies, left_out = confusion.class_accuracies(test, classes) if test else ([], 0)
    return {
        "facts": facts,
        "live": live,
        "summary": summary,
        "answer": answer(facts),
        "progress": charts.progress(facts.turns, facts.best),
        "curves": {
            "accuracy": charts.curves("accuracy", "Accuracy on the tuning images, by epoch", charts.ACCURACY, drawn),
            "loss": charts.curves("loss", "Training loss, by epoch", charts.LOSS, drawn),
            "drawn": [(curve, facts.turns[place]) for place, curve in _numbered(facts, drawn)],
        },
        "now_curve": _now(facts),
        "matrix": confusion.confusion_matrix(test, classes) if test else None,
        "pairs": confusion.worst_pairs(test, classes) if test else [],
        "accuracies": accuracies,
        "left_out": left_out,
        "reliability": charts.reliability(test.reliability) if test and test.reliability else None,
        "run": run_path(facts),
        "again": reproduce_command(facts),
    }


def _curves(facts: RunFacts) -> list[charts.Curve]:
    """Of every iteration; shown at first: the draft's, the best one's and the latest."""
    trained = [turn for turn in facts.turns if turn.curve]
    first = {trained[0].number, trained[-1].number, facts.best} if trained else set()
    return [charts.Curve(turn.number, turn.curve, turn.number in first) for turn in trained]


def _numbered(facts: RunFacts, drawn: list[charts.Curve]) -> list[tuple[int, charts.Curve]]:
    places = {turn.number: place for place, turn in enumerate(facts.turns)}
    return [(places[curve.number], curve) for curve in drawn]


def _now(facts: RunFacts) -> Markup:
    """The training that goes on, beside the best one so far."""
    best = [charts.Curve(facts.turn.number, facts.turn.curve, shown=True)] if facts.turn else []
    going = [charts.Curve(len(facts.turns) + job, curve, shown=True) for job, curve in enumerate(facts.now.curves)]
    if facts.summary or not going:
        return Markup()
    title = f"Accuracy of the training that goes on{', and of the best so far' if best else ''}, by epoch"
    return charts.curves("now", title, charts.ACCURACY, [*best, *going])


@cache
def _environment() -> Environment:
    environment = open_templates()
    filters = ("percent", "points", "duration", "money", "count", "moment", "several", "sentence")
    environment.filters |= {name: getattr(words, name) for name in filters}
    environment.filters |= {"picture": _picture, "bar": charts.bar, "curve_css": charts.curve_css}
    environment.globals |= {"SIDE": SIDE, "STEP": SIDE + GAP, "ROW": SIDE + GAP + CAPTIONS, "GAP": GAP}
    return environment


def _picture(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
