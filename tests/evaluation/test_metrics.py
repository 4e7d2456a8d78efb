"""Tests of scores against numbers computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_data import wave

from lstm_cli.data.dataset.dataset import training_statistics
from lstm_cli.evaluation.metrics import (
    NAMES,
    ErrorSums,
    MetricScale,
    count_without_scale,
    overall_scores,
    relative_to_baseline,
    scores_per_series,
    scores_per_step,
    scores_per_target,
    sum_errors,
    worst_series_indices,
)

NAN = float("nan")
TRUTH = np.array([[[10.0], [20.0]], [[-4.0], [0.0]]])  # two windows, H=2, C=1
FORECAST = np.array([[[12.0], [16.0]], [[4.0], [0.0]]])  # errors 2, -4, 8, 0
ALL = np.ones_like(TRUTH, dtype=bool)
ONE = np.zeros(2, dtype=np.int64)
SCALE = MetricScale(seasonal_error=np.array([[2.0]]), deviation=np.array([[4.0]]))


def test_every_score_by_hand() -> None:
    scores = overall_scores(sum_errors(FORECAST, TRUTH, ALL, ONE, series_count=1), SCALE)
    assert tuple(scores) == NAMES
    assert scores["mae"] == pytest.approx(14 / 4)
    assert scores["rmse"] == pytest.approx(np.sqrt((4 + 16 + 64) / 4))
    # 200 |e| / (|y| + |f|): 400/22, 800/36, 1600/8 = 200, and 0 where both are 0
    assert scores["smape"] == pytest.approx((400 / 22 + 800 / 36 + 200 + 0) / 4)
    assert scores["mase"] == pytest.approx(14 / 4 / 2)
    assert scores["mse_scaled"] == pytest.approx(84 / 4 / 16)
    assert scores["mae_scaled"] == pytest.approx(14 / 4 / 4)


def test_only_measured_values_count() -> None:
    observed = ALL.copy()
    observed[1, 0] = False
    truth = np.where(observed, TRUTH, NAN)
    scores = overall_scores(sum_errors(FORECAST, truth, observed, ONE, series_count=1), SCALE)
    assert scores["mae"] == pytest.approx(6 / 3)
    assert scores["rmse"] == pytest.approx(np.sqrt(20 / 3))
    assert scores["smape"] == pytest.approx((400 / 22 + 800 / 36) / 3)
    assert scores["mase"] == pytest.approx(1)
    # A filled value in place of the NaN is not used as truth.
    assert overall_scores(sum_errors(FORECAST, TRUTH, observed, ONE, series_count=1), SCALE) == scores


def test_each_step_ahead_has_its_own_scores() -> None:
    steps = scores_per_step(sum_errors(FORECAST, TRUTH, ALL, ONE, series_count=1), SCALE)
    assert [step["mae"] for step in steps] == [5, 2]
    assert [step["mase"] for step in steps] == [2.5, 1]
    assert [step["mse_scaled"] for step in steps] == [34 / 16, 8 / 16]


def test_mase_is_the_mean_over_series_and_targets_not_over_windows() -> None:
    # Three windows of series 0 with error 1, one of series 1 with error 9.
    truth = np.zeros((4, 1, 1))
    forecast = np.array([1.0, 1, 1, 9]).reshape(4, 1, 1)
    sums = sum_errors(forecast, truth, truth == 0, np.array([0, 0, 0, 1]), series_count=2)
    scale = MetricScale(seasonal_error=np.array([[0.5], [3.0]]), deviation=np.array([[1.0], [2.0]]))
    scores = overall_scores(sums, scale)
    assert scores["mase"] == pytest.approx((1 / 0.5 + 9 / 3) / 2)
    assert scores["mae"] == pytest.approx(12 / 4)
    assert scores["mae_scaled"] == pytest.approx((3 + 9 / 2) / 4)
    assert scores["mse_scaled"] == pytest.approx((3 + 81 / 4) / 4)
    assert [series["mase"] for series in scores_per_series(sums, scale)] == [2, 3]
    assert [series["mae"] for series in scores_per_series(sums, scale)] == [1, 9]


def test_each_target_has_its_own_scores() -> None:
    truth = np.zeros((2, 3, 2))
    forecast = np.stack([np.full((2, 3), 1.0), np.full((2, 3), 6.0)], axis=2)
    scale = MetricScale(seasonal_error=np.array([[2.0, 3.0]]), deviation=np.array([[1.0, 6.0]]))
    sums = sum_errors(forecast, truth, truth == 0, ONE, series_count=1)
    targets = scores_per_target(sums, scale)
    assert [target["mae"] for target in targets] == [1, 6]
    assert [target["mase"] for target in targets] == [0.5, 2]
    assert [target["mae_scaled"] for target in targets] == [1, 1]
    assert overall_scores(sums, scale)["mase"] == pytest.approx(1.25)


def test_mase_by_its_definition() -> None:
    """Hyndman and Koehler 2006: the mean |error| over the training rows' mean |y_t - y_(t-m)|."""
    season = 12
    train = wave(60, 1, season=season)
    statistics = training_statistics([train], season, np.ones((1, 1)))
    definition = np.mean([abs(train[t, 0] - train[t - season, 0]) for t in range(season, 60)])
    assert statistics.seasonal_error[0, 0] == pytest.approx(definition)
    truth = wave(80, 1, season=season)[60:].reshape(4, 5, 1)
    forecast = truth + np.random.default_rng(0).normal(size=truth.shape)
    sums = sum_errors(
        forecast, truth, np.ones_like(truth, dtype=bool), np.zeros(4, dtype=np.int64), series_count=1
    )
    scale = MetricScale(seasonal_error=statistics.seasonal_error, deviation=statistics.deviation)
    assert overall_scores(sums, scale)["mase"] == pytest.approx(np.abs(forecast - truth).mean() / definition)
    # The seasonal naive forecast of the training rows themselves scores 1.
    rows = train[season:].reshape(4, 12, 1)
    own = sum_errors(
        train[:-season].reshape(4, 12, 1), rows, rows == rows, np.zeros(4, dtype=np.int64), series_count=1
    )
    assert overall_scores(own, scale)["mase"] == pytest.approx(1)


def test_training_statistics_count_only_measured_pairs() -> None:
    rows = np.array([[1.0, NAN], [4.0, NAN], [NAN, NAN], [9.0, NAN], [2.0, NAN]])
    statistics = training_statistics([rows, np.full((1, 2), 5.0)], 2, np.ones((2, 2)))
    # |9 - 4| is the only measured pair at lag 2: (1, NaN), (4, 9), (NaN, 2).
    assert statistics.seasonal_error[0, 0] == 5
    assert np.isnan(statistics.seasonal_error[0, 1])
    assert np.isnan(statistics.seasonal_error[1]).all()  # a series shorter than a season
    assert (statistics.least[0, 0], statistics.greatest[0, 0]) == (1, 9)
    assert np.isnan(statistics.least[0, 1])


def test_a_series_without_seasonal_error_is_left_out_of_mase_and_counted() -> None:
    truth = np.zeros((4, 1, 2))
    sums = sum_errors(truth + 1, truth, truth == 0, np.array([0, 1, 2, 2]), series_count=4)
    scale = MetricScale(
        # Series 0 has one usable target, 1 and 2 have none, 3 is not scored.
        seasonal_error=np.array([[0.5, 0.0], [0.0, 0.0], [NAN, 0.0], [0.0, 0.0]]),
        deviation=np.ones((4, 2)),
    )
    assert overall_scores(sums, scale)["mase"] == 2
    assert count_without_scale(sums, scale) == 2
    assert [scores["mase"] for scores in scores_per_series(sums, scale)] == [2, None, None, None]
    assert overall_scores(sums, scale)["mae"] == 1


def test_scores_without_measured_values_are_undefined() -> None:
    scores = overall_scores(sum_errors(FORECAST, TRUTH, ~ALL, ONE, series_count=1), SCALE)
    assert scores == dict.fromkeys(NAMES)


def test_smape_is_the_mean_over_series_as_in_m4() -> None:
    """Scores are averaged per series first: three windows of one series count as much as one of another."""
    truth = np.array([[[10.0]], [[10.0]], [[10.0]], [[1.0]]])
    forecast = np.array([[[30.0]], [[30.0]], [[30.0]], [[3.0]]])
    forecast[3] = 1.0
    sums = sum_errors(forecast, truth, truth > 0, np.array([0, 0, 0, 2]), series_count=3)
    scale = MetricScale(seasonal_error=np.ones((3, 1)), deviation=np.ones((3, 1)))
    assert overall_scores(sums, scale)["smape"] == pytest.approx(
        (200 * 20 / 40 + 0) / 2
    )  # series 1 is not scored
    assert [scores["smape"] for scores in scores_per_series(sums, scale)] == [100, None, 0]


@given(data=st.data())
def test_smape_is_the_competitions(data: st.DataObject) -> None:
    """M4 defines it as the mean of 2 |y - f| / (|y| + |f|) in percent, with one window per series."""
    shape = (data.draw(st.integers(1, 6)), data.draw(st.integers(1, 5)), 1)
    numbers = np.random.default_rng(data.draw(st.integers(0, 999)))
    truth, forecast = numbers.lognormal(size=(2, *shape))
    sums = sum_errors(forecast, truth, truth > 0, np.arange(shape[0]), series_count=shape[0])
    scale = MetricScale(seasonal_error=np.ones((shape[0], 1)), deviation=np.ones((shape[0], 1)))
    each = [
        np.mean(2 * np.abs(y - f) / (np.abs(y) + np.abs(f))) for y, f in zip(truth, forecast, strict=True)
    ]
    assert overall_scores(sums, scale)["smape"] == pytest.approx(100 * np.mean(each))


def test_worst_series_are_those_where_a_baseline_is_better() -> None:
    own = [{"mase": mase} for mase in (3.0, 0.5, None, 1.0, 0.0, 2.0)]
    simple = [{"mase": mase} for mase in (6.0, 0.1, 1.0, 0.0, 0.0, None)]
    ratios = relative_to_baseline(own, simple)
    assert ratios == [0.5, 5.0, None, float("inf"), 1.0, None]
    assert worst_series_indices(ratios, 10) == [3, 1, 4, 0]
    assert worst_series_indices(ratios, 2) == [3, 1]
    assert worst_series_indices([1.0, 1.0, 1.0], 2) == [0, 1]


@given(seed=st.integers(0, 1000), cut=st.integers(0, 9))
def test_sums_of_batches_add_up(seed: int, cut: int) -> None:
    generator = np.random.default_rng(seed)
    truth, forecast = generator.normal(size=(2, 9, 3, 2))
    observed = generator.random((9, 3, 2)) < 0.7
    series = generator.integers(0, 4, size=9)
    whole = sum_errors(forecast, truth, observed, series, series_count=4)
    parts: list[ErrorSums] = [
        sum_errors(forecast[rows], truth[rows], observed[rows], series[rows], series_count=4)
        for rows in (slice(0, cut), slice(cut, 9))
    ]
    added = parts[0] + parts[1]
    for name, value in vars(whole).items():
        np.testing.assert_allclose(getattr(added, name), value, rtol=1e-12)


def test_float32_forecasts_are_summed_in_float64() -> None:
    truth = np.zeros((1, 1, 1))
    sums = sum_errors(
        np.full((1, 1, 1), 1e-4, dtype=np.float32), truth + 1e4, truth == 0, np.array([0]), series_count=1
    )
    assert sums.absolute.dtype == np.float64
    assert sums.absolute[0, 0, 0] == pytest.approx(1e4 - 1e-4, rel=1e-12)
