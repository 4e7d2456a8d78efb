"""Importance of settings in a search: the share of the score that each explains alone, by ranks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lstm_cli.config.search_space import Range, Space

MIN_TRIALS = 5  # trials with a score; fewer give no importance


def setting_importance(
    space: Space, trials: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, float | None]]:
    """Return for each setting its share of the scores' variance and its rank correlation with the scores.

    `share` is the adjusted R squared of the scores' ranks. For a range the model is a parabola in the ranks of its
    values, so an optimum in the middle counts too. For a choice it is the mean of each value (Kruskal and Wallis
    1952, epsilon squared). A setting without effect has a share of 0 on average.
    `rank_correlation` is Spearman's, and None for a choice. If it is negative, higher values give lower (better)
    scores. Both are None if there are fewer than five trials or all scores are equal.
    """
    importance: dict[str, dict[str, float | None]] = {}
    scores = ranks(np.array([trial["score"] for trial in trials], dtype=np.float64))
    for name, values in space.items():
        tried = [trial["settings"][name] for trial in trials]
        if len(trials) < MIN_TRIALS or not np.ptp(scores):
            importance[name] = {"share": None, "rank_correlation": None}
        elif isinstance(values, Range):
            order = ranks(
                np.array([value[0] if isinstance(value, list | tuple) else value for value in tried], float)
            )
            importance[name] = {
                "share": _explained(np.vander(order - order.mean(), 3), scores),
                "rank_correlation": float(np.corrcoef(order, scores)[0, 1]) if np.ptp(order) else None,
            }
        else:
            chosen = [tuple(value) if isinstance(value, list) else value for value in tried]
            groups = np.array([[value == kind for kind in dict.fromkeys(chosen)] for value in chosen], float)
            importance[name] = {"share": _explained(groups, scores), "rank_correlation": None}
    return importance


def ranks(values: np.ndarray) -> np.ndarray:
    """Return the rank of each value [N], from 1; equal values share their mean rank.

    >>> ranks(np.array([5.0, 1.0, 5.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[group])


def _explained(inputs: np.ndarray, scores: np.ndarray) -> float | None:
    """Return the adjusted R squared, at least 0, of scores [N] on inputs [N, K]; None without degrees of freedom.

    The columns of the inputs must span a constant.
    """
    count, rank = len(scores), int(np.linalg.matrix_rank(inputs))
    if count - rank < 1:
        return None
    residuals = scores - inputs @ np.linalg.lstsq(inputs, scores, rcond=None)[0]
    ratio = float((residuals**2).sum() / ((scores - scores.mean()) ** 2).sum())
    return round(max(0.0, 1 - ratio * (count - 1) / (count - rank)), 4)
