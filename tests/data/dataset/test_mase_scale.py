"""Tests of MaseScale against MASE in the file's units."""

from dataclasses import replace

import numpy as np
import pytest
from small_data import dataset, wave

from lstm_cli.data.build.log_transform import log_transform
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.mase_scale import MaseScale


def panel() -> Dataset:
    series = [wave(80, 2, seed=1), 100 * wave(70, 2, seed=2)]
    return dataset(series, train_end=[50, 40], val_end=[65, 55], seasons=(12,))


def test_by_hand() -> None:
    """One series: 0 2 0 2 0 2 of deviation 1, season 1, so a seasonal error of 2. Half a unit is a quarter."""
    rows = np.tile([0.0, 2.0], 20)[:, None]
    yardstick = MaseScale.from_dataset(dataset([rows], train_end=[30], val_end=[35]))
    series = np.array([0])
    item, other = (yardstick.mase_terms(np.full((1, 1, 1), value), series) for value in (1.5, 1.0))
    assert float((item - other)[0, 0, 0]) == pytest.approx(0.25)


@pytest.mark.parametrize("logs", [False, True])
def test_a_difference_is_an_error_in_units_over_the_seasonal_error(logs: bool) -> None:
    data = log_transform(panel()) if logs else panel()
    random = np.random.default_rng(3)
    forecast, truth = random.normal(size=(2, 5, 4, 2))
    series = np.array([0, 1, 1, 0, 1])
    yardstick = MaseScale.from_dataset(data)
    result = yardstick.mase_terms(forecast, series) - yardstick.mase_terms(truth, series)
    error = data.inverse_transform_targets(forecast, series) - data.inverse_transform_targets(truth, series)
    seasonal = data.training.seasonal_error[series][:, None]
    np.testing.assert_allclose(result, error / seasonal, rtol=1e-9)
    # The same cells as rows, one a window and target.
    rows = np.swapaxes(forecast, 1, 2).reshape(10, 4)
    by_row = yardstick.mase_terms_of_rows(rows, np.repeat(series, 2), np.tile([0, 1], 5))
    whole = np.swapaxes(yardstick.mase_terms(forecast, series), 1, 2).reshape(10, 4)
    np.testing.assert_array_equal(by_row, whole)


def test_a_series_without_seasonal_error_weighs_nothing() -> None:
    data = panel()
    for none in (np.nan, 0.0):
        error = data.training.seasonal_error.copy()
        error[1, 0] = none
        yardstick = MaseScale.from_dataset(
            replace(data, training=replace(data.training, seasonal_error=error))
        )
        assert yardstick.weight[1, 0] == 0
        assert (yardstick.weight[[0, 0, 1], [0, 1, 1]] > 0).all()


def test_where_none_has_one_the_deviation_divides() -> None:
    data = panel()
    nothing = np.full_like(data.training.seasonal_error, np.nan)
    yardstick = MaseScale.from_dataset(replace(data, training=replace(data.training, seasonal_error=nothing)))
    np.testing.assert_allclose(yardstick.weight, 1 / data.training.deviation)


def test_a_forecast_that_runs_away_in_logs_stays_a_number() -> None:
    yardstick = MaseScale.from_dataset(log_transform(panel()))
    assert np.isfinite(yardstick.mase_terms(np.full((1, 2, 2), 1e6), np.array([0]))).all()
