"""Tests of the drift of the inputs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.monitoring.input_drift import find_drift, ks_statistic
from lstm_cli.rundir import open_run


def test_the_statistic_of_two_small_samples():
    """Two distributions, of 1, 2, 3, 4 and of 3, 4, 5, 6, differ most below 3: .5 and 0."""
    assert ks_statistic(np.array([1.0, 2, 3, 4]), np.array([3.0, 4, 5, 6])) == pytest.approx(0.5)
    assert ks_statistic(np.array([4.0, np.nan, 2, 3, 1]), np.array([3.0, 4, 5, 6])) == pytest.approx(0.5)
    assert ks_statistic(np.array([1.0, 1, 2]), np.array([1.0, 1, 2])) == 0.0
    assert ks_statistic(np.array([9.0]), np.array([1.0, 2.0])) == 1.0


def test_the_statistic_is_that_of_scipy():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    for _ in range(20):
        first, second = rng.integers(0, 9, 30) / 2, np.sort(rng.integers(0, 12, 50) / 2)
        assert ks_statistic(first, second) == pytest.approx(stats.ks_2samp(first, second).statistic)


def test_only_a_changed_column_drifts(trained: Path):
    """Three weeks of `sales` at the end are ten times as variable; `price` and `promo` are as before."""
    with open_run(trained) as run:
        dataset = load_dataset(run)
    values = np.array(dataset.values_scaled)
    for series, begin in enumerate(dataset.series.offset):
        last = slice(begin + dataset.series.count[series] - 21, begin + dataset.series.count[series])
        values[last, 0] *= 10 * np.random.default_rng(series).normal(size=21)
    drift = find_drift(dataset, replace(dataset, values_scaled=values), rows=21)
    assert [each.column for each in drift if each.drifted] == ["sales"]
    assert {each.column for each in drift} == {"sales", "price", "promo"}
    assert drift[0].column == "sales"


def test_too_few_rows_have_no_drift(trained: Path):
    with open_run(trained) as run:
        dataset = load_dataset(run)
    assert find_drift(dataset, dataset, rows=3) == ()
    assert find_drift(dataset, dataset, rows=90) == ()
