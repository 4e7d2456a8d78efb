"""Targets in logarithms: what is scaled, when it can be, and the way back."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_data import dataset, wave

from lstm_cli.data.build.log_transform import can_log_transform, level_ratio, log_transform
from lstm_cli.data.build.write import scale_and_fill
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.mase_scale import MaseScale
from lstm_cli.data.dataset.scaling import MAX_LOG, Scaler


def growing(**options: object) -> Dataset:
    """Two series of very different level, a past covariate that may be negative, and holes."""
    rows = np.arange(80)
    generator = np.random.default_rng(0)
    series = []
    for level in (3.0, 4000.0):
        target = level * np.exp(0.02 * rows + 0.3 * np.sin(rows) + 0.05 * generator.normal(size=80))
        series.append(np.stack([target, generator.normal(size=80)], axis=1))
    series[0][[20, 21], 0] = np.nan
    made = {"train_end": [50, 60], "val_end": [65, 70], "past": 1, "missing": "last"} | options
    return dataset(series, **made)  # type: ignore[arg-type]


def test_the_scale_is_the_log_of_the_measured_training_rows_by_hand() -> None:
    plain = growing()
    logged = log_transform(plain)
    units = [
        plain.scaler.inverse_transform(plain.values_scaled[80 * item : 80 * item + 80, :1], item)
        for item in (0, 1)
    ]
    known = [np.delete(units[0][:50, 0], [20, 21]), units[1][:60, 0]]  # what was filled does not count
    for item, values in enumerate(known):
        assert logged.scaler.center[item, 0] == pytest.approx(np.log(values).mean(), rel=1e-6)
        shared = np.sqrt(np.mean([np.log(values).var() for values in known]))
        assert logged.scaler.scale[item, 0] == pytest.approx(shared, rel=1e-6)
        expected = (np.log(units[item][:, 0]) - np.log(values).mean()) / shared
        np.testing.assert_allclose(logged.values_scaled[80 * item : 80 * item + 80, 0], expected, atol=1e-4)
    # Covariates stay as they are.
    np.testing.assert_array_equal(logged.values_scaled[:, 1], plain.values_scaled[:, 1])
    np.testing.assert_array_equal(logged.scaler.scale[:, 1], plain.scaler.scale[:, 1])
    np.testing.assert_array_equal(logged.measured, plain.measured)
    assert logged.training is plain.training  # errors are measured in the file's units, as without


def test_the_way_back_is_in_the_files_units() -> None:
    plain = growing()
    logged = log_transform(plain)
    series = np.array([0, 1])
    rows = np.stack([np.arange(30, 34), 80 + np.arange(30, 34)])
    np.testing.assert_allclose(
        logged.inverse_transform_targets(logged.values_scaled[rows, :1], series),
        plain.inverse_transform_targets(plain.values_scaled[rows, :1], series),
        rtol=1e-5,
    )
    assert np.isfinite(logged.inverse_transform_targets(np.full((2, 4, 1), 1e9), series)).all()
    assert logged.inverse_transform_targets(np.full((1, 1, 1), 1e9), series[:1]).max() == pytest.approx(
        np.exp(MAX_LOG)
    )


def test_a_value_far_below_training_keeps_its_value() -> None:
    """Below half the least training value the logarithm goes on as the line that touches it there."""
    logged = log_transform(growing())
    floor, center, scale = logged.scaler.floor, logged.scaler.center[0, 0], logged.scaler.scale[0, 0]
    assert floor is not None
    np.testing.assert_array_equal(floor, logged.training.least / 2)
    low = np.array([[0.0], [-7.0], [floor[0, 0] * (1 - 1e-9)], [floor[0, 0] * (1 + 1e-9)]])
    scaled = logged.scaler.transform(low, 0)
    np.testing.assert_allclose(logged.scaler.inverse_transform(scaled, 0), low, atol=1e-12)
    assert scaled[0, 0] * scale + center == pytest.approx(np.log(floor[0, 0]) - 1)
    assert scaled[2, 0] == pytest.approx(scaled[3, 0])


def test_truth_after_training_is_truth_in_logs_too() -> None:
    """A shop that is shut: zeros in validation and test rows, none before."""
    rows = np.exp(1 + 0.3 * np.sin(np.arange(80.0)))[:, None]
    rows[[55, 72], 0] = 0.0, -1.0
    plain = dataset([rows], train_end=[50], val_end=[65])
    logged = log_transform(plain)
    at = np.array([[55, 72, 73]])
    values = [
        item.inverse_transform_targets(item.values_scaled[at, :1], np.array([0])) for item in (plain, logged)
    ]
    np.testing.assert_allclose(values[1], values[0], atol=1e-5)
    np.testing.assert_allclose(values[1][0, :2, 0], [0, -1], atol=1e-5)
    series = np.array([0])
    errors = [
        MaseScale.from_dataset(item).mase_terms(item.values_scaled[at, :1], series)
        for item in (plain, logged)
    ]  # all but the mean, which differences lose
    np.testing.assert_allclose(*(error - error[:, 2:] for error in errors), atol=1e-5)


@settings(max_examples=60)
@given(
    values=st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=20),
    center=st.floats(-5, 12),
    scale=st.floats(0.01, 5),
)
def test_there_and_back_again(values: list[float], center: float, scale: float) -> None:
    scaler = Scaler(
        kind="standard",
        center=np.array([[center, 2.0]]),
        scale=np.array([[scale, 3.0]]),
        floor=np.array([[1e-4]]),
    )
    rows = np.stack([values, np.linspace(-4, 4, len(values))], axis=1)
    near_zero = scaler.float32_spacing(np.zeros(2)).max()  # what comes back as 0
    np.testing.assert_allclose(
        scaler.inverse_transform(scaler.transform(rows, 0), 0), rows, rtol=1e-9, atol=1e-12 + near_zero
    )
    read = Scaler.from_dict(scaler.to_dict())
    assert read.equals(scaler)
    assert read.log_transformed
    assert not scaler.equals(replace(scaler, floor=None))
    assert scaler.select(np.array([0, 0])).floor is not None


@pytest.mark.parametrize(
    ("change", "possible"),
    [(0.5, True), (0.0, False), (-1.0, False), (1e-9, False)],  # the last: no more than rounding above 0
)
def test_logs_need_training_values_above_0_that_were_measured(change: float, possible: bool) -> None:
    rows = wave(80)
    rows[60] = -3.0  # of validation, which does not count
    rows[10] = change
    assert can_log_transform(dataset([rows], train_end=[50], val_end=[70])) is possible
    rows[10] = np.nan
    assert can_log_transform(dataset([rows], train_end=[50], val_end=[70]))


def test_logs_need_the_standard_scaler() -> None:
    for scaler in ("minmax", "robust", "none"):
        assert not can_log_transform(dataset([wave(80)], train_end=[50], val_end=[70], scaler=scaler))


def test_the_spread_of_levels_is_between_series_not_targets() -> None:
    high, low = 30 * wave(80, 2), wave(80, 2)  # means 300 and 600, 10 and 20
    made = dataset([high, low], train_end=[72, 72], val_end=[76, 76])
    assert level_ratio(made) == pytest.approx(30, rel=0.01)
    assert level_ratio(dataset([high], train_end=[72], val_end=[76])) == 1


def test_a_target_that_begins_later_is_0_before_that_in_logs_too() -> None:
    rows = np.exp(1 + 0.3 * np.sin(np.arange(160.0))).reshape(80, 2)
    rows[:7, 1] = np.nan
    logged = log_transform(dataset([rows], train_end=[50], val_end=[65]))
    assert logged.values_scaled[:7, 1].tolist() == [0] * 7
    assert logged.values_scaled[7, 1] != 0
    read = scale_and_fill([rows], logged.scaler, logged.schema)
    np.testing.assert_allclose(read, logged.values_scaled, atol=1e-5)


def test_a_small_variation_around_a_large_level_keeps_its_digits() -> None:
    load = 1e7 + np.sin(np.arange(80))
    plain = dataset([load[:, None]], train_end=[60], val_end=[70])
    logged = log_transform(plain)
    np.testing.assert_allclose(logged.values_scaled, plain.values_scaled, atol=1e-5)  # nearly linear here
    back = logged.scaler.inverse_transform(logged.values_scaled, 0)[:, 0]
    np.testing.assert_allclose(back, load, atol=1e-5, rtol=0)
