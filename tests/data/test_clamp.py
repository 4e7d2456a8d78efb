"""Bounds as they stand in a graph: one scaled number a target, or the reason why not."""

from dataclasses import replace

import numpy as np
import pytest

from lstm_cli.data.clamp import Bounds, ScaledBounds
from lstm_cli.data.scaling import Scaler

INFINITE = np.inf
LONELY = Scaler(kind="standard", center=np.array([[10.0, 4.0, 7.0]]), scale=np.array([[2.0, 5.0, 3.0]]))


def bounds(lower: list[float], upper: list[float]) -> Bounds:
    return Bounds(lower=np.array(lower), upper=np.array(upper))


def test_bounds_are_scaled_as_the_targets_are() -> None:
    found = bounds([0, -INFINITE], [INFINITE, 9]).scaled(LONELY)
    np.testing.assert_array_equal(found.lower, np.array([-5, -INFINITE], np.float32))
    np.testing.assert_array_equal(found.upper, np.array([INFINITE, 1], np.float32))
    assert found.why_not == ""


def test_series_that_are_scaled_alike_share_their_bounds_and_others_do_not() -> None:
    alike = LONELY.taken(np.array([0, 0]))
    assert bounds([0, 0], [9, 9]).scaled(alike).lower is not None
    apart = Scaler(kind="standard", center=np.array([[1.0], [1.0]]), scale=np.array([[1.0], [2.0]]))
    found = bounds([0], [INFINITE]).scaled(apart)
    assert found.lower is None
    assert "scaled differently" in found.why_not
    # A bound at the center is the same number for all.
    np.testing.assert_array_equal(bounds([1], [INFINITE]).scaled(apart).lower, [0])


def test_without_bounds_there_is_nothing_to_hold() -> None:
    assert bounds([-INFINITE], [INFINITE]).scaled(LONELY) == ScaledBounds()


@pytest.mark.parametrize("lower", [0.0, -3.0])
def test_the_bound_of_a_logarithm_below_its_floor_is_on_the_line_that_goes_on(lower: float) -> None:
    """log(floor) + lower / floor - 1, one number a series."""
    logs = Scaler(kind="standard", center=np.ones((2, 1)), scale=np.ones((2, 1)), floor=np.full((2, 1), 0.5))
    found = bounds([lower], [INFINITE]).scaled(logs)
    np.testing.assert_allclose(found.lower, [np.log(0.5) + lower / 0.5 - 2], rtol=1e-6)
    apart = replace(logs, floor=np.array([[0.5], [0.6]]))
    assert bounds([lower], [INFINITE]).scaled(apart).why_not
    assert bounds([-INFINITE], [INFINITE]).scaled(apart) == ScaledBounds()


def test_the_bound_of_a_logarithm_is_its_logarithm() -> None:
    logs = Scaler(kind="standard", center=np.array([[1.0]]), scale=np.array([[2.0]]), floor=np.array([[5.0]]))
    found = bounds([2.0], [100.0]).scaled(logs)
    assert found.lower is not None
    assert found.upper is not None
    ends = np.stack([found.lower, found.upper])[:, :, None]
    np.testing.assert_allclose(logs.unscaled(ends, 0)[:, 0, 0], [2, 100], rtol=1e-6)
