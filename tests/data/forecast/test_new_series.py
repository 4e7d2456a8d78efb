"""Tests of the scaling of series that a model was not trained on."""

import numpy as np
import pytest
from small_data import dataset

from lstm_cli.data.build.log_transform import log_transform
from lstm_cli.data.dataset.scaling import Scaler
from lstm_cli.data.forecast.new_series import with_new_series

COUNTS = np.array([[2.0, 10.0], [4.0, 30.0], [6.0, 20.0], [8.0, 40.0]])


def trained(kind: str = "standard"):
    series = [COUNTS, 10 * COUNTS]
    return dataset(series, train_end=[4, 4], val_end=[4, 4], lookback=1, horizon=1, future=1, scaler=kind)


@pytest.mark.parametrize("kind", ["standard", "minmax", "robust", "none"])
def test_a_series_with_the_rows_of_a_training_series_gets_its_scaling(kind: str) -> None:
    known = trained(kind)
    scaler, statistics = with_new_series(
        known.scaler, known.training, np.array([1, -1]), [np.zeros((0, 2)), COUNTS], season=1
    )
    assert scaler.kind == kind
    np.testing.assert_array_equal(scaler.center, known.scaler.center[::-1])
    np.testing.assert_array_equal(scaler.scale, known.scaler.scale[::-1])
    for name, values in vars(statistics).items():
        np.testing.assert_array_equal(values, getattr(known.training, name)[::-1], err_msg=name)


def test_with_a_log_transform_too() -> None:
    known = log_transform(trained())
    scaler, _ = with_new_series(known.scaler, known.training, np.array([-1]), [COUNTS], season=1)
    assert scaler.floor is not None
    assert known.scaler.floor is not None
    np.testing.assert_allclose(scaler.floor[0], known.scaler.floor[0])
    np.testing.assert_allclose(scaler.center[0], known.scaler.center[0], rtol=1e-6)
    np.testing.assert_allclose(scaler.scale[0], known.scaler.scale[0], rtol=1e-6)


@pytest.mark.parametrize(("values", "floor"), [([0.0, 4.0, 3.0], 1.5), ([0.0, -2.0, np.nan], 1.0)])
def test_zeros_and_negative_values_have_a_logarithm(values: list[float], floor: float) -> None:
    known = log_transform(trained())
    rows = np.stack([values, [1.0, 2.0, 3.0]], axis=1)
    scaler, _ = with_new_series(known.scaler, known.training, np.array([-1]), [rows], season=1)
    assert scaler.floor is not None
    assert scaler.floor.tolist() == [[floor]]
    back = scaler.inverse_transform(scaler.transform(rows, 0), 0)
    np.testing.assert_allclose(back, rows, atol=1e-9)


def test_the_scaler_of_the_model_does_not_change() -> None:
    known = trained()
    before = known.scaler.to_dict()
    with_new_series(known.scaler, known.training, np.array([-1, 0]), [7 * COUNTS, COUNTS], season=1)
    assert Scaler.from_dict(before).equals(known.scaler)
