"""The crash study: its faults can be put in, they are known in a real sandbox, and its tables count right."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.report import Crash, Event
from orchestrator.bench.faults import BASES, good_pipeline, of_class, read_faults
from orchestrator.bench.figures import Figures, rows, sentences
from orchestrator.bench.known import Ear, known, refused
from orchestrator.bench.record import Measured, Records
from orchestrator.bench.repair import Case, Study, cases
from orchestrator.bench.tables import write_tables
from orchestrator.errors import AutoModelError
from orchestrator.outcome import Crashed
from tests.hostile_cases import make_arena, make_task
from tests.playbook_cases import curve, make_profile, trained
from tests.sandboxes import open_real

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from orchestrator.bench.faults import Fault
    from orchestrator.execute import Executor
    from orchestrator.team import Attempt, Iteration, Profile, Proposal

FAULTS = {fault.key: fault for fault in read_faults()}
MEASURED = Measured(
    key="a",
    kind="shapes",
    culprit="model",
    under="x",
    where="check",
    blamed="model",
    seconds=2,
    wall=3,
    accuracy=None,
    said="no",
)


def test_there_are_many_faults_of_many_classes_by_every_engineer() -> None:
    assert len(read_faults()) >= 60
    assert len(FAULTS) == len(read_faults())
    assert len({fault.kind for fault in read_faults()}) >= 25
    assert {fault.culprit for fault in read_faults()} == {"data", "model", "train"}


@pytest.mark.parametrize("key", FAULTS)
def test_a_fault_changes_the_one_component_that_it_is_blamed_on(key: str) -> None:
    fault = FAULTS[key]
    bad, good = fault.inject(), good_pipeline(fault.base)

    assert bad[fault.culprit] != good[fault.culprit]
    assert bad.with_component(fault.culprit, good[fault.culprit]) == good


def test_a_fault_that_no_longer_fits_ends_the_study() -> None:
    with pytest.raises(AutoModelError, match="stands 0 times in plain's train"):
        replace(read_faults()[-1], find="no such text").inject()


def test_a_class_that_does_not_exist_is_told_with_those_that_do() -> None:
    with pytest.raises(AutoModelError, match="There is no class of faults called 'typos'; there are: augmentation at"):
        of_class(read_faults(), "typos")


@pytest.mark.parametrize("base", BASES)
def test_good_pipelines_are_not_refused(base: str) -> None:
    assert refused(good_pipeline(base)) is None


def test_a_warning_counts_from_when_it_was_said_and_for_the_file_that_it_names() -> None:
    ear = Ear()
    for event in (
        Event(kind="phase", text="check"),
        Event(kind="warning", text="nothing is held out"),
        Event(kind="phase", text="fit: train"),
        Event(kind="warning", text="data.py: odd"),
    ):
        ear(event)
    said = known(trained(0.9, curve(0.9, 0.9)), ear, make_profile().task)

    assert (said.where, said.blamed, said.said) == ("fit", "data", "warning: data.py: odd")
    assert 0 <= said.seconds < 15.0


def test_what_does_not_learn_is_known_by_the_verdict_and_what_does_is_missed() -> None:
    task = make_profile().task

    assert known(trained(0.1, curve(0.1, 0.1)), Ear(), task).where == "verdict"
    assert known(trained(0.1, curve(0.1, 0.1)), Ear(), task).blamed == "train"
    assert known(trained(0.9, curve(0.9, 0.9)), Ear(), task).where == "missed"


def test_a_crash_is_known_where_and_when_it_happened() -> None:
    crash = Crash(phase="predict", step="predict", culprit="model", error="ValueError: no")
    said = known(Crashed(crash=crash, log="", seconds=7.5), Ear(), make_profile().task)

    assert (said.where, said.blamed, said.seconds, said.said) == ("predict", "model", 7.5, "ValueError: no")


def test_the_table_counts_by_class_and_in_all() -> None:
    faults = [
        MEASURED,
        replace(MEASURED, key="b", where="static", seconds=0.0, repaired=2, tries=2),
        replace(MEASURED, key="c", where="fit", blamed="data", seconds=20.0, tries=3),
        replace(MEASURED, key="d", kind="leaks", where="missed", blamed="", accuracy=0.5),
    ]

    assert rows(faults) == [
        ["leaks", "1", "", "", "", "", "1", "", "", "0/0", ""],
        ["shapes", "3", "1", "1", "1", "", "", "2.0", "20.0", "2/3", "1/2 (try 2: 1)"],
        ["all", "4", "1", "1", "1", "", "1", "2.0", "20.0", "2/3", "1/2 (try 2: 1)"],
    ]
    assert Figures(faults).soon == 2


def test_the_targets_are_told_with_what_was_missed_late_or_blamed_on_another() -> None:
    faults = [replace(MEASURED, key=f"{number}") for number in range(18)]
    faults += [
        replace(MEASURED, key="late", where="fit", blamed="data", seconds=20.0),
        replace(MEASURED, key="gone", where="missed", accuracy=0.5),
    ]
    said = list(sentences(faults, [replace(MEASURED, key="good plain", culprit="", said="alas")]))

    assert said == [
        "Target 95% known within 15 s of container time: 18 of 20, 90.0%: MISSED.",
        "Target 95% of what is known, blamed on the right engineer: 18 of 19, 94.7%: MISSED.",
        "Known before training began: 18 of 20.",
        "False alarms on 1 good pipelines: good plain (alas).",
        "Missed: gone [shapes], accuracy 0.500",
        "Late: late [shapes], 20.0 s",
        "Blamed on data: late [shapes]: no",
    ]


def test_what_was_measured_is_found_again_under_the_same_conditions_alone(tmp_path: Path) -> None:
    Records(tmp_path).add(MEASURED)

    assert Records(tmp_path).find("a", "x") == MEASURED
    assert Records(tmp_path).find("a", "y") is None
    assert Records(tmp_path).find("b", "x") is None


def test_tables_are_written_for_people_and_programs(tmp_path: Path) -> None:
    text = write_tables(tmp_path, [MEASURED, replace(MEASURED, key="good plain", culprit="")], "on a table")

    assert text == (tmp_path / "repair.md").read_text()
    assert "| shapes | 1      |        | 1     |" in text
    assert (tmp_path / "repair.csv").read_text().startswith("key,kind,culprit,under,where,blamed,seconds,wall,")


class ForgetfulTeam:
    """Mends a fault at its second try."""

    name = "forgetful"

    def draft(self, profile: Profile) -> Proposal:
        raise NotImplementedError

    def repair(
        self,
        profile: Profile,  # noqa: ARG002 - the Protocol's
        history: Sequence[Iteration],
        attempts: Sequence[Attempt],
        *,
        last: bool,
    ) -> Proposal | None:
        assert not history
        assert not last
        first = attempts[0].proposal
        return first if len(attempts) == 1 else replace(first, pipeline=good_pipeline("plain"))

    def revise(self, profile: Profile, history: Sequence[Iteration], beside: Sequence[Proposal] = ()) -> None:
        raise NotImplementedError


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.long]),
        pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
    ],
)
def executor(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    folder = tmp_path_factory.mktemp(str(request.param))
    with closing(open_real(request.param)) as sandbox, closing(make_arena(folder, sandbox)) as made:
        yield made


def make_study(executor: Executor, folder: Path, team: ForgetfulTeam | None = None) -> Study:
    return Study(
        folder=folder,
        records=Records(folder),
        executor=executor,
        profile=replace(make_profile(), task=make_task(executor.dataset)),
        team=team,
        repairs=3,
        conditions="a test",
    )


REAL = {
    "data-syntax-error-a-parenthesis-is-missing": ("static", "data"),
    "model-constant-logits-features-multiplied-by-zero": ("check", "model"),
    "data-label-damage-labels-shuffled-within-the-batch": ("check", "data"),
    "train-eval-mode-in-training-from-the-first-step-on": ("check", "train"),
}


@pytest.mark.torch
def test_real_faults_are_known_in_a_real_sandbox_and_none_is_measured_twice(executor: Executor, tmp_path: Path) -> None:
    chosen = [case for case in cases(read_faults()) if case.key in REAL]
    said: list[str] = []
    measured = list(make_study(executor, tmp_path).measure(chosen, said.append))

    assert {each.key: (each.where, each.blamed) for each in measured} == REAL
    assert all(each.tries == 0 for each in measured)
    assert list(make_study(executor, tmp_path).measure(chosen, said.append)) == measured
    assert len(said) == len(REAL)


@pytest.mark.torch
def test_a_team_mends_a_fault_and_the_try_is_told(executor: Executor, tmp_path: Path) -> None:
    fault: Fault = FAULTS["model-missing-return-of-the-network"]
    case = Case(key=fault.key, base=fault.base, pipeline=fault.inject(), fault=fault)
    (measured,) = make_study(executor, tmp_path, ForgetfulTeam()).measure([case], lambda _: None)

    assert (measured.where, measured.blamed) == ("check", "model")
    assert (measured.repaired, measured.tries) == (2, 2)
