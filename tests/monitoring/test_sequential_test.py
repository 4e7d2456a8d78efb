"""Tests of the test for lost accuracy, with numbers worked by hand and simulations in plain Python."""

import math
import random

import numpy as np
import pytest

from lstm_cli.monitoring import sequential_test
from lstm_cli.monitoring.sequential_test import REFERENCE, count_alarms, find_limit, follow


def test_the_sum_follows_page():
    """With a reference value of .15: .35, .7 (alarm), 0, .75 (alarm), .1."""
    residuals = REFERENCE + np.array([0.35, 0.35, -1.2, 0.75, 0.1])
    path = follow(residuals, 0.5)
    assert path.statistic == pytest.approx([0.35, 0.7, 0.0, 0.75, 0.1])
    assert path.alarms == (1, 3)
    assert path.begins == (0, 3)


def test_the_reference_is_half_of_the_loss_that_is_found_fastest():
    assert math.exp(2 * REFERENCE) == pytest.approx(1.35)


def test_many_sums_at_once_equal_single_ones():
    rng = np.random.default_rng(3)
    residuals = rng.normal(0.1, 0.5, size=(20, 60))
    alarms, first = count_alarms(residuals, 1.0)
    paths = [follow(row, 1.0) for row in residuals]
    assert alarms.tolist() == [len(path.alarms) for path in paths]
    assert first.tolist() == [path.alarms[0] + 1 if path.alarms else -1 for path in paths]


def test_a_night_without_a_value_does_not_change_the_sum():
    residuals = np.array([[0.5, np.nan, 0.5]])
    assert count_alarms(residuals, 2 * (0.5 - REFERENCE) - 0.01)[1].tolist() == [3]


def test_the_limit_has_the_stated_rate_of_false_alarms():
    """Independent nights of a normal distribution, simulated in plain Python with other random numbers."""
    calibration = np.random.default_rng(0).normal(0.0, 0.4, size=2_000)
    calibration -= calibration.mean()
    limit = find_limit(calibration, stride=1, false_alarms=1.0)
    assert limit is not None
    rng, alarms, years = random.Random(7), 0, 400
    for _ in range(years):
        total = 0.0
        for _ in range(365):
            total = max(0.0, total + rng.gauss(0.0, 0.4) - REFERENCE)
            if total > limit:
                alarms, total = alarms + 1, 0.0
    assert 0.6 < alarms / years < 1.3


def test_fewer_false_alarms_need_a_higher_limit():
    calibration = np.random.default_rng(0).normal(0.0, 0.4, size=1_000)
    limits = [find_limit(calibration, stride=4, false_alarms=rate) or 0.0 for rate in (4.0, 1.0, 0.25)]
    assert limits == sorted(limits)
    assert limits[0] < limits[2]


def test_the_limit_is_the_same_each_time():
    calibration = np.random.default_rng(0).normal(0.0, 0.4, size=500)
    assert find_limit(calibration, stride=7, false_alarms=1) == find_limit(
        calibration, stride=7, false_alarms=1
    )


def test_too_few_nights_have_no_limit():
    values = np.zeros(24 * sequential_test.MIN_NIGHTS - 1)
    assert find_limit(values, stride=24, false_alarms=1.0) is None
    with_gaps = np.full(10 * len(values), np.nan)
    with_gaps[: len(values)] = values
    assert find_limit(with_gaps, stride=24, false_alarms=1.0) is None


def test_blocks_are_nights_that_followed_each_other():
    """Each value is its own position, so a block of nights rises by the stride."""
    values = np.arange(600.0)
    drawn = sequential_test.simulate_nights(values, 50, 28, stride=7, rng=np.random.default_rng(0))
    steps = np.diff(drawn.reshape(50, 2, 14), axis=2)
    assert np.isin(steps, (7.0, 7.0 - 600.0)).all()


def test_a_loss_is_found_in_time():
    """Nights like those of ETTh1: a deviation of .44, and losses of 50 % and 20 %."""
    rng = np.random.default_rng(1)
    calibration = rng.normal(0.0, 0.44, size=144)
    limit = find_limit(calibration - calibration.mean(), stride=1, false_alarms=1.0)
    assert limit is not None
    nights = rng.normal(0.0, 0.44, size=(400, 70))
    for loss, days in ((0.5, 14), (0.2, 70)):
        first = count_alarms(nights + math.log(1 + loss), limit)[1]
        assert np.mean((first > 0) & (first <= days)) > 0.5
