"""The page in a real browser: what a person sees, opens, ticks, and is told."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from harness.report import Event
from orchestrator.page.render import write_report
from orchestrator.progress import Progress
from tests.made_runs import Made, make_run
from tests.test_watch import watching

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
    # Playwright's own event loop and pipes are closed by the garbage collector, whenever that comes round.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
DESKTOP: ViewportSize = {"width": 1200, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 740}
TOP = "each => each.getBoundingClientRect().top"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    made = make_run(tmp_path_factory.mktemp("browsed"), turns=5)
    write_report(made.run, made.datasets)
    return made


class Opened:
    """A page, and everything that it asked for or complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self._request)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))

    def _request(self, request: Request) -> None:
        self.requests.append(request.url)

    def _console(self, message: ConsoleMessage) -> None:
        self.complaints.append(f"{message.type}: {message.text}")


@pytest.fixture
def opened(browser: Browser, made: Made) -> Iterator[Opened]:
    yield from _open(browser, f"file://{made.run}/report.html")


def _open(browser: Browser, address: str, *, dark: bool = False, phone: bool = False) -> Iterator[Opened]:
    context = browser.new_context(viewport=PHONE if phone else DESKTOP, color_scheme="dark" if dark else "light")
    opened = Opened(context.new_page())
    opened.page.goto(address)
    yield opened
    context.close()


def test_it_opens_from_a_file_asks_for_nothing_else_and_complains_of_nothing(opened: Opened, made: Made) -> None:
    opened.page.wait_for_load_state("networkidle")

    outside = [url for url in opened.requests if not url.startswith("data:image/png")]
    assert outside == [f"file://{made.run}/report.html"]
    assert opened.complaints == []


def test_the_answer_is_on_the_first_screen(opened: Opened) -> None:
    box = opened.page.locator("h1 .number").bounding_box()

    assert box
    assert box["y"] + box["height"] < DESKTOP["height"] / 2
    assert re.fullmatch(r"\d+\.\d %", opened.page.locator("h1 .number").inner_text())


@pytest.mark.parametrize("chart", ["ladder", "progress", "accuracy", "loss", "reliability"])
def test_charts_are_drawn_with_marks_inside(opened: Opened, chart: str) -> None:
    svg = opened.page.locator(f"svg.wide:has(#{chart}-wide-title)")
    box = svg.bounding_box()

    assert box
    assert box["width"] > 300
    assert box["height"] > 100
    marks = svg.locator("circle, path").evaluate_all("all => all.map(each => each.getBoundingClientRect())")
    seen = [mark for mark in marks if mark["width"] + mark["height"] > 3]
    assert seen
    assert all(box["x"] - 1 <= mark["x"] <= box["x"] + box["width"] + 1 for mark in seen)


def test_marks_differ_in_shape_and_not_in_colour_alone(opened: Opened) -> None:
    chart = opened.page.locator("svg.wide:has(#progress-wide-title)")

    assert chart.locator("circle.dot.kept").count() == 2
    assert chart.locator("circle.dot.discarded").count() == 2
    assert chart.locator("path.crashed").count() == 1
    fills = {
        chart.locator(f".dot.{mark}").first.evaluate("each => getComputedStyle(each).fill")
        for mark in ("kept", "discarded")
    }
    assert len(fills) == 2


def test_a_change_opens_by_keyboard_and_shows_its_diff(opened: Opened) -> None:
    turn = opened.page.locator("#iteration-4")
    assert not turn.locator(".inside > .diff").first.is_visible()
    turn.locator("> summary").focus()
    opened.page.keyboard.press("Enter")

    assert turn.locator(".inside > .diff .added").first.is_visible()
    added, removed = (
        turn.locator(f".inside > .diff .{kind}").first.evaluate("each => getComputedStyle(each).backgroundColor")
        for kind in ("added", "removed")
    )
    assert added != removed


def test_everything_that_opens_is_reached_by_tab_and_shows_the_focus(opened: Opened) -> None:
    reached = []
    for _ in range(60):
        opened.page.keyboard.press("Tab")
        found = opened.page.evaluate(
            "() => { const e = document.activeElement; const s = getComputedStyle(e);"
            " return [e.tagName, e.parentElement?.id || '', s.outlineStyle, parseFloat(s.outlineWidth)]; }"
        )
        reached.append(found)

    assert reached[0][0] == "A"
    assert {f"iteration-{number}" for number in range(5)} <= {owner for tag, owner, *_ in reached if tag == "SUMMARY"}
    assert all(style != "none" and width >= 1 for tag, _, style, width in reached if tag != "BODY")


def test_learning_curves_are_compared_by_ticking_boxes(opened: Opened) -> None:
    line, box = opened.page.locator("svg.wide [data-curve='1']").first, opened.page.locator("#curve-1")
    assert not line.is_visible()
    box.check()
    assert line.is_visible()
    box.uncheck()
    assert not line.is_visible()


def test_thumbnails_are_cut_out_of_the_one_picture(opened: Opened) -> None:
    shots = opened.page.locator(".shots svg")

    assert shots.count() == 24
    box = shots.first.bounding_box()
    assert box
    assert abs(box["width"] - box["height"]) < 1


def test_dark_and_light_have_colours_of_their_own_with_enough_contrast(browser: Browser, made: Made) -> None:
    found = {}
    for dark in (False, True):
        for opened in _open(browser, f"file://{made.run}/report.html", dark=dark):
            opened.page.locator("#iteration-4 > summary").click()
            found[dark] = opened.page.evaluate(CONTRASTS)

    assert found[False]["paper"] != found[True]["paper"]
    for dark in (False, True):
        assert {name: ratio for name, ratio in found[dark]["ratios"].items() if ratio < 4.5} == {}
        assert len(found[dark]["ratios"]) > 10


CONTRASTS = """() => {
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = (rgb) => [0.2126, 0.7152, 0.0722].reduce((sum, part, i) => sum + part * linear(rgb[i] / 255), 0);
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * (top[3] ?? 1) + below[i] * (1 - (top[3] ?? 1)));
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(numbers(getComputedStyle(at).backgroundColor));
    return layers.reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const ratios = {};
  for (const each of document.querySelectorAll("body *:not(svg *, script)")) {
    const words = [...each.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!words || !each.checkVisibility()) continue;
    const [low, high] = [numbers(getComputedStyle(each).color), behind(each)].map(light).sort((a, b) => a - b);
    const name = `${each.tagName} ${each.className} ${getComputedStyle(each).color}`;
    ratios[name] = Math.min(ratios[name] ?? 99, (high + 0.05) / (low + 0.05));
  }
  return { paper: getComputedStyle(document.body).backgroundColor, ratios };
}"""


def test_a_phone_needs_no_scrolling_sideways(browser: Browser, made: Made) -> None:
    for opened in _open(browser, f"file://{made.run}/report.html", phone=True):
        for summary in opened.page.locator("summary").all():
            if summary.is_visible():
                summary.click()
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        assert opened.page.locator("svg.narrow").first.is_visible()
        assert not opened.page.locator("svg.wide").first.is_visible()


def test_what_is_read_aloud_has_names(opened: Opened) -> None:
    tree = json.dumps(opened.page.locator("body").aria_snapshot())

    for heading in ("What each iteration changed", "Learning curves", "Confusion matrix", "The bill"):
        assert f'heading \\"{heading}\\" [level=2]' in tree
    assert 'img \\"Validation accuracy by iteration' in tree
    assert 'navigation \\"On this page\\"' in tree


def test_without_script_the_page_is_whole(browser: Browser, made: Made) -> None:
    context = browser.new_context(viewport=DESKTOP, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"file://{made.run}/report.html")

    assert page.locator("#iteration-3 > summary").is_visible()
    assert page.locator("svg.wide:has(#progress-wide-title)").is_visible()
    context.close()


def test_what_happens_arrives_and_what_was_opened_stays_open(browser: Browser, tmp_path: Path) -> None:
    made = make_run(tmp_path, turns=4, finished=False)
    with watching(made, str(made.run)) as address, closing(Progress(made.run)) as progress:
        for opened in _open(browser, f"{address}/"):
            page = opened.page
            page.locator("#iteration-1 > summary").click()
            page.locator("#curve-1").check()
            page.locator("#iteration-1").evaluate("each => each.scrollIntoView({behavior: 'instant'})")
            top = page.locator("#iteration-1").evaluate(TOP)
            progress.phase("iteration 4: a wider stem")
            progress.event(Event(kind="epoch", metrics={"epoch": 1.0, "tuning_accuracy": 0.5}))
            progress.event(Event(kind="epoch", metrics={"epoch": 2.0, "tuning_accuracy": 0.75}))
            page.locator("#now .phase", has_text="a wider stem").wait_for()
            page.locator("#now svg.wide [data-curve='4']").wait_for()
            assert page.locator("#told").inner_text() == "iteration 4: a wider stem"

            grow(made, tmp_path / "longer")
            page.locator("#iteration-4").wait_for()
            assert page.locator("#iteration-1").get_attribute("open") is not None
            assert page.locator("#curve-1").is_checked()
            assert page.locator("svg.wide [data-curve='1']").first.is_visible()
            assert abs(page.locator("#iteration-1").evaluate(TOP) - top) < 200

            finish(made, tmp_path / "finished")
            page.locator("h2", has_text="This run is over").wait_for()
            page.locator("#confusion table").wait_for()
            assert opened.complaints == []


def grow(made: Made, elsewhere: Path) -> None:
    """Let the run have one iteration more."""
    longer = make_run(elsewhere, turns=5, finished=False)
    (longer.run / "journal.jsonl").rename(made.run / "journal.jsonl")  # at once: a journal never gets shorter


def finish(made: Made, elsewhere: Path) -> None:
    """Let the run be over."""
    over = make_run(elsewhere, turns=5)
    shutil.copytree(over.run, made.run, dirs_exist_ok=True)
