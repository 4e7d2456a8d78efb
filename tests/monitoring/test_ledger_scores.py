"""Tests of the scores of recorded forecasts against numbers worked by hand."""

import numpy as np
import pytest
from small_forecasts import small_forecast

from lstm_cli.monitoring.ledger_scores import Tally, night_error


def truth_of(values) -> np.ndarray:
    return np.array(values, dtype=np.float64)[:, :, None]


def test_the_figures_of_one_forecast():
    """Forecasts 10 and 20, measured 12 and 16: errors 2 and 4, bias (-2 + 4) / 2. Those of the baseline: 1 and 5."""
    tally = Tally(horizon=2, targets=1)
    tally.add(small_forecast([[10.0, 20.0]]), truth_of([[12.0, 16.0]]))
    figures = tally.figures()
    assert tally.values == 2
    assert figures["metrics"] == pytest.approx(
        {
            "mae": 3.0,
            "rmse": np.sqrt(10.0),
            "smape": 50 * (2 / 11 + 4 / 18),
            "mase": 1.5,
            "mse_scaled": 10 / 16,
            "mae_scaled": 0.75,
            "bias": 1.0,
            "bias_scaled": 0.25,
        }
    )
    assert figures["baseline"]["mase"] == pytest.approx(1.5)
    assert figures["baseline"]["bias"] == pytest.approx(2.0)
    assert figures["baseline"]["wql"] == pytest.approx(6 / 28)  # all its quantiles are the forecast
    # The 80 % interval is the forecast -4 to +4, so 16 is its lower end; the 95 % interval is 9.5 wide.
    assert figures["coverage"] == {"80": 100.0, "95": 100.0}
    assert figures["width"] == pytest.approx({"80": 8.0, "95": 9.5})
    losses = [
        sum(
            2 * max(p * (truth - quantile), (p - 1) * (truth - quantile))
            for p in np.arange(1, 10) / 10
            for quantile in [forecast + 10 * (p - 0.5)]
        )
        / 9
        for forecast, truth in ((10, 12), (20, 16))
    ]
    assert figures["wql"] == pytest.approx(sum(losses) / 28)


def test_missing_values_do_not_count():
    tally = Tally(horizon=2, targets=1)
    tally.add(small_forecast([[10.0, 20.0]]), truth_of([[12.0, np.nan]]))
    assert tally.values == 1
    assert tally.figures()["metrics"]["mae"] == pytest.approx(2.0)
    steps = tally.per_step()
    assert [step["step"] for step in steps] == [1, 2]
    assert steps[1]["metrics"]["mae"] is None
    assert steps[1]["coverage"] == {"80": None, "95": None}


def test_forecasts_of_different_series_and_steps_are_added():
    """Series A has errors 1 and 3, B has 4: MASE is the mean over series of 2 / 2 and 4 / 2."""
    tally = Tally(horizon=2, targets=1)
    tally.add(small_forecast([[10.0, 20.0]], names=("A",)), truth_of([[11.0, 23.0]]))
    tally.add(small_forecast([[5.0]], names=("B",)), truth_of([[9.0]]))
    figures = tally.figures()["metrics"]
    assert figures["mase"] == pytest.approx((1.0 + 2.0) / 2)
    assert figures["mae"] == pytest.approx(8 / 3)
    assert tally.per_step()[1]["metrics"]["mae"] == pytest.approx(3.0)


def test_a_tally_without_steps_has_the_same_figures():
    forecast, truth = (
        small_forecast([[10.0, 20.0], [5.0, 7.0]], names=("A", "B")),
        [[12.0, 16.0], [9.0, np.nan]],
    )
    whole, overall = Tally(horizon=2, targets=1), Tally(horizon=1, targets=1)
    for tally in (whole, overall):
        tally.add(forecast, truth_of(truth))
        tally.add(forecast, truth_of(truth))
    assert len(overall.per_step()) == 1
    assert (overall.forecasts, overall.values) == (whole.forecasts, whole.values) == (2, 6)
    for name, value in whole.figures().items():
        assert overall.figures()[name] == pytest.approx(value), name


def test_two_tallies_are_one():
    first, second, whole = (Tally(horizon=2, targets=1) for _ in range(3))
    parts = (
        (first, small_forecast([[10.0, 20.0]], names=("A",)), truth_of([[11.0, 23.0]])),
        (second, small_forecast([[5.0], [6.0]], names=("B", "A")), truth_of([[9.0], [6.5]])),
    )
    for tally, forecast, truth in parts:
        tally.add(forecast, truth)
        whole.add(forecast, truth)
    first.add_all(second)
    assert first.figures() == whole.figures()
    assert first.forecasts == 2


def test_a_model_without_quantiles_has_no_coverage():
    forecast = small_forecast([[10.0]], probabilities=(), quantiles=np.zeros((0, 1, 1, 1), dtype=np.float32))
    tally = Tally(horizon=1, targets=1)
    tally.add(forecast, truth_of([[12.0]]))
    assert tally.figures()["wql"] is None
    assert tally.figures()["coverage"] == {}


def test_the_error_of_a_night():
    """Errors 2 and 4, of the baseline 1 and 5, divided by the seasonal error 2."""
    error = night_error(small_forecast([[10.0, 20.0]]), truth_of([[12.0, 16.0]]))
    assert (error.model, error.baseline, error.count, error.cells) == (3.0, 3.0, 2, 2)
    error = night_error(small_forecast([[10.0, 20.0]]), truth_of([[np.nan, 16.0]]))
    assert (error.model, error.baseline, error.count, error.cells) == (2.0, 2.5, 1, 2)
