"""Tests of the nights that the test for lost accuracy uses, and of its promise."""

import math

import numpy as np
import pytest

from lstm_cli.monitoring.ledger_scores import NightError
from lstm_cli.monitoring.lost_accuracy import Night, merge_nights, run_test
from lstm_cli.monitoring.promise import Promise

HOUR = 3_600_000_000
PROMISE = Promise(log_error=0.0, log_baseline=0.0, slope=0.0, least=(1e-3, 1e-3))


def night(
    hour: int, error: float = 1.0, *, model: str = "m", count: int = 24, promise: Promise | None = PROMISE
):
    return Night(
        day=f"day {hour // 24}",
        origin_us=hour * HOUR,
        model=model,
        errors=NightError(model=error * count, baseline=float(count), count=count, cells=24),
        promise=promise,
    )


def test_one_night_a_day_counts():
    nights = [night(hour) for hour in (0, 1, 23, 24, 30)]
    assert [each.origin_us // HOUR for each in merge_nights(nights)] == [0, 24]


def test_shards_are_added_up():
    merged = merge_nights([night(0, 1.0), night(0, 3.0), night(0, 9.0, model="other", count=20)])
    assert [(each.model, each.errors.model, each.errors.count) for each in merged] == [("m", 96.0, 48)]


def test_a_night_with_few_measured_values_does_not_count():
    assert [each.errors.count for each in merge_nights([night(0, count=19), night(1, count=20)])] == [20]


def run(nights, *, promises=None, calibration=None):
    return run_test(
        nights,
        promises=promises or {},
        calibration=calibration,
        steps=np.array([each.origin_us // HOUR for each in nights]),
        horizon=24,
        false_alarms=1.0,
    )


def test_each_night_has_the_promise_of_its_own_model():
    better = Promise(log_error=math.log(2), log_baseline=0.0, slope=0.0, least=(1e-3, 1e-3))
    nights = [night(0, 2.0), night(24, 2.0, model="new"), night(48, 2.0, promise=None)]
    result = run(nights, promises={"new": better})
    assert result.ratios == pytest.approx([2.0, 1.0])
    assert result.without_promise == 1
    assert result.limit is None
    assert result.alarms == ()


def test_an_alarm_belongs_to_the_model_of_its_night():
    rng = np.random.default_rng(0)
    calibration = np.exp(rng.normal(0, 0.3, size=(24 * 100, 2)))
    nights = [night(24 * day, 1.0) for day in range(10)] + [night(24 * day, 3.0) for day in range(10, 16)]
    result = run(nights, promises={"m": PROMISE}, calibration=calibration)
    assert result.limit is not None
    assert result.is_alarmed
    assert result.begins[0] == 10
    assert result.alarms[0] in range(11, 15)
    replaced = run(
        [*nights, night(24 * 16, 1.0, model="new")], promises={"m": PROMISE}, calibration=calibration
    )
    assert replaced.alarms == result.alarms
    assert not replaced.is_alarmed
