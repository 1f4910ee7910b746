"""Charts: round ticks, marks inside of the frame, whatever the numbers are; and which classes a matrix shows."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.page.charts import ACCURACY, LOSS, Curve, Rung, bar, curve_css, curves, ladder, reliability
from orchestrator.page.confusion import LARGEST, class_accuracies, confusion_matrix, worst_pairs
from orchestrator.page.records import Bin, FinalScore
from orchestrator.page.svg import Scale, nice_step
from orchestrator.page.words import duration, moment, money, percent, points, several


@given(st.floats(1e-9, 1e9))
def test_steps_of_an_axis_are_1_2_or_5_times_a_power_of_ten(least: float) -> None:
    step = nice_step(least)
    digit = step / 10 ** math.floor(math.log10(step) + 1e-9)

    assert least * (1 - 1e-6) <= step <= 2.6 * least
    assert min(abs(digit - round_one) for round_one in (1, 2, 5, 10)) < 1e-6


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_lie_on_the_axis_and_are_few(low: float, width: float) -> None:
    ticks = Scale(low, low + width, 0, 100).ticks(4)

    assert 1 <= len(ticks) <= 6
    assert all(low - 1e-6 * width <= tick <= low + width * (1 + 1e-6) for tick in ticks)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_a_curve_of_any_numbers_is_drawn_with_numbers_that_are_some(values: list[float]) -> None:
    points = [{"epoch": float(place), "loss": value, "tuning_accuracy": value} for place, value in enumerate(values)]
    for metric in (ACCURACY, LOSS):
        drawn = curves("any", "Any", metric, [Curve(3, points, shown=True)])
        marks = " ".join(re.findall(r' (?:d|cx|cy|x|y|x1|y1|x2|y2)="([^"]*)"', drawn))
        assert "nan" not in marks
        assert "inf" not in marks


def test_a_training_of_one_epoch_is_a_point() -> None:
    assert '<circle class="point"' in curves("one", "One", LOSS, [Curve(0, [{"loss": 1.0}], shown=True)])


def test_without_the_metric_there_is_no_chart() -> None:
    assert curves("none", "None", LOSS, [Curve(0, [{"epoch": 1.0}], shown=True)]) == ""


def test_what_is_not_ticked_is_there_and_not_shown() -> None:
    drawn = curves("two", "Two", LOSS, [Curve(n, [{"loss": 1.0}, {"loss": 0.5}], shown=n == 0) for n in (0, 1)])

    assert drawn.count(' off"') == 2  # one for each width


def test_neighbouring_iterations_have_other_colours_and_far_ones_other_dashes() -> None:
    assert len({curve_css(number) for number in range(32)}) == 32


def test_a_result_is_told_in_words_too() -> None:
    drawn = ladder([Rung("First draft", 0.5, (0.4, 0.6), "rival"), Rung("<b>", 0.75, None, "kept")], 100)

    assert "First draft: 50.0 %; &lt;b&gt;: 75.0 %" in drawn


def test_a_bin_is_drawn_even_if_it_holds_nothing() -> None:
    assert reliability([Bin(images=0, confidence=0.5, accuracy=0.5)]).count("<circle") == 2


def test_a_bar_is_as_long_as_its_share() -> None:
    assert 'width="62.5"' in bar(0.625)


def scored(confusion: list[list[int]]) -> FinalScore:
    rights = tuple(row[place] / max(1, sum(row)) for place, row in enumerate(confusion))
    return FinalScore(
        accuracy=0.5,
        interval=(0.4, 0.6),
        images=10,
        macro_f1=0.5,
        log_loss=1.0,
        calibration_error=0.1,
        per_class=rights,
        confusion=tuple(map(tuple, confusion)),
    )


def test_a_matrix_of_few_classes_is_whole() -> None:
    matrix = confusion_matrix(scored([[8, 2], [0, 4]]), ["cat", "dog"])

    assert matrix
    assert matrix.whole
    cells = [[(cell.images, cell.shade) for cell in row.cells] for row in matrix.rows]
    assert cells == [[(8, 8), (2, 2)], [(0, 0), (4, 9)]]


def test_of_many_classes_the_most_confused_are_shown() -> None:
    classes = [f"{number}" for number in range(50)]
    counts = [[10 * (row == column) for column in range(50)] for row in range(50)]
    counts[33][44] = 7
    matrix = confusion_matrix(scored(counts), classes)

    assert matrix
    assert (matrix.whole, len(matrix.rows)) == (False, LARGEST)
    assert {"33", "44"} <= set(matrix.columns)
    [pair] = worst_pairs(scored(counts), classes)
    assert (pair.truth, pair.said, pair.images, pair.of) == ("33", "44", 7, 17)


def test_the_weakest_classes_come_first_and_the_middle_of_many_is_left_out() -> None:
    classes = [f"{number}" for number in range(100)]
    counts = [[10 * (row == column) for column in range(100)] for row in range(100)]
    counts[70][0] = 200
    listed, left_out = class_accuracies(scored(counts), classes)

    assert (listed[0].name, len(listed), left_out) == ("70", 40, 60)


@pytest.mark.parametrize("confusion", [[[1]], [[1, 2], [3]], [[1, 2, 3], [4, 5, 6], [7, 8, 9]]])
def test_numbers_that_do_not_fit_together_give_no_matrix(confusion: list[list[int]]) -> None:
    score = scored([[1, 0], [0, 1]]).model_copy(update={"confusion": tuple(map(tuple, confusion))})

    assert (confusion_matrix(score, ["cat", "dog"]), worst_pairs(score, ["cat", "dog"])) == (None, [])
    assert class_accuracies(score, ["cat", "dog"]) == ([], 0)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (percent(0.9724), "97.2 %"),
        (percent(0.97244, 10_000), "97.24 %"),
        (points(-1.39), "\N{MINUS SIGN}1.4"),
        (points(0.5), "+0.5"),
        (duration(48.4), "48 s"),
        (duration(720), "12 min"),
        (duration(12_000), "3 h 20 min"),
        (duration(400_000), "4.6 days"),
        (duration(math.inf), "unknown"),
        (money(None), "unknown"),
        (money(0), "$0.00"),
        (money(1.2), "$1.20"),
        (money(0.00314), "$0.0031"),
        (moment(0), "1970-01-01 00:00 UTC"),
        (moment(math.nan), "at an unknown time"),
        (moment(1e300), "at an unknown time"),
        (several(1, "class", "classes"), "1 class"),
        (several(2000, "image"), "2,000 images"),
    ],
)
def test_numbers_are_written_for_people(said: str, expected: str) -> None:
    assert said == expected
