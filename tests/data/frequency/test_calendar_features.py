import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_cli.data.frequency.calendar_features import calendar_feature_names, calendar_features
from lstm_cli.data.frequency.step import parse_freq

EXPECTED = {
    "15s": ("second", "minute", "hour", "weekday", "yearday"),
    "15min": ("minute", "hour", "weekday", "yearday"),
    "h": ("hour", "weekday", "yearday"),
    "D": ("weekday", "monthday", "month"),
    "B": ("weekday", "monthday", "month"),
    "W": ("yearday",),
    "MS": ("month",),
    "ME": ("month",),
    "QE": ("quarter",),
    "YS": (),
    "1": (),
}


@pytest.mark.parametrize("freq", EXPECTED)
def test_inputs_are_the_calendar_parts_that_vary_at_the_step(freq):
    step = parse_freq(freq)
    assert calendar_feature_names(step) == tuple(
        f"{part}_{side}" for part in EXPECTED[freq] for side in ("sin", "cos")
    )
    # Rows over several years. Short steps are multiplied by a prime, so that each period is covered.
    times = step.times(
        np.arange(3000) * (2999 if step.count < 3_600_000_000 and step.kind == "seconds" else 1), 0
    )
    inputs = calendar_features(step, times)
    assert inputs.dtype == np.float32
    assert inputs.shape == (3000, len(calendar_feature_names(step)))
    assert (inputs.std(axis=0) > 0.01).all()
    assert (np.abs(inputs) <= 0.5).all()


def test_inputs_match_the_calendar_of_pandas():
    times = pd.date_range("1999-12-31 22:15", freq="45min", periods=40_000, unit="us")
    shares = {
        "minute": times.minute / 60,
        "hour": (times.hour + times.minute / 60) / 24,
        "weekday": times.day_of_week / 7,
        "yearday": (times.day_of_year - 1) / np.where(times.is_leap_year, 366, 365),
    }
    inputs = calendar_features(parse_freq("45min"), times.to_numpy().astype(np.int64))
    for column, (part, share) in enumerate(shares.items()):
        angle = 2 * np.pi * share
        np.testing.assert_allclose(inputs[:, 2 * column], np.sin(angle) / 2, atol=1e-6, err_msg=part)
        np.testing.assert_allclose(inputs[:, 2 * column + 1], np.cos(angle) / 2, atol=1e-6, err_msg=part)


@pytest.mark.parametrize("freq", ["D", "B"])
def test_inputs_of_days_match_the_calendar_of_pandas(freq):
    times = pd.date_range("1899-12-30 16:00", freq=freq, periods=80_000, unit="us")
    shares = [times.day_of_week / 7, (times.day - 1) / times.days_in_month, (times.month - 1) / 12]
    inputs = calendar_features(parse_freq(freq), times.to_numpy().astype(np.int64))
    expected = [side(2 * np.pi * share) / 2 for share in shares for side in (np.sin, np.cos)]
    np.testing.assert_allclose(inputs, np.stack(expected, axis=1), atol=1e-6)


def test_months_and_quarters_are_evenly_spread():
    months = calendar_features(parse_freq("ME"), parse_freq("ME").times(np.arange(24), 30 * 86_400_000_000))
    np.testing.assert_allclose(months[:12], months[12:])
    np.testing.assert_allclose(months[0], [0, 0.5], atol=1e-7)  # January
    np.testing.assert_allclose(months[3], [0.5, 0], atol=1e-7)  # April
    quarters = calendar_features(parse_freq("QS"), parse_freq("QS").times(np.arange(4), 0))
    np.testing.assert_allclose(quarters, [[0, 0.5], [0.5, 0], [0, -0.5], [-0.5, 0]], atol=1e-7)
    shifted = calendar_features(parse_freq("QE"), parse_freq("QE").times(np.arange(4), 58 * 86_400_000_000))
    np.testing.assert_allclose(shifted, quarters, atol=1e-7)  # February, May, August, November


@given(times=st.lists(st.integers(-(2**60), 2**60), max_size=20), freq=st.sampled_from(list(EXPECTED)))
def test_inputs_are_finite_and_each_row_is_independent(times, freq):
    step = parse_freq(freq)
    inputs = calendar_features(step, np.array(times, dtype=np.int64))
    assert np.isfinite(inputs).all()
    for row, time in enumerate(times[:3]):
        np.testing.assert_array_equal(calendar_features(step, np.array([time]))[0], inputs[row])


@pytest.mark.parametrize(
    ("freq", "names"),
    [
        ("SMS", ("monthday", "month")),
        ("BME", ("month",)),
        ("BQS", ("quarter",)),
        ("BYE", ()),
        ("W-THU", ("yearday",)),
    ],
)
def test_pandas_steps_have_the_parts_that_vary(freq: str, names: tuple[str, ...]) -> None:
    step = parse_freq(freq)
    assert calendar_feature_names(step) == tuple(
        f"{name}_{side}" for name in names for side in ("sin", "cos")
    )
    inputs = calendar_features(step, step.times(np.arange(60), 0))
    assert inputs.shape == (60, 2 * len(names))
    assert (inputs.std(axis=0) > 0.05).all()
