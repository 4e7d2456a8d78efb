"""Tests of the weights that combine forecasts, computed by hand."""

import numpy as np
import pytest

from lstm_cli.training.recipes.mixture_weights import (
    BLOCKS,
    ERROR_POWER,
    GREEDY_ROUNDS,
    PRIOR_HORIZONS,
    greedy_weights,
    inverse_weights,
    mixture_weights,
)

CERTAIN = 1e12  # horizons: the prior does not count


def test_greedy_adds_the_best_part_in_each_round() -> None:
    """Truth 0, parts +1 and -3: +1 first (error 1), again (the mean with -3 were -1), then -3 (-1/3), then +1 (0)."""
    forecasts = np.array([[1.0, -3.0]])
    weights = greedy_weights(forecasts, np.zeros(1))
    taken: list[int] = []
    for count in range(1, GREEDY_ROUNDS + 1):
        means = [(sum(forecasts[0][item] for item in taken) + value) / count for value in forecasts[0]]
        taken.append(int(np.argmin(np.abs(means))))
    assert taken[:4] == [0, 0, 1, 0]
    np.testing.assert_allclose(weights, [taken.count(0) / GREEDY_ROUNDS, taken.count(1) / GREEDY_ROUNDS])
    assert weights[0] == pytest.approx(0.75)


def test_greedy_leaves_out_useless_parts() -> None:
    truth = np.array([1.0, 2, 3])
    forecasts = np.stack([truth, truth + 5], axis=1)
    assert greedy_weights(forecasts, truth).tolist() == [1, 0]


def test_inverse_powers_by_hand() -> None:
    truth = np.zeros(4)
    forecasts = np.stack([np.array([1.0, -1, 1, -1]), np.array([2.0, 2, -2, 2])], axis=1)
    expected = 1 / (1 + 2.0**-ERROR_POWER)
    assert inverse_weights(forecasts, truth).tolist() == pytest.approx([expected, 1 - expected])


def test_a_part_without_error_has_all_of_the_inverse_weight() -> None:
    truth = np.array([1.0, 2])
    three = np.stack([truth, truth + 1, truth], axis=1)
    assert inverse_weights(three, truth).tolist() == [0.5, 0, 0.5]


def made(horizon: int, *, windows: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return forecasts [N, H, 1, 2], truth and observed.

    Part 0 is exact in the first half of the horizon, part 1 in the second.
    """
    truth = np.random.default_rng(0).normal(size=(windows, horizon, 1))
    forecasts = np.stack([truth, truth], axis=-1)
    forecasts[:, horizon // 2 :, :, 0] += 1
    forecasts[:, : horizon // 2, :, 1] += 1
    return forecasts, truth, np.ones(truth.shape, dtype=bool)


def test_weights_are_interpolated_between_the_centres_of_blocks() -> None:
    assert BLOCKS == 4
    weights = mixture_weights(*made(16), prior=np.array([0.5, 0.5]), horizons=CERTAIN)
    assert weights.shape == (16, 2)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    # Blocks of 4 steps, centres 1.5, 5.5, 9.5, 13.5; their weights are 1, 1, 0, 0.
    expected = np.interp(np.arange(16), [1.5, 5.5, 9.5, 13.5], [1, 1, 0, 0])
    np.testing.assert_allclose(weights[:, 0], expected, atol=1e-9)


@pytest.mark.parametrize("horizon", [1, 2, 3, 5])
def test_a_short_horizon_has_at_most_one_block_per_step(horizon: int) -> None:
    weights = mixture_weights(*made(horizon), prior=np.array([0.5, 0.5]), horizons=CERTAIN)
    assert weights.shape == (horizon, 2)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert weights[-1, 1] == pytest.approx(1)


def test_few_horizons_shrink_weights_towards_the_prior() -> None:
    sides, prior = made(8), np.array([0.2, 0.8])
    certain = mixture_weights(*sides, prior=prior, horizons=CERTAIN)
    for horizons in (0.0, 2.5, PRIOR_HORIZONS, 40.0):
        trust = horizons / (horizons + PRIOR_HORIZONS)
        expected = trust * certain + (1 - trust) * prior
        result = mixture_weights(*sides, prior=prior, horizons=horizons)
        np.testing.assert_allclose(result, expected, atol=1e-9)
    np.testing.assert_allclose(mixture_weights(*sides, prior=prior, horizons=0.0), np.tile(prior, (8, 1)))


def test_missing_values_do_not_count() -> None:
    forecasts, truth, observed = made(8)
    expected = mixture_weights(forecasts, truth, observed, prior=np.array([0.5, 0.5]), horizons=CERTAIN)
    spoilt = forecasts.copy()
    spoilt[::3, :, :, 0] += 100
    observed[::3] = False
    result = mixture_weights(spoilt, truth, observed, prior=np.array([0.5, 0.5]), horizons=CERTAIN)
    np.testing.assert_allclose(result, expected)


def test_a_block_without_measured_values_has_the_prior() -> None:
    forecasts, truth, observed = made(8)
    observed[:, 6:] = False  # the last of four blocks
    weights = mixture_weights(forecasts, truth, observed, prior=np.array([0.3, 0.7]), horizons=CERTAIN)
    np.testing.assert_allclose(weights[7], [0.3, 0.7])
    np.testing.assert_allclose(weights[0], [1, 0], atol=1e-9)
