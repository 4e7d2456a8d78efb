"""Tests of the scores of quantiles: by hand, against scikit-learn, and by their definition."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import mean_pinball_loss

from lstm_cli.evaluation.quantiles.interval_scores import (
    SCORED_QUANTILES,
    IntervalSums,
    interval_scores,
    interval_scores_per_series,
    interval_scores_per_step,
    interval_sums,
)

FINITE = st.floats(-1e3, 1e3, allow_nan=False, width=32)


def made(quantiles: np.ndarray, truth: np.ndarray, series: np.ndarray | None = None) -> IntervalSums:
    """Return the sums of quantiles [11, N, H, C] of measured values."""
    series = np.zeros(len(truth), dtype=np.int64) if series is None else series
    return interval_sums(
        quantiles,
        SCORED_QUANTILES,
        truth,
        np.ones(truth.shape, dtype=bool),
        series,
        series_count=int(series.max()) + 1,
    )


def random_quantiles(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return quantiles [11, 6, 3, 2] and truth [6, 3, 2]."""
    rng = np.random.default_rng(seed)
    return np.sort(rng.standard_normal((11, 6, 3, 2)), axis=0), 5 + rng.standard_normal((6, 3, 2))


def interval_score(low: np.ndarray, high: np.ndarray, truth: np.ndarray, level: int) -> np.ndarray:
    """Return the interval score of Gneiting and Raftery 2007, equation 43, as Bracher et al. 2021 use it."""
    alpha = 1 - level / 100
    below, above = np.maximum(low - truth, 0), np.maximum(truth - high, 0)
    return (high - low) + 2 / alpha * below + 2 / alpha * above


def test_the_quantiles_are_those_of_the_definitions() -> None:
    assert SCORED_QUANTILES == (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)


def test_the_scores_by_hand() -> None:
    lines = np.array([5, 7, 7.5, 7.5, 8, 8, 8, 8.5, 8.5, 9, 11.0]).reshape(11, 1, 1, 1)
    scores = interval_scores(made(lines, np.full((1, 1, 1), 10.0)), deviation=np.array([[4.0]]))
    assert scores["coverage"] == {"80": 0.0, "95": 100.0}
    assert scores["width"] == {"80": 2.0, "95": 6.0}
    assert scores["width_scaled"] == {"80": 0.5, "95": 1.5}
    # Pinball losses of .1 to .9 at 10. All quantiles lie below, so each is p times the distance.
    pinball = [0.1 * 3, 0.2 * 2.5, 0.3 * 2.5, 0.4 * 2, 0.5 * 2, 0.6 * 2, 0.7 * 1.5, 0.8 * 1.5, 0.9 * 1]
    assert scores["wql"] == pytest.approx(2 * sum(pinball) / 9 / 10)
    # Interval score of 80 %: width 2, 1 above, times 2 / .2. Of 95 %: width 6, inside. Error of the median: 2.
    expected = (0.5 * 2 + 0.1 * (2 + 10 * 1) + 0.025 * 6) / 2.5
    assert scores["wis"] == pytest.approx(expected)
    assert scores["wis_scaled"] == pytest.approx(expected / 4)


def test_the_quantile_loss_is_scikit_learns() -> None:
    lines, truth = random_quantiles()
    sums = made(lines, truth, np.arange(6) % 2)

    def of_one(series: int, target: int) -> float:
        mine = truth[series::2, :, target].ravel()
        pinball = [
            mean_pinball_loss(mine, line[series::2, :, target].ravel(), alpha=probability)
            for line, probability in zip(lines, SCORED_QUANTILES, strict=True)
            if 0.05 < probability < 0.95
        ]
        assert len(pinball) == 9
        return 2 * float(np.mean(pinball) / np.abs(mine).mean())

    expected = np.mean([of_one(series, target) for series in (0, 1) for target in (0, 1)])
    assert interval_scores(sums, np.ones((2, 2)))["wql"] == pytest.approx(expected)


def test_the_weighted_interval_score_is_that_of_bracher() -> None:
    """It equals the sum over the interval scores, and twice the mean pinball loss of the five quantiles."""
    lines, truth = random_quantiles(1)
    deviation = np.array([[2.0, 4.0]])
    scores = interval_scores(made(lines, truth), deviation)
    line = dict(zip(SCORED_QUANTILES, lines, strict=True))
    total = (
        0.5 * np.abs(truth - line[0.5])
        + 0.2 / 2 * interval_score(line[0.1], line[0.9], truth, 80)
        + 0.05 / 2 * interval_score(line[0.025], line[0.975], truth, 95)
    )
    assert scores["wis"] == pytest.approx(float(total.mean()) / 2.5)
    assert scores["wis_scaled"] == pytest.approx(float((total / deviation).mean()) / 2.5)
    five = (0.025, 0.1, 0.5, 0.9, 0.975)
    pinball = [mean_pinball_loss(truth.ravel(), line[each].ravel(), alpha=each) for each in five]
    assert scores["wis"] == pytest.approx(2 * float(np.mean(pinball)))


@given(truth=arrays(np.float64, (4, 3, 2), elements=FINITE))
def test_a_perfect_forecast_has_no_loss(truth: np.ndarray) -> None:
    scores = interval_scores(made(np.stack([truth] * 11), truth), np.ones((1, 2)))
    assert scores["wql"] == (0.0 if truth.any() else None)
    assert scores["wis"] == scores["wis_scaled"] == 0
    assert scores["coverage"] == {"80": 100.0, "95": 100.0}


@given(factor=st.floats(1e-3, 1e3), seed=st.integers(0, 100))
def test_another_unit_changes_only_scores_in_that_unit(factor: float, seed: int) -> None:
    lines, truth = random_quantiles(seed)
    plain = interval_scores(made(lines, truth), np.ones((1, 2)))
    other = interval_scores(made(factor * lines, factor * truth), factor * np.ones((1, 2)))
    for name in ("wql", "wis_scaled"):
        assert other[name] == pytest.approx(plain[name])
    assert other["wis"] == pytest.approx(factor * plain["wis"])
    assert other["width"]["95"] == pytest.approx(factor * plain["width"]["95"])
    assert other["width_scaled"] == pytest.approx(plain["width_scaled"])


def test_only_measured_values_count_and_steps_and_series_are_independent() -> None:
    sides = np.array([-2, *np.linspace(-1, 1, 9), 2])
    truth = np.array([[0.0, 1.5, 9.0], [0.5, 9.0, 9.0]])[:, :, None]
    observed = np.array([[True, True, False], [True, False, False]])[:, :, None]
    quantiles = sides[:, None, None, None] * np.ones((11, 2, 3, 1))
    sums = interval_sums(quantiles, SCORED_QUANTILES, truth, observed, np.array([0, 1]), series_count=2)
    assert interval_scores(sums, np.ones((2, 1)))["coverage"]["80"] == pytest.approx(100 * 2 / 3)
    steps = interval_scores_per_step(sums, np.ones((2, 1)))
    assert [step["coverage"]["80"] for step in steps] == [100.0, 0.0, None]
    for name in ("wql", "wis", "wis_scaled"):
        assert [step[name] is None for step in steps] == [False, False, True]
    series = interval_scores_per_series(sums, np.array([[1.0], [4.0]]))
    assert [each["coverage"]["80"] for each in series] == [50.0, 100.0]
    assert [each["width_scaled"]["80"] for each in series] == [2.0, 0.5]
    assert series[1]["wis"] == pytest.approx(4 * series[1]["wis_scaled"])


def test_sums_are_added_in_the_rows_of_their_series() -> None:
    lines, truth = random_quantiles(2)
    series = np.array([0, 0, 2, 2, 2, 3])
    whole = made(lines, truth, series)
    total = whole.zeros(4)
    for rows in (slice(0, 3), slice(3, 6)):
        present, own = np.unique(series[rows], return_inverse=True)
        total.add(made(lines[:, rows], truth[rows], own), present)
    fields: Mapping[str, np.ndarray] = vars(whole)
    for name, value in fields.items():
        np.testing.assert_allclose(getattr(total, name), value, rtol=1e-12)


def test_a_missing_quantile_is_refused() -> None:
    cell = np.ones((1, 1, 1))
    with pytest.raises(ValueError, match=r"0\.025.* are missing"):
        interval_sums(cell[None], (0.5,), cell, cell > 0, np.array([0]), series_count=1)
