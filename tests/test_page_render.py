"""The page as text: whole, escaped, closed to the outside, the same whatever the names in it are."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from harness import sheet
from orchestrator.page import render
from orchestrator.page.facts import read_facts
from orchestrator.page.render import SECTIONS, render_page, render_sections, write_report
from tests.made_runs import CLASSES, HOSTILE, make_run

if TYPE_CHECKING:
    from pathlib import Path

VOID = {"meta", "input", "img", "link", "br"}


class Reader(HTMLParser):
    """The elements of a page, in order; it objects to what is not closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: dict[str, str] = {}
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        self.text[inside] = self.text.get(inside, "") + data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = make_run(tmp_path_factory.mktemp("hostile"))
    return render_page(read_facts(made.run, made.datasets), live=False)


@pytest.fixture(scope="module")
def reader(page: str) -> Reader:
    return Reader(page)


def test_names_and_words_that_are_markup_are_shown_as_text(reader: Reader) -> None:
    assert len(reader.named("script")) == len(reader.named("style")) == 1
    assert "alert" not in reader.text["script"]
    assert reader.text["bdi"].count(HOSTILE) > 3
    assert reader.text["bdi"].count(CLASSES[2]) > 3
    assert not any(name.startswith("on") for _, attributes in reader.elements for name in attributes)


def test_marks_that_turn_text_round_are_gone(page: str) -> None:
    assert not {"\N{RIGHT-TO-LEFT OVERRIDE}", "\N{LEFT-TO-RIGHT ISOLATE}"} & set(page)


def test_nothing_of_the_page_comes_from_elsewhere(reader: Reader) -> None:
    sources = [
        value
        for _, attributes in reader.elements
        for name, value in attributes.items()
        if name in ("src", "href", "srcset", "action", "data", "poster")
    ]

    assert all(source and source.startswith(("#", "data:image/png;base64,")) for source in sources)
    assert not {tag for tag, _ in reader.elements} & {"link", "iframe", "object", "embed", "base", "form", "a:href"}
    assert "url(" not in reader.text["style"]
    assert "@import" not in reader.text["style"]


def test_no_style_or_script_but_ours_would_run(reader: Reader) -> None:
    [policy] = [meta["content"] or "" for meta in reader.named("meta") if meta.get("http-equiv")]
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))

    assert allowed["default-src"] == "'none'"
    assert "connect-src" not in allowed
    for tag in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(reader.text[tag].encode()).digest()).decode()
        assert allowed[f"{tag}-src"] == f"'sha256-{digest}'"
    assert not any("style" in attributes for _, attributes in reader.elements)


def test_every_part_is_there_in_order(reader: Reader) -> None:
    assert [section["id"] for section in reader.named("section")] == list(SECTIONS)
    assert [section["id"] for section in reader.named("section") if "hidden" in section] == ["now"]


def test_headings_descend_one_by_one(reader: Reader) -> None:
    levels = [int(tag[1]) for tag, _ in reader.elements if re.fullmatch(r"h[1-6]", tag)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_ids_are_there_once_and_what_refers_to_one_finds_it(reader: Reader) -> None:
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    wanted = {(a.get("href") or "#")[1:] for a in reader.named("a") + reader.named("use")}
    wanted |= {name for _, a in reader.elements for name in (a.get("aria-labelledby") or "").split()}

    assert len(ids) == len(set(ids))
    assert wanted - {"now-heading"} <= set(ids)  # the heading of a hidden section


def test_every_picture_and_chart_has_words(reader: Reader) -> None:
    shown = [svg for svg in reader.named("svg") if svg.get("aria-hidden") != "true"]

    assert len(shown) > 20
    assert all(svg.get("role") == "img" and (svg.get("aria-label") or svg.get("aria-labelledby")) for svg in shown)
    assert all(image.get("alt") for image in reader.named("img"))


def test_the_thumbnails_are_cut_where_the_harness_draws_them() -> None:
    assert (render.SIDE, render.GAP, render.CAPTIONS) == (sheet.SIDE, sheet.GAP, 2 * sheet.LINE)


def test_a_page_with_many_classes_is_bounded_and_shows_the_worst(tmp_path: Path) -> None:
    made = make_run(tmp_path, classes=[f"class {number:03}" for number in range(200)])
    facts = read_facts(made.run, made.datasets)
    sections = {section.key: section.html for section in render_sections(facts, live=False)}

    assert "Of 200 classes, the 20 that are confused most" in sections["confusion"]
    assert "160 classes in the middle are left out" in sections["classes"]
    assert sum(map(len, sections.values())) < 3_000_000


def test_a_run_that_goes_on_says_what_is_best_so_far(tmp_path: Path) -> None:
    made = make_run(tmp_path, finished=False)
    sections = {section.key: section for section in render_sections(read_facts(made.run, made.datasets), live=True)}

    assert "validation images are classified right" in sections["answer"].html
    assert "the test images are scored once, at the end" in sections["answer"].html
    assert not any(sections[key].html for key in ("confusion", "classes", "calibration", "mistakes"))
    assert all(section.html.count("-heading") == 1 for section in sections.values() if section.html)


def test_a_run_that_has_only_begun_has_a_page(tmp_path: Path) -> None:
    made = make_run(tmp_path, turns=0, finished=False)
    Reader(render_page(read_facts(made.run, made.datasets), live=True))


def test_a_section_that_is_the_same_has_the_same_digest(tmp_path: Path) -> None:
    made = make_run(tmp_path)
    first, again = (render_sections(read_facts(made.run, made.datasets), live=True) for _ in range(2))

    assert [section.digest for section in first] == [section.digest for section in again]


def test_the_report_takes_the_place_of_the_last_one_as_a_whole(tmp_path: Path) -> None:
    made = make_run(tmp_path)
    path = write_report(made.run, made.datasets)
    before = path.read_bytes()

    assert write_report(made.run, made.datasets).read_bytes() == before
    assert not list(made.run.glob(".*"))


def test_the_page_of_fifty_iterations_full_of_words_and_noise_is_below_five_megabytes(tmp_path: Path) -> None:
    made = make_run(tmp_path, turns=51, words="if a < b & c > d: raise ValueError('no \"such\" thing')", repeat=60)

    assert 1_000_000 < write_report(made.run, made.datasets).stat().st_size < 5_000_000
