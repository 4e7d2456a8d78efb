"""Normal scores: values as quantiles of the standard normal distribution, and back, with NumPy only.

The quantiles of a forecast at fixed probabilities, the knots, are a map between values and normal scores. The map is
linear between two knots. Beyond the first and the last knot it goes on with the slope of the last two intervals.
"""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from lstm_cli.evaluation.quantiles.model import CalibratedQuantiles

ALWAYS = (0.025, 0.1, 0.5, 0.9, 0.975)  # each calibration gives these quantiles
IF_SUPPORTED = (0.005, 0.01, 0.05, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.95, 0.99, 0.995)
MAX_SCORE = 4.0  # the tails end there; a normal variable is beyond it once in 16,000 times


def knot_probabilities(model: CalibratedQuantiles) -> tuple[float, ...]:
    """Return the probabilities of the knots, ascending: those that the calibration supports."""
    lowest, highest = model.supported
    return tuple(sorted({*ALWAYS, *(each for each in IF_SUPPORTED if lowest <= each <= highest)}))


def knot_scores(probabilities: Sequence[float]) -> np.ndarray:
    """Return the normal score [K] of each probability."""
    return np.array([NormalDist().inv_cdf(probability) for probability in probabilities])


def to_scores(values: np.ndarray, knots: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the normal scores of values, between -MAX_SCORE and MAX_SCORE; NaN stays NaN.

    A value that equals several knots, as in counts, has the score in the middle of theirs.

    Args:
        values: [N, ...].
        knots: [K, N, ...] quantiles of each value, ascending.
        scores: [K] normal scores of the knots.
    """
    below, up_to = (knots < values).sum(axis=0), (knots <= values).sum(axis=0)
    right = np.clip(below, 1, len(scores) - 1)
    low, high = (np.take_along_axis(knots, index[None], axis=0)[0] for index in (right - 1, right))
    low_slope, high_slope = _tail_slopes(knots, scores)
    with np.errstate(divide="ignore", invalid="ignore"):  # a slope of 0 leads to the limits
        between = scores[right - 1] + (values - low) / (high - low) * (scores[right] - scores[right - 1])
        left_tail = scores[0] + (values - knots[0]) / low_slope
        right_tail = scores[-1] + (values - knots[-1]) / high_slope
    result = np.where(below == 0, left_tail, np.where(up_to == len(scores), right_tail, between))
    middle = (scores[np.minimum(below, len(scores) - 1)] + scores[np.maximum(up_to - 1, 0)]) / 2
    result = np.where(up_to > below, middle, result)
    return np.where(np.isnan(values), np.nan, np.clip(result, -MAX_SCORE, MAX_SCORE))


def from_scores(noise: np.ndarray, knots: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the values [N, ...] of normal scores; the inverse of `to_scores`.

    Args:
        noise: [N, ...] normal scores.
        knots: [K, ...] quantiles, ascending.
        scores: [K] normal scores of the knots.
    """
    noise = np.clip(noise, -MAX_SCORE, MAX_SCORE)
    right = np.clip(np.searchsorted(scores, noise), 1, len(scores) - 1)
    low, high = (np.take_along_axis(knots, index, axis=0) for index in (right - 1, right))
    share = (noise - scores[right - 1]) / (scores[right] - scores[right - 1])
    values = low + np.clip(share, 0, 1) * (high - low)
    low_slope, high_slope = _tail_slopes(knots, scores)
    tails = np.minimum(noise - scores[0], 0) * low_slope + np.maximum(noise - scores[-1], 0) * high_slope
    return np.asarray(values + tails)


def _tail_slopes(knots: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the slopes of both tails, in value per score."""
    return (knots[2] - knots[0]) / (scores[2] - scores[0]), (knots[-1] - knots[-3]) / (
        scores[-1] - scores[-3]
    )
