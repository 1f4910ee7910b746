"""The paper's experiments: its numbers, what a table takes, what stands in it; measured by a scripted stand-in."""

from __future__ import annotations

import csv
import html
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.bench.paper.automodel import find_submission, run_automodel
from orchestrator.bench.paper.cells import Failed, read_cell, write_cell
from orchestrator.bench.paper.estimate import cost, plan_lines
from orchestrator.bench.paper.measured import Accuracy, Measured
from orchestrator.bench.paper.plan import NO_MODEL, NO_SMALLER, SCALES, Cell, Table, in_order, make_table
from orchestrator.bench.paper.published import find_tables, read_paper
from orchestrator.bench.paper.ranks import keep_ranks
from orchestrator.bench.paper.study import Study
from orchestrator.bench.paper.systems import PAIRS, ROWS
from orchestrator.bench.paper.tables import write_tables
from orchestrator.errors import AutoModelError, ChatError, DatasetError, SettingsError
from orchestrator.named_datasets import NAMED
from orchestrator.quiet import Quiet
from orchestrator.settings import read_settings
from sandbox.base import SandboxError
from tests.fakes import ScriptedSandbox
from tests.made_runs import HOSTILE, make_run

if TYPE_CHECKING:
    from orchestrator.settings import Settings

PRINTED = {
    1: (
        ("zero-shot", "automodel-first", "automodel"),
        {
            "cifar10": "0.9290 0.9171 0.9533",
            "cifar10-c-1": "0.5425 0.9121 0.9476",
            "cifar10-c-5": "0.6218 0.9359 0.9422",
            "tinyimagenet": "0.4815 0.4225 0.7875",
        },
    ),
    3: (
        ("zero-shot", "automodel-first", "automodel"),
        {
            "cassava": "0.7748 0.7493 0.8574 2892/3900 0.9152 98",
            "kitchenware": "0.8581 0.9475 0.9793 25/115 0.9991 12",
            "arabic-letters": "0.5946 0.8212 0.8403 85/177 0.9680 10",
            "4-animals": "0.9196 0.8934 0.9518 184/221 0.9958 10",
        },
    ),
    4: (
        ("no-zero-shot-initialization", "automodel", "zero-shot"),
        {"cifar10-c-1": "0.8297 0.9476 0.5425", "cifar10-c-5": "0.7942 0.9422 0.6218"},
    ),
    5: (
        ("smaller-automodel", "smaller-zero-shot"),
        {"cifar10-c-1": "0.9557 0.6423", "cifar10-c-5": "0.8607 0.6503"},
    ),
}
"""Rows of the paper's tables as it prints them, under the names of our rows."""
SVHN, DSPRITES = "0.9250 0.8740 0.7810 0.9419 0.9695", "0.6515 0.4670 0.4790 0.9150 0.9522"
"""Of its table 2: zero-shot, full fine-tuning, VPT, first iteration, final."""


def settings(**knobs: str) -> Settings:
    none = {f"{name}_{what}": "" for name in ("openai", "anthropic") for what in ("api_key", "base_url")}
    return read_settings({"llm_provider": "auto", **none, **knobs})


def with_model(**knobs: str) -> Settings:
    known = {"openai_base_url": "http://127.0.0.1:9/v1", "llm_model": "some-model", "llm_prices": "some-model=1/2"}
    return settings(**{**known, **knobs})


def table(
    number: int,
    scale: str = "tiny",
    knobs: Settings | None = None,
    *,
    smaller: str = "",
    datasets: tuple[str, ...] = (),
) -> Table:
    [published] = find_tables(str(number))
    chosen = SCALES[scale]
    return make_table(published, chosen, knobs or settings(), trials=chosen.trials, datasets=datasets, smaller=smaller)


def right(share: float, images: int = 100) -> Accuracy:
    return Accuracy(accuracy=share, interval=(0.0, 1.0), images=images)


def good(share: float, *, first: float = 0.5, chose: float | None = None) -> Measured:
    return Measured(
        test=right(share),
        first=right(first),
        validation=None if chose is None else right(chose),
        seconds=2.0,
        tokens=10,
    )


class Script:
    """Measures cells as a list says, and keeps which it was asked for."""

    def __init__(self, *acts: Measured | BaseException) -> None:
        self.acts = list(acts)
        self.asked: list[Path] = []

    def __call__(self, cell: Cell, folder: Path) -> Measured:
        assert not cell.lacks
        self.asked.append(folder)
        act = self.acts.pop(0) if self.acts else good(0.9, chose=0.95)
        if isinstance(act, BaseException):
            raise act
        return act


def study(folder: Path, script: Script) -> Study:
    return Study(folder=folder, measure=script, say=lambda _: None)


def told(folder: Path, of: Table, ranks: dict[str, str] | None = None) -> str:
    return write_tables(of, folder, ranks or {}, "on a table")


@pytest.mark.parametrize("number", PRINTED)
def test_the_papers_numbers_are_those_that_it_prints(number: int) -> None:
    rows, lines = PRINTED[number]
    [published] = find_tables(str(number))

    for dataset, line in lines.items():
        printed = [f"{published.accuracy[dataset][row]:.4f}" for row in rows]
        if kaggle := published.kaggle.get(dataset):
            printed += [f"{kaggle.rank}/{kaggle.teams}", f"{kaggle.top:.4f}", str(kaggle.attempts)]
        assert line.split() == printed
    assert set(published.accuracy) == set(lines)
    assert set(published.kaggle) == (set(lines) if number == 3 else set())


@pytest.mark.parametrize(("name", "line"), [("svhn", SVHN), ("dsprites-orientation", DSPRITES)])
def test_what_the_paper_prints_in_one_row_stands_with_the_protocol_that_it_is_of(name: str, line: str) -> None:
    [published] = find_tables("2")
    script, full, vpt, first, final = map(float, line.split())

    assert published.accuracy[name] == {"zero-shot": script, "automodel-first": first, "automodel": final}
    assert published.accuracy[f"{name}-vtab1k"] == {"full": full, "vpt-deep": vpt}


def test_every_number_of_the_paper_has_a_row_and_every_dataset_a_name() -> None:
    for published in read_paper().tables:
        keys = {row.key for row in ROWS[published.number]}
        assert len(keys) == len(ROWS[published.number])
        assert {row for numbers in published.accuracy.values() for row in numbers} <= keys
        assert set(published.accuracy) <= set(published.datasets) <= set(NAMED)
        assert published.caveats


def test_rows_of_a_pair_differ_in_nothing_but_the_rule() -> None:
    rows = {row.key: row.system for own in ROWS.values() for row in own}
    for paper, careful in PAIRS:
        assert rows[careful].knobs == {**rows[paper].knobs, "run_protocol": "careful"}


def test_the_scale_of_the_paper_is_its_own() -> None:
    cells = list(in_order([table(number, "paper", with_model()) for number in ROWS], Path("/study")))
    runs = [cell.settings for cell in cells if cell.system.by == "run"]

    assert {cell.origin.given for cell in cells} == {name for each in read_paper().tables for name in each.datasets}
    assert {each.run_iterations for each in runs} == {20}
    assert {each.run_seed for each in runs} == {0, 100, 200}
    assert {each.dataset_seed for each in runs} == {0}


def test_table_2_imposes_the_vit_and_no_other_table_does() -> None:
    for number in ROWS:
        wanted = "vit_base_patch16_224" if number == 2 else ""
        assert {cell.settings.run_backbone for own in table(number, "paper").cells.values() for cell in own} == {wanted}


def test_the_grid_is_tried_where_the_paper_that_it_is_of_tried_it() -> None:
    tried = {dataset for dataset, row, _ in table(2, "paper").lines() if row.system.by.startswith("vpt")}

    assert tried == {"svhn-vtab1k", "dsprites-orientation-vtab1k"}
    assert {dataset for dataset, row, _ in table(2).lines() if row.key == "full"} == {"digits"}


def test_a_cell_of_several_tables_is_one(tmp_path: Path) -> None:
    one, four = table(1, knobs=with_model()), table(4, knobs=with_model())
    shared = {cell.folder(tmp_path) for own in one.cells.values() for cell in own}
    cells = list(in_order([one, four], tmp_path))

    assert len(cells) == len({cell.folder(tmp_path) for cell in cells}) == 2 * 7  # 5 of table 1, 2 ablations more
    assert [cell.seed for cell in cells] == [0] * 7 + [100] * 7
    assert {cell.folder(tmp_path) for cell in four.cells["playbook", "digits"]} <= shared


@pytest.mark.parametrize(
    ("knobs", "same"),
    [
        ({"llm_timeout_seconds": "7"}, True),
        ({"runs_dir": "elsewhere"}, True),
        ({"llm_model": "other"}, False),
        ({"dataset_seed": "1"}, False),
        ({"run_level": "0.2"}, False),
    ],
)
def test_what_no_result_depends_on_makes_no_other_cell(tmp_path: Path, knobs: dict[str, str], same: bool) -> None:
    [one], [other] = (
        {cell.folder(tmp_path) for cell in table(1, knobs=read).cells["automodel", "digits"][:1]}
        for read in (with_model(), with_model(**knobs))
    )

    assert (one == other) is same


def test_what_lacks_a_language_model_is_told_and_the_rest_is_measured(tmp_path: Path) -> None:
    script, of = Script(), table(1)
    study(tmp_path, script).run(list(in_order([of], tmp_path)))
    said = told(tmp_path, of)

    assert len(script.asked) == 4  # the playbook by two rules, twice
    assert f"Not measured: {NO_MODEL}" in said.replace("\\", "")
    assert re.search(r"digits +\| LLM zero-shot +\| not measured", said)


def test_a_smaller_model_is_asked_by_every_agent_and_its_lack_is_told() -> None:
    knobs = with_model(llm_model_analyst="large")

    assert {cell.lacks for cell in table(5, knobs=knobs).cells["automodel", "digits"]} == {NO_SMALLER}
    assert {cell.lacks for cell in table(5, smaller="small").cells["automodel", "digits"]} == {NO_MODEL}
    [cell, _] = table(5, knobs=knobs, smaller="small").cells["automodel", "digits"]
    assert (cell.settings.llm_model, cell.settings.llm_model_analyst, cell.lacks) == ("small", "", "")


def test_what_is_measured_is_not_measured_again(tmp_path: Path) -> None:
    script, cells = Script(), list(in_order([table(1)], tmp_path))
    study(tmp_path, script).run(cells)
    study(tmp_path, script).run(cells)

    assert len(script.asked) == 4


@pytest.mark.parametrize("error", [ChatError("It is down."), SandboxError("It is down."), OSError("It is down.")])
def test_one_cell_fails_alone_and_is_tried_again_by_the_next_command(tmp_path: Path, error: Exception) -> None:
    script, of = Script(good(0.8), error), table(1)
    cells = list(in_order([of], tmp_path))
    study(tmp_path, script).run(cells)

    assert [read_cell(folder) for folder in script.asked].count(Failed("It is down.")) == 1
    assert "Failed: It is down." in told(tmp_path, of)
    study(tmp_path, script).run(cells)
    assert (len(script.asked), script.asked[4]) == (5, script.asked[1])
    assert "Failed" not in told(tmp_path, of)


def test_a_dataset_that_cannot_be_had_is_tried_once_in_a_session(tmp_path: Path) -> None:
    script, of = Script(DatasetError("No network.")), table(1, "paper", datasets=("cifar10", "tinyimagenet"))
    study(tmp_path, script).run(list(in_order([of], tmp_path)))

    assert len(script.asked) == 1 + 6  # of Tiny ImageNet all
    assert told(tmp_path, of).count("Failed: No network.") == 1


def test_an_interrupt_ends_the_study_and_the_next_command_goes_on(tmp_path: Path) -> None:
    script, cells = Script(good(0.8), KeyboardInterrupt()), list(in_order([table(1)], tmp_path))
    with pytest.raises(KeyboardInterrupt):
        study(tmp_path, script).run(cells)
    study(tmp_path, script).run(cells)

    assert len(script.asked) == 2 + 3
    assert script.asked[1] == script.asked[2]


def test_a_number_is_told_with_its_trials_seeds_and_runs(tmp_path: Path) -> None:
    of = table(1, datasets=("digits",))
    shares = {"playbook": (0.9, 0.8), "playbook-careful": (0.7, None)}
    for key, own in shares.items():
        for cell, share in zip(of.cells[key, "digits"], own, strict=True):
            folder = cell.folder(tmp_path)
            folder.mkdir(parents=True)
            nothing = Measured(test=None, problem="No pipeline trained.", seconds=1.0)
            write_cell(folder, cell, good(share, chose=0.99) if share else nothing)
    said = told(tmp_path, of)
    lines = {each["system"]: each for each in csv.DictReader((tmp_path / "table-1.csv").read_text().splitlines())}

    assert re.search(
        r"playbook \(ours\), final +\| 0\.8500 ± 0\.0707 +\| 0\.9900 ± 0\.0000 +\| 2 of 2 \(seeds 0, 100\)", said
    )
    assert re.search(r"first iteration +\| 0\.5000 ± 0\.0000 +\| +\| 2 of 2", said)
    assert re.search(r"this project's selection +\| 0\.7000 +\| 0\.9900 +\| 1 of 2 \(seeds 0\)", said)
    assert "No pipeline trained." in said
    assert "on the images that chose, 0.9900; on test images 0.8500, with this project's selection 0.7000." in said
    assert (lines["playbook"]["tests"], lines["playbook"]["seeds"]) == ("0.9; 0.8", "0; 100")
    assert [(tmp_path / run / "cell.json").exists() for run in lines["playbook"]["runs"].split("; ")] == [True, True]
    assert (lines["automodel"]["test_mean"], lines["automodel"]["trials"]) == ("", "0")


def test_the_papers_number_stands_beside_ours_and_its_caveats_beneath(tmp_path: Path) -> None:
    of = table(2, "paper", with_model())
    said = told(tmp_path, of)
    page = html.unescape((tmp_path / "table-2.html").read_text())

    assert re.search(r"svhn +\| AutoModel, final +\| not measured .*\| 0\.9695 \|", said)
    assert re.search(r"svhn-vtab1k +\| VPT-deep +\| not measured .*\| 0\.7810 \|", said)
    assert all(caveat in said and caveat in page for caveat in of.published.caveats)


def test_names_and_sentences_of_anybody_are_shown_as_text(tmp_path: Path) -> None:
    evil = tmp_path / "a|b`<script>alert(1)<"
    (evil / "cats").mkdir(parents=True)
    of = table(1, datasets=(str(evil),))
    script = Script(AutoModelError(f"{HOSTILE}\n| 1.0000 | \x1b[31m"))
    study(tmp_path / "study", script).run(list(in_order([of], tmp_path / "study")))
    said, page = told(tmp_path / "study", of), (tmp_path / "study" / "table-1.html").read_text()

    assert HOSTILE not in page
    assert "<script" not in page
    assert "a-b-script-alert-1" in page
    assert evil.name not in page + said
    rows = [line for line in said.splitlines() if "cats" not in line and line.startswith("|")]
    assert "\x1b" not in said + page
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in rows if "this project" in line} == {7}
    assert "\\<script\\>" in said


def test_a_rank_is_the_users_and_until_then_the_file_to_submit_is_named(tmp_path: Path) -> None:
    of = table(3, "paper", datasets=("cassava",))
    worse, better, _ = (cell.folder(tmp_path) for cell in of.cells["playbook", "cassava"])
    for cell, share in zip(of.cells["playbook", "cassava"], (0.8, 0.9), strict=False):
        run = cell.folder(tmp_path) / "runs" / "cassava-1"
        run.mkdir(parents=True)
        (run / "submission.csv").touch()
        write_cell(cell.folder(tmp_path), cell, good(0.5, chose=share))

    assert find_submission(worse) != find_submission(better)
    said = told(tmp_path, of, keep_ranks(tmp_path, []))
    assert f"Submit {find_submission(better)} to https://www.kaggle.com/competitions/cassava-leaf-disease" in said
    keep_ranks(tmp_path, ["cassava=1234/3900"])
    said = told(tmp_path, of, keep_ranks(tmp_path, []))
    assert re.search(r"cassava +\| rank on Kaggle, of a submission +\| 1234/3900 +\| +\| +\| 2892/3900 \|", said)
    assert "Submit" not in said


@pytest.mark.parametrize("rank", ["cassava", "cassava=5/4", "cassava=0/4", "digits=1/4", "cassava=1/2/3"])
def test_a_rank_that_is_none_is_refused(tmp_path: Path, rank: str) -> None:
    with pytest.raises(SettingsError, match=f"--rank {rank} will not do"):
        keep_ranks(tmp_path, [rank])


def test_a_damaged_file_of_ranks_is_told(tmp_path: Path) -> None:
    (tmp_path / "ranks.json").write_text("[1]")
    with pytest.raises(AutoModelError, match=r"ranks\.json is damaged"):
        keep_ranks(tmp_path, [])


@pytest.mark.parametrize("text", ["6", "0..2", "one", "", "5..1"])
def test_a_table_that_is_none_of_the_papers_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="names no table"):
        find_tables(text)


def test_a_dry_run_tells_what_is_done_what_is_left_and_what_it_takes(tmp_path: Path) -> None:
    of = table(1, "paper", with_model(), datasets=("cifar10",))
    cells = list(in_order([of], tmp_path))
    study(tmp_path, Script(*[good(0.9)] * 3, AutoModelError("No."))).run(cells[:4])
    said = "\n".join(plan_lines([of], cells, tmp_path))

    assert len(cells) == 15
    assert "15 cells, also where several tables share them: 3 done, 12 to do." in said
    assert re.search(r"LLM zero-shot +done, to do, to do", said)
    assert said.count("failed, to do, to do") == 2  # the playbook's run stands in two rows
    run = next(cell for cell in cells if cell.system.key == "automodel")
    assert cost(run).containers == 2 * 21 + 2
    assert cost(run).hours == pytest.approx(21 * 20 / 60)
    assert cost(run).usd == pytest.approx((cost(run).tokens + 2_500 + 20 * 2_250) / 1e6)
    assert cost(next(cell for cell in cells if cell.system.key == "playbook")).tokens == 0


def test_a_price_that_is_unknown_is_not_zero() -> None:
    [cell, *_] = table(1, knobs=with_model(llm_prices="")).cells["automodel", "digits"]

    assert cost(cell).usd is None


@pytest.mark.parametrize("damage", ["", "{", '{"measured": {}}', "[]"])
def test_a_damaged_cell_is_measured_again(tmp_path: Path, damage: str) -> None:
    (tmp_path / "cell.json").write_text(damage)

    assert read_cell(tmp_path) is None


def test_a_cell_is_read_as_it_was_written(tmp_path: Path) -> None:
    [cell, *_] = table(1).cells["playbook", "digits"]
    for found in (good(0.9, chose=0.8), Measured(test=None, problem="No.", seconds=1.0, usd=None), Failed("No.")):
        write_cell(tmp_path, cell, found)
        assert read_cell(tmp_path) == found
    assert json.loads((tmp_path / "cell.json").read_text())["settings"]["run_protocol"] == "paper"


def test_a_run_that_was_finished_before_its_cell_was_written_is_not_run_again(tmp_path: Path) -> None:
    made = make_run(tmp_path / "cell")
    read = run_automodel(settings(), ScriptedSandbox({}), Quiet(), tmp_path / "cell")
    summary = json.loads((made.run / "summary.json").read_text())

    assert read.test == Accuracy.read(summary["test"])
    assert read.first == Accuracy.read(summary["zero_shot"]["test"])
    assert read.tokens == summary["tokens"]
    assert read.notes == "1 of 3 iterations failed"
