"""Tests of the limits of an axis against sorted values."""

import numpy as np

from lstm_cli.plots.robust_limits import Limits, robust_limits


def test_ordinary_values_have_no_limits() -> None:
    rng = np.random.default_rng(5)
    for values in (rng.normal(size=1000), np.zeros(50), rng.random(3), np.full(9, np.nan), np.zeros(0)):
        assert robust_limits(values) == Limits()


def test_a_spike_is_outside_and_counted() -> None:
    values = np.sin(np.arange(1000.0))
    values[[3, 500]] = 1e6, -50.0
    values[10] = np.nan
    limits = robust_limits(values)
    usual = np.sort(values[~np.isnan(values)])[[4, -5]]  # half a percent of 999 values on each side
    assert (limits.low, limits.high) == (2 * usual[0] - usual[1], 2 * usual[1] - usual[0])
    assert (limits.below, limits.above) == (1, 1)
    assert limits.notes == [
        "1 value above this range, up to 1,000,000",
        "1 value below this range, down to -50",
    ]
    assert limits.clip(values)[3] == limits.high


def test_a_constant_with_a_spike_is_not_cut() -> None:
    assert robust_limits(np.array([5.0] * 30 + [9.0])) == Limits()
