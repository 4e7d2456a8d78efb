"""Tests of prediction intervals: by hand, against independent libraries, and as properties of random inputs."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm
from scipy.stats import t as student

from lstm_cli.data.dataset.windows import Batch
from lstm_cli.data.forecast.bounds import Bounds
from lstm_cli.evaluation.quantiles.intervals import (
    EQUAL_WEIGHT_HORIZONS,
    CalibrationErrors,
    Intervals,
    fit_calibration,
    local_scale,
    t_correction,
)

NOTHING = np.zeros((1, 0))
MANY = 1e9  # horizons: no widening, and only validation errors count


def misses(
    errors: list[float] | np.ndarray, *, simple: float = 1.0, moved: float = 1.0, horizons: float = MANY
):
    """Return errors for one step and one target; the spread of each window is `moved`."""
    absolute = np.asarray(errors, dtype=float).reshape(-1, 1, 1)
    return CalibrationErrors(
        absolute=absolute,
        baseline=np.full_like(absolute, simple),
        spread=np.full((len(absolute), 1), moved),
        horizons=horizons,
    )


def none(horizon: int) -> CalibrationErrors:
    empty = np.empty((0, horizon, 1))
    return CalibrationErrors(absolute=empty, baseline=empty, spread=np.empty((0, 1)), horizons=0.0)


NONE = none(1)


def interval_ends(fitted: Intervals, forecast: np.ndarray, past: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the ends [4, N, H, C] of the 80 % and the 95 % interval."""
    batch = Batch(past=past, mask=mask, future=NOTHING, target=NOTHING, observed=NOTHING, series=NOTHING)
    return fitted.quantiles((0.1, 0.9, 0.025, 0.975), forecast, batch)


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float).reshape(1, -1, 1)


@pytest.mark.parametrize(
    ("values", "mask", "season", "expected"),
    [
        # |2-1|, |5-3|; season means 2 and 3.5 deviate by 0.75
        ((1, 3, 2, 5), (1, 1, 1, 1), 2, 1.5 + 0.75),
        # only |5-3| is known, and one whole season
        ((9, 3, 2, 5), (0, 1, 1, 1), 2, 2.0),
        # the oldest step belongs to no whole season: means 2 and 3.5 again; |3-8|, |2-1|, |5-3|
        ((8, 1, 3, 2, 5), (1, 1, 1, 1, 1), 2, (1 + 2 + 5) / 3 + 0.75),
        # without a season: |2|, |1|, and the deviation of the values
        ((1, 3, 2), (1, 1, 1), 1, 1.5 + np.sqrt(2 / 3)),
        # no pair five apart: one step apart
        ((1, 4), (1, 1), 5, 3.0),
        ((7,), (1,), 1, 0.0),
    ],
)
def test_the_spread_by_hand(values, mask, season, expected) -> None:
    result = local_scale(column(*values), np.array([mask], dtype=np.float32), season)
    assert result == pytest.approx(np.array([[expected]]))


def test_each_window_falls_back_for_itself() -> None:
    past = np.concatenate([column(1, 3, 2, 5), column(0, 0, 0, 4)])
    mask = np.array([[1, 1, 1, 1], [0, 0, 1, 1]], dtype=np.float32)
    assert local_scale(past, mask, 2)[:, 0] == pytest.approx([2.25, 4.0])


def test_the_quantiles_by_hand_in_units_of_the_spread() -> None:
    fitted = fit_calibration(misses(np.arange(1, 21), moved=2.0), NONE, season=1, lookback=3)
    assert fitted.half[:, 0] == pytest.approx([16 / 2, 19 / 2])
    assert fitted.floor == pytest.approx([0.05 * 2])
    past, mask = column(1, 3, 2), np.ones((1, 3))  # moves by 2.316
    ends = interval_ends(fitted, np.array([[[10.0]]], dtype=np.float32), past, mask)
    moved = 1.5 + np.sqrt(2 / 3)
    assert ends[:, 0, 0, 0] == pytest.approx(
        [10 - 8 * moved, 10 + 8 * moved, 10 - 9.5 * moved, 10 + 9.5 * moved]
    )


def test_a_constant_window_has_the_minimum_spread() -> None:
    fitted = fit_calibration(misses([1.0] * 20, moved=2.0), NONE, season=1, lookback=3)
    ends = interval_ends(fitted, np.zeros((1, 1, 1)), column(5, 5, 5), np.ones((1, 3)))
    assert ends[1, 0, 0, 0] == pytest.approx(0.5 * 0.1)


def test_the_spread_uses_only_the_lookback() -> None:
    fitted = fit_calibration(misses([1.0] * 20), NONE, season=1, lookback=3)
    long, short = column(100, -100, 1, 3, 2), column(1, 3, 2)
    forecast = np.zeros((1, 1, 1))
    assert np.array_equal(
        interval_ends(fitted, forecast, long, np.ones((1, 5))),
        interval_ends(fitted, forecast, short, np.ones((1, 3))),
    )


def test_quantiles_lie_between_the_calibrated_levels() -> None:
    """Half widths 8 at 80 % and 9.5 at 95 %: the median is the forecast, 90 % lies between both."""
    fitted = fit_calibration(misses(np.arange(1, 21), moved=2.0), NONE, season=1, lookback=3)
    past, mask = column(1, 3, 2), np.ones((1, 3))
    moved = 1.5 + np.sqrt(2 / 3)
    batch = Batch(past=past, mask=mask, future=NOTHING, target=NOTHING, observed=NOTHING, series=NOTHING)
    result = fitted.quantiles((0.025, 0.05, 0.1, 0.5, 0.9), np.full((1, 1, 1), 10.0), batch)[:, 0, 0, 0]
    between = 8 + 1.5 * (norm.ppf(0.95) - norm.ppf(0.9)) / (norm.ppf(0.975) - norm.ppf(0.9))
    expected = [10 - 9.5 * moved, 10 - between * moved, 10 - 8 * moved, 10, 10 + 8 * moved]
    assert result == pytest.approx(expected)
    assert fitted.supported == pytest.approx((0.025, 0.975))


def test_errors_in_training_grow_by_the_optimism_that_the_rows_do_not_explain() -> None:
    """Validation errors are six times those in training; by the naive forecast the rows are twice as volatile."""
    val = misses([6.0] * 10, simple=4.0, horizons=1e-9)
    train = misses([1.0] * 10, simple=2.0)
    fitted = fit_calibration(val, train, season=1, lookback=1)
    assert fitted.optimism == pytest.approx(3.0)
    assert fitted.half[:, 0] == pytest.approx([3.0, 3.0])  # few validation rows have almost no weight
    calm = fit_calibration(misses([1.0] * 10, simple=4.0), train, season=1, lookback=1)
    assert calm.optimism == 1.0  # lucky validation rows do not make intervals narrower


def test_validation_and_training_have_equal_weight_at_200_horizons() -> None:
    train = misses(np.full(1000, 1.0), simple=1.0)
    for horizons, expected in ((EQUAL_WEIGHT_HORIZONS * 2.0, 3.0), (EQUAL_WEIGHT_HORIZONS / 10, 1.0)):
        val = misses([3.0] * 5, simple=3.0, horizons=horizons)  # as volatile as the naive forecast's errors
        assert fit_calibration(val, train, season=1, lookback=1).half[0, 0] == pytest.approx(expected)


@pytest.mark.parametrize("horizons", [3, 6, 15, 100])
@pytest.mark.parametrize("quantile", [0.9, 0.975])
def test_few_horizons_widen_as_students_t(quantile: float, horizons: float) -> None:
    expected = student.ppf(quantile, horizons) / norm.ppf(quantile)
    assert t_correction(quantile, horizons) == pytest.approx(expected, rel=0.01)


def test_zero_horizons_are_not_narrower_than_one() -> None:
    assert t_correction(0.975, 0.0) == t_correction(0.975, 1.0) > 4


def test_missing_values_do_not_count() -> None:
    errors = np.array([1.0, np.nan, 2.0, np.nan, 3.0])
    assert fit_calibration(misses(errors), NONE, season=1, lookback=1).half[1, 0] == pytest.approx(3.0)
    unknown = fit_calibration(misses([np.nan] * 3), NONE, season=1, lookback=1)
    assert np.isfinite(unknown.half).all()


def test_steps_with_few_errors_use_neighbouring_steps() -> None:
    absolute = np.arange(1.0, 6.0).reshape(1, 5, 1)
    item = CalibrationErrors(absolute=absolute, baseline=absolute, spread=np.ones((1, 1)), horizons=MANY)
    assert fit_calibration(item, none(5), season=1, lookback=1).half[1] == pytest.approx([5.0] * 5)
    many = CalibrationErrors(
        absolute=np.repeat(absolute, 300, axis=0),
        baseline=np.repeat(absolute, 300, axis=0),
        spread=np.ones((300, 1)),
        horizons=MANY,
    )
    assert fit_calibration(many, none(5), season=1, lookback=1).half[1] == pytest.approx([1, 2, 3, 4, 5])


@pytest.mark.parametrize("seed", range(3))
def test_exchangeable_errors_have_the_nominal_coverage(seed: int) -> None:
    """Windows have very different spreads and errors in proportion, so each has the same coverage."""
    rng = np.random.default_rng(seed)
    windows, lookback, horizon = 3000, 50, 4

    def drawn() -> tuple[np.ndarray, np.ndarray]:
        size = rng.choice([0.1, 1.0, 20.0], (windows, 1, 1))
        past = size * rng.standard_normal((windows, lookback, 1))
        return past, size * rng.standard_normal((windows, horizon, 1)) * np.sqrt(np.arange(1, 5))[:, None]

    mask = np.ones((windows, lookback))
    past, errors = drawn()
    absolute = np.abs(errors)
    known = CalibrationErrors(
        absolute=absolute, baseline=absolute, spread=local_scale(past, mask, 1), horizons=windows / horizon
    )
    fitted = fit_calibration(known, none(horizon), season=1, lookback=lookback)
    past, truth = drawn()
    ends = interval_ends(fitted, np.zeros_like(truth), past, mask)
    for low, high, level in ((ends[0], ends[1], 80), (ends[2], ends[3], 95)):
        inside = (truth >= low) & (truth <= high)
        assert 100 * inside.mean(axis=0)[:, 0] == pytest.approx(np.full(horizon, level), abs=3)
        quiet = np.abs(past).mean(axis=1)[:, 0] < 0.3
        assert 100 * inside[quiet].mean() == pytest.approx(level, abs=3)


numbers = st.floats(-1e6, 1e6, width=32)


@given(
    forecast=arrays(np.float32, (2, 3, 2), elements=numbers),
    past=arrays(np.float32, (2, 5, 2), elements=numbers),
    mask=arrays(np.float32, (2, 5), elements=st.sampled_from([0.0, 1.0])),
    errors=arrays(np.float64, (4, 3, 2), elements=st.floats(0, 1e6, width=32, allow_subnormal=False)),
    season=st.integers(1, 6),
    lower=st.floats(-1e6, 0),
)
def test_the_ends_never_cross_the_forecast_or_each_other(forecast, past, mask, errors, season, lower) -> None:
    val = CalibrationErrors(absolute=errors, baseline=errors[::-1], spread=errors[:, 0], horizons=2.0)
    fitted = fit_calibration(val, val, season=season, lookback=5)
    bounds = Bounds(lower=np.full(2, lower), upper=np.full(2, 1e5))
    ends = bounds.clip(interval_ends(fitted, forecast, past, mask))
    middle = bounds.clip(forecast.astype(np.float64))
    assert np.isfinite(ends).all()
    for below, above in ((ends[2], ends[0]), (ends[0], middle), (middle, ends[1]), (ends[1], ends[3])):
        assert (below <= above).all()


@given(
    forecast=arrays(np.float32, (2, 3, 2), elements=numbers),
    past=arrays(np.float32, (2, 5, 2), elements=numbers),
    errors=arrays(np.float64, (4, 3, 2), elements=st.floats(0, 1e6, width=32, allow_subnormal=False)),
    probabilities=st.lists(st.floats(0.001, 0.999), min_size=2, max_size=9),
)
def test_quantiles_ascend_with_their_probabilities(forecast, past, errors, probabilities) -> None:
    val = CalibrationErrors(absolute=errors, baseline=errors[::-1], spread=errors[:, 0], horizons=2.0)
    fitted = fit_calibration(val, val, season=2, lookback=5)
    batch = Batch(
        past=past, mask=np.ones((2, 5)), future=NOTHING, target=NOTHING, observed=NOTHING, series=NOTHING
    )
    quantiles = fitted.quantiles(sorted([*probabilities, 0.025, 0.1, 0.5, 0.9, 0.975]), forecast, batch)
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=0) >= 0).all()


def test_the_quantiles_of_the_calibrated_levels_are_the_interval_ends() -> None:
    """Equal bits, so the default forecast of a run stays the same."""
    fitted = fit_calibration(misses(np.arange(1, 21), moved=2.0), NONE, season=1, lookback=3)
    past, mask = column(1, 3, 2), np.ones((1, 3))
    forecast = np.full((1, 1, 1), 0.1, dtype=np.float32)
    near, far = fitted.half[:, :, None, None] * local_scale(past, mask, 1)
    middle = forecast.astype(np.float64)
    expected = np.stack([middle - near, middle + near, middle - far, middle + far])
    assert np.array_equal(interval_ends(fitted, forecast, past, mask), expected)
    assert fitted.symmetric


def test_stored_intervals_give_the_same_ends() -> None:
    fitted = fit_calibration(misses(np.arange(1, 21)), misses([2.0, 3.0]), season=7, lookback=9)
    repeated = Intervals.from_dict(json.loads(json.dumps(fitted.to_dict(), allow_nan=False)))
    assert repeated.to_dict() == fitted.to_dict()
