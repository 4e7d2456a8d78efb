"""Tests of the promise of a model."""

import math

import numpy as np
import pytest

from lstm_cli.monitoring.promise import Promise, fit_promise


def test_the_slope_is_that_of_least_squares():
    """Errors of the model are 2 * sqrt(baseline), so the slope is .5 and no error is a surprise."""
    baseline = np.array([1.0, 4.0, 16.0, 64.0])
    errors = np.stack([2 * np.sqrt(baseline), baseline], axis=1)
    promise = fit_promise(errors)
    assert promise is not None
    assert promise.slope == pytest.approx(0.5)
    assert promise.residuals(errors) == pytest.approx(np.zeros(4), abs=1e-9)
    assert promise.residuals(errors * [1.5, 1.0]) == pytest.approx(np.full(4, math.log(1.5)))
    # A night that is four times as hard for the baseline promises twice the error.
    assert promise.residuals(np.array([[4.0, 4.0]])) - promise.residuals(np.array([[4.0, 16.0]])) == (
        pytest.approx([math.log(2)])
    )


@pytest.mark.parametrize(("power", "slope"), [(2.0, 1.0), (-1.0, 0.0)])
def test_the_slope_is_between_0_and_1(power, slope):
    baseline = np.array([1.0, 2.0, 4.0])
    promise = fit_promise(np.stack([baseline**power, baseline], axis=1))
    assert promise is not None
    assert promise.slope == slope


def test_origins_without_a_window_do_not_count():
    errors = np.array([[1.0, 2.0], [np.nan, np.nan], [3.0, 2.0]])
    promise = fit_promise(errors)
    assert promise is not None
    assert promise.log_error == pytest.approx((math.log(1) + math.log(3)) / 2)
    assert promise.slope == 0.0


def test_an_exact_night_has_a_finite_residual():
    promise = fit_promise(np.array([[1.0, 1.0], [1.0, 1.0]]))
    assert promise is not None
    assert promise.residuals(np.array([[0.0, 1.0]])) == pytest.approx([math.log(1e-3)])


@pytest.mark.parametrize(
    "errors", [np.empty((0, 2)), np.full((5, 2), np.nan), np.array([[1.0, 1.0]]), np.zeros((5, 2))]
)
def test_there_is_no_promise_without_errors(errors):
    assert fit_promise(errors) is None


def test_a_stored_promise_comes_back():
    promise = Promise(log_error=-0.5, log_baseline=0.25, slope=0.5, least=(0.1, 0.2))
    assert Promise.from_dict(promise.to_dict()) == promise
    with pytest.raises(ValueError, match="out of range"):
        Promise.from_dict({**promise.to_dict(), "least": [0.0, 0.1]})
    with pytest.raises(TypeError):
        Promise.from_dict({**promise.to_dict(), "slope": "0.5"})
