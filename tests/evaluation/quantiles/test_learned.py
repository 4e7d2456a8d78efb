"""Tests of learned quantiles: by hand, on skewed errors, and as properties of any network."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_data import dataset

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch, split_windows
from lstm_cli.evaluation.quantiles.calibrate_intervals import calibrate
from lstm_cli.evaluation.quantiles.features import count_features
from lstm_cli.evaluation.quantiles.intervals import Intervals
from lstm_cli.evaluation.quantiles.learned import KNOTS, LearnedQuantiles, quantiles_from_dict
from lstm_cli.evaluation.quantiles.network import ARRAYS, QuantileNetwork

LOOKBACK, HORIZON = 6, 3
DECILES = (0.1, 0.9)
FEATURES = count_features(LOOKBACK, 1)


def fitted(**changes: object) -> LearnedQuantiles:
    """Return quantiles whose knot at p is 10 p - 5, with spreads of at least 2."""
    plain = LearnedQuantiles(
        intervals=Intervals(
            half=np.ones((2, HORIZON)),
            floor=np.array([2.0]),
            season=1,
            lookback=LOOKBACK,
            optimism=1.0,
            horizons=50.0,
            growth=(2.0,),
        ),
        knots=10 * np.array(KNOTS) - 5,
        step_scale=np.array([0.5, 1.0, 1.5]),
        series_scale=np.array([[1.0], [3.0]]),
        series=("a", "b"),
        rows=99.0,
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def network(seed: int, *, size: float = 1.0) -> QuantileNetwork:
    rng = np.random.default_rng(seed)
    shapes = {"mean": (FEATURES,), "deviation": (FEATURES,), "first": (FEATURES, 4), "first_bias": (4,)}
    shapes |= {"second": (4, 4), "second_bias": (4,), "output": (4, 3), "direct": (FEATURES, 3)}
    arrays = {name: (size * rng.normal(size=shapes[name])).astype(np.float32) for name in ARRAYS}
    arrays["deviation"] = np.abs(arrays["deviation"]) + np.float32(0.1)
    return QuantileNetwork(**arrays)


def batch(series: tuple[int, ...] = (0,), *, past: np.ndarray | None = None) -> Batch:
    count = len(series)
    return Batch(
        past=np.zeros((count, LOOKBACK, 1), dtype=np.float32) if past is None else past,
        mask=np.ones((count, LOOKBACK), dtype=np.float32),
        future=np.zeros((count, HORIZON, 0), dtype=np.float32),
        target=np.zeros((count, HORIZON, 1), dtype=np.float32),
        observed=np.ones((count, HORIZON, 1), dtype=bool),
        series=np.array(series),
    )


def test_a_quantile_is_the_forecast_plus_scales_by_hand() -> None:
    """Spread 2, steps .5, 1 and 1.5, series 1 and 3; the knots at .1 and .9 are -4 and 4."""
    result = fitted().quantiles(DECILES, np.full((2, HORIZON, 1), 10.0), batch((0, 1)))
    assert result[0, 0, :, 0] == pytest.approx([10 - 4, 10 - 8, 10 - 12])
    assert result[1, 1, :, 0] == pytest.approx([10 + 12, 10 + 24, 10 + 36])


def test_the_network_moves_and_stretches_both_sides() -> None:
    """Only the bias-free direct part of a constant feature acts: shift .5, low log 2, high log 3, and half of each."""
    arrays = {name: np.zeros_like(getattr(network(0), name)) for name in ARRAYS}
    arrays["mean"][0], arrays["deviation"][:] = 2 * (0.5 / HORIZON) - 2, 1.0  # feature 0 of step 0 becomes 1
    arrays["direct"][0] = [0.5, np.log(2), np.log(3)]
    learned = fitted(network=QuantileNetwork(**arrays), share=1.0)
    forecast = np.full((1, 1, 1), 10.0)
    low, middle, high = learned.quantiles((0.1, 0.5, 0.9), forecast, batch())[:, 0, 0, 0]
    assert middle == pytest.approx(10 + 0.5)  # scale 2 * .5 = 1
    assert (middle - low, high - middle) == pytest.approx((2 * 4, 3 * 4))
    half = dataclasses.replace(learned, share=0.5)
    low, middle, high = half.quantiles((0.1, 0.5, 0.9), forecast, batch())[:, 0, 0, 0]
    assert (middle - 10, middle - low, high - middle) == pytest.approx((0.25, 2**0.5 * 4, 3**0.5 * 4))


@given(
    seed=st.integers(0, 10_000),
    size=st.sampled_from([0.1, 1.0, 10.0]),
    probabilities=st.lists(st.floats(0.001, 0.999), min_size=2, max_size=6),
    steps=st.integers(1, 2 * HORIZON + 1),
)
def test_quantiles_never_cross(seed: int, size: float, probabilities: list[float], steps: int) -> None:
    rng = np.random.default_rng(seed)
    learned = fitted(network=network(seed, size=size), share=1.0)
    windows = batch((0, 1), past=(size * rng.normal(size=(2, LOOKBACK, 1))).astype(np.float32))
    result = learned.quantiles(sorted(probabilities), rng.normal(size=(2, steps, 1)), windows)
    assert result.shape == (len(probabilities), 2, steps, 1)
    assert np.isfinite(result).all()
    assert (np.diff(result, axis=0) >= -1e-9).all()


def test_other_series_keep_their_scale_and_new_ones_get_1() -> None:
    other = fitted().for_series(("new", "b"))
    assert other.series_scale[:, 0].tolist() == [1.0, 3.0]
    assert fitted().for_series(("a", "b")).series_scale[:, 0].tolist() == [1.0, 3.0]


def test_the_calibration_supports_the_quantiles_of_its_rows() -> None:
    """By rank, the largest of 99 errors is the quantile .99 of a new one; no more than the last knot is supported."""
    assert fitted().supported == pytest.approx((0.01, 0.99))
    assert fitted(rows=1e6).supported == pytest.approx((KNOTS[0], KNOTS[-1]))


def test_later_steps_are_wider() -> None:
    """With growth 2 of the second block, its middle has twice the mean scale of the first block."""
    widths = np.diff(fitted().quantiles(DECILES, np.zeros((1, 12, 1)), batch()), axis=0)[0, 0, :, 0]
    assert (np.diff(widths) >= 0).all()
    assert widths[4] == pytest.approx(2 * widths[:HORIZON].mean())


@pytest.mark.parametrize("of", [None, network(3)])
def test_stored_quantiles_are_equal(of: QuantileNetwork | None) -> None:
    learned = fitted(network=of, share=0.5)
    again = quantiles_from_dict(json.loads(json.dumps(learned.to_dict())))
    windows = batch((0, 1), past=np.random.default_rng(0).normal(size=(2, LOOKBACK, 1)).astype(np.float32))
    forecast = np.random.default_rng(1).normal(size=(2, HORIZON, 1))
    np.testing.assert_array_equal(
        again.quantiles(KNOTS, forecast, windows), learned.quantiles(KNOTS, forecast, windows)
    )
    assert (again.symmetric, again.supported, again.growth) == (False, learned.supported, (2.0,))


def gamma_noise(rows: int = 6000) -> Dataset:
    """Return independent values of a gamma distribution, one long tail above."""
    values = np.random.default_rng(0).gamma(0.5, size=(rows, 1))
    return dataset([values], train_end=[rows // 3], val_end=[rows // 2], lookback=LOOKBACK, horizon=HORIZON)


def mean_of_training(batch: Batch) -> np.ndarray:
    return np.zeros((len(batch.series), HORIZON, 1), dtype=np.float32)


def test_skewed_errors_miss_on_both_sides() -> None:
    """Skewed errors have a median below their mean. Symmetric intervals would miss below never, above in 1 of 5."""
    data = gamma_noise()
    learned = calibrate(data, mean_of_training, lookback=LOOKBACK).quantiles
    windows = split_windows(data, "test", LOOKBACK)[:]
    low, middle, high = learned.quantiles((0.1, 0.5, 0.9), mean_of_training(windows), windows)
    shares = [100 * float(np.mean(windows.target <= quantile)) for quantile in (low, middle, high)]
    assert shares == pytest.approx([10, 50, 90], abs=3)


def test_only_rows_before_the_test_rows_count() -> None:
    data = gamma_noise(900)
    stored = [calibrate(data, mean_of_training, lookback=LOOKBACK).quantiles.to_dict()]
    for row in (700, 400):  # a test row, a validation row
        values = data.values_scaled.copy()
        values[row] += 9
        changed = dataclasses.replace(data, values_scaled=values)
        stored.append(calibrate(changed, mean_of_training, lookback=LOOKBACK).quantiles.to_dict())
    assert stored[0] == stored[1]
    assert stored[0] != stored[2]


def test_a_series_with_larger_errors_has_a_larger_scale() -> None:
    """A spread sees the change from step to step, not that this model is three times worse on one series."""
    rng = np.random.default_rng(0)
    data = dataset(
        [rng.normal(size=(600, 1)), rng.normal(size=(600, 1))],
        train_end=[300] * 2, val_end=[450] * 2, lookback=LOOKBACK, horizon=HORIZON,
    )  # fmt: skip

    def forecast(batch: Batch) -> np.ndarray:
        return batch.target + np.where(batch.series == 0, 3.0, 1.0)[:, None, None].astype(np.float32)

    learned = calibrate(data, forecast, lookback=LOOKBACK).quantiles
    assert learned.series_scale[0, 0] / learned.series_scale[1, 0] == pytest.approx(3, rel=0.15)
