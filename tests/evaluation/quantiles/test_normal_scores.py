"""Tests of the map between values and normal scores."""

from statistics import NormalDist

import numpy as np
import pytest

from lstm_cli.evaluation.quantiles.normal_scores import (
    MAX_SCORE,
    from_scores,
    knot_probabilities,
    knot_scores,
    to_scores,
)

KNOTS = knot_scores((0.1, 0.5, 0.9))


class Supporting:
    """Quantile model of which only the range matters."""

    def __init__(self, lowest: float, highest: float) -> None:
        self.supported = (lowest, highest)

    def quantiles(self, *_: object) -> np.ndarray:
        raise NotImplementedError


def test_the_knots_are_those_that_the_calibration_supports() -> None:
    assert knot_probabilities(Supporting(0.2, 0.8)) == (
        *(0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975),
    )
    assert knot_probabilities(Supporting(0.004, 0.99))[:3] == (0.005, 0.01, 0.025)
    assert knot_probabilities(Supporting(0.004, 0.99))[-2:] == (0.975, 0.99)


def test_the_map_is_linear_in_the_score_between_knots() -> None:
    knots, top = np.array([[0.0], [10.0], [40.0]]), NormalDist().inv_cdf(0.9)
    noise = np.array([[-top], [0.0], [top], [top / 2], [2 * top], [-2 * top]])
    values = np.array([0.0, 10, 40, 25, 60, -20])  # the tails have the slope of 40 in two tops
    assert from_scores(noise, knots, KNOTS)[:, 0] == pytest.approx(values)
    assert to_scores(values, knots, KNOTS) == pytest.approx(noise[:, 0])


def test_scores_and_values_are_inverse() -> None:
    rng = np.random.default_rng(0)
    scores = knot_scores((0.025, 0.1, 0.5, 0.9, 0.975))
    knots = np.sort(rng.normal(size=(5, 3, 2)), axis=0)
    noise = np.clip(rng.normal(size=(400, 3, 2)), -3.9, 3.9)
    values = from_scores(noise, knots, scores)
    np.testing.assert_allclose(to_scores(values, knots[:, None], scores), noise, atol=1e-9)
    order = np.argsort(noise, axis=0)
    assert (np.diff(np.take_along_axis(values, order, axis=0), axis=0) >= 0).all()


def test_values_far_away_and_missing_values() -> None:
    values = np.array([1e9, -1e9, np.nan])
    scores = to_scores(values, np.array([[0.0], [1.0], [2.0]]), KNOTS)
    assert scores[:2].tolist() == [MAX_SCORE, -MAX_SCORE]
    assert np.isnan(scores[2])


def test_equal_quantiles_share_their_scores() -> None:
    """Half of all days sell nothing."""
    probabilities = (0.025, 0.1, 0.5, 0.9, 0.975)
    knots, scores = np.array([[0.0], [0.0], [0.0], [2.0], [3.0]]), knot_scores(probabilities)
    found = to_scores(np.array([0.0, -1.0, 1.0, 2.0]), knots, scores)
    assert found == pytest.approx([scores[0] / 2, -MAX_SCORE, scores[3] / 2, scores[3]])
    values = from_scores(np.linspace(-4, 0, 9)[:, None], knots, scores)
    assert (values == 0).all()


def test_constant_quantiles_give_finite_scores() -> None:
    found = to_scores(np.array([1.0, 2.0, 0.0]), np.ones((3, 1)), KNOTS)
    assert found == pytest.approx([0, MAX_SCORE, -MAX_SCORE])
