"""Tests of the errors by origin."""

from types import SimpleNamespace

import numpy as np
import pytest

from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.evaluation.metrics import MetricScale
from lstm_cli.evaluation.origin_errors import OriginErrors, error_scale, scaled_errors
from lstm_cli.rundir import open_run


def test_the_errors_of_the_scores_agree_with_mase(scored):
    """Each series has as many windows, so the mean over all origins is MASE, of the model and of seasonal naive."""
    with open_run(scored) as run:
        errors = np.array(run.artifact("scores").array("origin_errors.npy"))
        report = run.report("evaluate")
        windows = report["windows"] // len(load_dataset(run).series.names)
    assert errors.shape == (windows, 2)
    assert errors[:, 0].mean() == pytest.approx(report["metrics"]["mase"], rel=1e-5)
    assert errors[:, 1].mean() == pytest.approx(report["baselines"]["seasonal_naive"]["mase"], rel=1e-5)


def test_the_scale_is_that_of_mase_or_1():
    scale = MetricScale(seasonal_error=np.array([[2.0], [0.0]]), deviation=np.ones((2, 1)))
    assert np.array_equal(error_scale(scale), [[2.0], [np.nan]], equal_nan=True)
    nothing = MetricScale(seasonal_error=np.array([[np.nan], [0.0]]), deviation=np.ones((2, 1)))
    assert error_scale(nothing).tolist() == [[1.0], [1.0]]


def test_only_measured_values_with_a_scale_count():
    errors = np.array([[[2.0], [4.0]], [[6.0], [8.0]]])
    observed = np.array([[[True], [False]], [[True], [True]]])
    sums, count = scaled_errors(errors, observed, np.array([[2.0], [np.nan]]))
    assert sums.tolist() == [1.0, 0.0]
    assert count.tolist() == [1, 0]


def test_windows_of_one_origin_are_one_row_and_a_missing_origin_is_nan(monkeypatch):
    """Windows start at steps 3, 3 and 5. The baseline `naive` is left out."""
    monkeypatch.setattr(
        "lstm_cli.evaluation.origin_errors.window_moments",
        lambda windows: (np.array([3, 5]), np.array([0, 0, 1])),
    )
    scale = MetricScale(seasonal_error=np.array([[2.0], [4.0]]), deviation=np.ones((2, 1)))
    collect = OriginErrors(None, scale, baseline="seasonal_naive")
    for series, error in ((np.array([0, 1]), [2.0, 8.0]), (np.array([0]), [6.0])):
        batch = SimpleNamespace(series=series, observed=np.ones((len(series), 1, 1), dtype=bool))
        missed = np.array(error)[:, None, None]
        for name, factor in (("model", 1.0), ("naive", 7.0), ("seasonal_naive", 2.0), ("part.linear", 9.0)):
            collect(name, batch, factor * missed)
    means = collect.means()
    assert np.array_equal(means, np.array([[1.5, 3.0], [np.nan] * 2, [3.0, 6.0]]), equal_nan=True)
