"""What replaces the best so far, and what does not: gain, luck and ties."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from math import comb
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scoring import wilson
from orchestrator.selection import (
    PROMISING,
    Rule,
    UnknownImagesError,
    decide,
    luck,
    mean_interval,
    winner,
)
from tests.fakes import trained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from orchestrator.outcome import Trained
    from orchestrator.scoring import Score

CAREFUL, PAPER = Rule(), Rule(protocol="paper")
COUNTS = st.integers(0, 15)


def run(right: Sequence[int], *, seconds: float = 100.0, parameters: int = 7, log_loss: float = 1.0) -> Trained:
    """It has these images right (1) and wrong (0)."""
    plain = trained(sum(right) / len(right))
    packed = np.packbits(np.array(right, dtype=np.bool_)).tobytes().hex()
    score = replace(plain.score, images=len(right), right=packed, log_loss=log_loss)
    return replace(plain, score=score, seconds=seconds, report=replace(plain.report, parameters=parameters))


def pair(ups: int, downs: int) -> tuple[Trained, Trained]:
    """A candidate and what stands, which differ on so many images and agree on 20 more."""
    agreed = [1] * 15 + [0] * 5
    return run([1] * ups + [0] * downs + agreed), run([0] * ups + [1] * downs + agreed)


def p_of(ups: int, downs: int) -> float:
    candidate, standing = pair(ups, downs)
    return luck([candidate.score], [standing.score])


def scores(*runs: Sequence[int]) -> list[Score]:
    return [run(right).score for right in runs]


@pytest.mark.parametrize(
    ("ups", "downs", "p"),
    [(0, 0, 1.0), (1, 0, 0.5), (4, 0, 1 / 16), (0, 4, 1.0), (9, 3, 299 / 4096), (12, 5, 9402 / 2**17)],
)
def test_the_p_of_known_cases(ups: int, downs: int, p: float) -> None:
    assert p_of(ups, downs) == pytest.approx(p, abs=1e-9)


@pytest.mark.parametrize("images", range(1, 9))
def test_p_is_the_share_of_coin_tosses_with_at_least_such_an_advantage(images: int) -> None:
    tosses = [sum(sides) for sides in product((0, 1), repeat=images)]

    for ups in range(images + 1):
        assert p_of(ups, images - ups) == pytest.approx(np.mean([heads >= ups for heads in tosses]), abs=1e-9)


@given(COUNTS, COUNTS)
def test_seen_from_the_other_side_what_is_left_is_the_even_case(ups: int, downs: int) -> None:
    even = comb(ups + downs, ups) / 2 ** (ups + downs)

    assert p_of(ups, downs) + p_of(downs, ups) == pytest.approx(1 + even)


@given(COUNTS, COUNTS)
def test_another_image_right_makes_luck_less_likely_and_another_wrong_more(ups: int, downs: int) -> None:
    assert p_of(ups + 1, downs) < p_of(ups, downs) <= p_of(ups, downs + 1)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60), st.randoms())
def test_the_order_of_the_images_and_those_that_agree_say_nothing(
    rows: list[tuple[bool, bool]], random: object
) -> None:
    shuffled = [*rows, (True, True), (False, False)]
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    p, again = (
        luck(scores([int(one) for one, _ in each]), scores([int(other) for _, other in each]))
        for each in (rows, shuffled)
    )

    assert p == again


def test_of_100000_images_that_differ_p_is_exact_and_of_the_rarest_case_0() -> None:
    assert p_of(50_500, 49_500) == pytest.approx(0.0007911799394257574, abs=1e-9)  # as scipy.stats.binom has it
    assert p_of(100_000, 0) == 0.0
    assert p_of(0, 100_000) == 1.0


def test_of_alike_pipelines_about_one_in_ten_passes_at_a_level_of_a_tenth() -> None:
    random = np.random.default_rng(0)
    right = (random.random((400, 2, 300)) < 0.9).astype(int).tolist()

    passed = [luck(scores(here), scores(there)) <= 0.1 for here, there in right]

    assert 0.05 < np.mean(passed) < 0.12


@given(
    st.lists(st.lists(st.integers(0, 1), min_size=8, max_size=8), min_size=1, max_size=3),
    st.lists(st.lists(st.integers(0, 1), min_size=8, max_size=8), min_size=1, max_size=3),
)
def test_with_several_seeds_p_is_the_share_of_signs_with_at_least_such_a_gain(
    here: list[list[int]], there: list[list[int]]
) -> None:
    gains = np.sum(here, axis=0) * len(there) - np.sum(there, axis=0) * len(here)
    sums = np.array(list(product((-1, 1), repeat=8))) @ np.abs(gains)

    assert luck(scores(*here), scores(*there)) == pytest.approx(np.mean(sums >= gains.sum()))


def test_of_many_images_and_seeds_p_is_near_the_normal_one() -> None:
    random = np.random.default_rng(0)
    here, there = (random.random((seeds, 100_000)) < share for seeds, share in ((3, 0.903), (2, 0.9)))
    gains = here.mean(axis=0) - there.mean(axis=0)
    normal = math.erfc(gains.sum() / math.sqrt(2 * (gains**2).sum())) / 2

    p = luck(scores(*here.astype(int).tolist()), scores(*there.astype(int).tolist()))

    assert p == pytest.approx(normal, rel=0.05)


def test_seeds_against_one_lean_to_neither_side() -> None:
    """Alike pipelines, right nine times in ten on each image: signs alone would call the side with more seeds worse."""
    random = np.random.default_rng(0)
    here, there = (random.random((seeds, 20_000)) < 0.9 for seeds in (2, 1))

    assert 0.01 < luck(scores(*here.astype(int).tolist()), scores(*there.astype(int).tolist())) < 0.99


def test_thirds_are_equal_to_thirds() -> None:
    once = scores([1], [0], [0])

    assert luck(once, [*once, *once]) == 1.0


@given(st.integers(1, 4), st.integers(1, 4), COUNTS, COUNTS)
def test_a_seed_that_says_the_same_again_is_no_further_proof(here: int, there: int, ups: int, downs: int) -> None:
    candidate, standing = pair(ups, downs)

    assert luck([candidate.score] * here, [standing.score] * there) == pytest.approx(p_of(ups, downs), abs=1e-9)


def test_a_score_of_an_older_version_is_not_compared() -> None:
    candidate, standing = pair(9, 0)
    old = replace(standing, score=replace(standing.score, right=""))

    with pytest.raises(UnknownImagesError, match="--new"):
        decide([candidate], [old], CAREFUL)


def test_in_the_paper_protocol_any_gain_counts_and_a_tie_does_not() -> None:
    candidate, standing = pair(20, 19)
    old = replace(standing, score=replace(standing.score, right=""))
    faster = replace(standing, seconds=1.0)

    assert decide([candidate], [standing], PAPER).kind == "better"
    assert decide([candidate], [old], PAPER).kind == "better"
    assert decide([faster], [standing], PAPER).kind == "no"
    assert decide([standing], [candidate], PAPER).kind == "no"


@pytest.mark.parametrize(
    ("ups", "downs", "kind"),
    [(12, 5, "better"), (11, 5, "promising"), (12, 10, "no"), (7, 7, "no"), (5, 12, "no"), (0, 0, "no")],
)
def test_a_gain_is_kept_promising_or_luck(ups: int, downs: int, kind: str) -> None:
    candidate, standing = pair(ups, downs)

    assert decide([candidate], [standing], CAREFUL).kind == kind


@given(COUNTS, COUNTS, st.floats(0.001, 0.49))
def test_the_level_is_what_is_asked_of_p(ups: int, downs: int, level: float) -> None:
    candidate, standing = pair(ups, downs)

    made = decide([candidate], [standing], Rule(level=level))

    assert (made.kind == "better") is (made.p <= level)
    assert made.kind != "promising" or level < made.p <= PROMISING


@pytest.mark.parametrize(
    ("ups", "seconds", "parameters", "kind"),
    [
        (5, 50.0, 7, "lighter"),
        (6, 50.0, 6, "lighter"),
        (5, 95.0, 7, "no"),
        (5, 50.0, 8, "no"),
        (4, 50.0, 7, "no"),
    ],
)
def test_a_tie_keeps_what_is_clearly_faster_no_larger_and_no_worse(
    ups: int, seconds: float, parameters: int, kind: str
) -> None:
    candidate, standing = pair(ups, 5)
    report = replace(candidate.report, parameters=parameters)

    made = decide([replace(candidate, seconds=seconds, report=report)], [standing], CAREFUL)

    assert made.kind == kind
    assert made.kept is (kind == "lighter")


def test_the_sentence_is_for_people() -> None:
    candidate, standing = pair(12, 5)
    faster = replace(pair(1, 1)[0], seconds=42.0)

    assert decide([candidate], [standing], CAREFUL).sentence == (
        "12 images right that were wrong, 5 the other way: p = 0.072"
    )
    assert decide([faster], [pair(1, 1)[1]], CAREFUL).sentence == (
        "1 image right that was wrong, 1 the other way: p = 0.75; a tie, and it takes 42 s instead of 100 s"
    )
    assert decide([candidate], [standing], PAPER).sentence == "72.97 % right instead of 54.05 %"


def test_another_seed_can_turn_a_promising_tie_either_way() -> None:
    standing = run([0] * 11 + [1] * 5 + [1] * 15)
    candidate = run([1] * 11 + [0] * 5 + [1] * 15)
    worse = run([0] * 11 + [0] * 5 + [0] * 15)

    assert decide([candidate], [standing], CAREFUL).kind == "promising"
    assert decide([candidate, candidate, run([1] * 31)], [standing], CAREFUL).kind == "better"
    assert decide([candidate, worse], [standing], CAREFUL).kind == "no"


def test_more_images_but_fewer_right_on_average_is_no_gain() -> None:
    """Twelve images right once in four times, where three always were."""
    candidate = [run([1] * 12 + [0] * 3), *[run([0] * 15)] * 3]
    standing = [run([0] * 12 + [1] * 3)]

    made = decide(candidate, standing, CAREFUL)

    assert made.kind == "no"
    assert made.sentence == "over the seeds 12 images right more often, 3 less often: p = 0.55"


def test_the_winner_has_the_best_mean_then_the_surest_logits_then_the_least_seconds() -> None:
    lucky_once = [run([1, 1, 1, 1]), run([0, 0, 0, 0])]
    steady = [run([1, 1, 1, 0]), run([1, 1, 1, 0])]
    surer = [run([1, 1, 1, 0], log_loss=0.5, seconds=200.0)]
    faster = [run([1, 1, 1, 0], log_loss=0.5)]

    assert winner([lucky_once, steady]) == 1
    assert winner([lucky_once, steady, surer]) == 2
    assert winner([lucky_once, steady, surer, faster]) == 3
    assert winner([steady, steady]) == 0


def test_the_interval_over_seeds_is_students() -> None:
    mean, (low, high) = mean_interval([trained(accuracy).score for accuracy in (0.90, 0.91, 0.92)])

    assert mean == pytest.approx(0.91)
    assert (low, high) == pytest.approx((0.91 - 0.024843, 0.91 + 0.024843), abs=1e-5)


def test_the_interval_of_one_seed_is_that_of_its_images() -> None:
    score = replace(trained(0.9).score, interval=wilson(90, 100))

    assert mean_interval([score]) == (0.9, wilson(90, 100))


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40))
def test_the_interval_holds_its_mean_and_stays_within_0_and_1(accuracies: list[float]) -> None:
    mean, (low, high) = mean_interval([trained(accuracy).score for accuracy in accuracies])

    assert 0 <= low <= mean + 1e-12
    assert mean - 1e-12 <= high <= 1
