"""What mattered in a search: how much of the score each setting explains, by ranks and one setting at a time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lstm_cli.config.search_space import Range, Space

ENOUGH = 5  # trials with a score, below which nothing is said


def setting_importance(
    space: Space, trials: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, float | None]]:
    """For each setting the share of the scores' variance that it explains alone, and its rank correlation.

    `share` is the adjusted R squared of the scores' ranks: on a parabola in the ranks of a range, which sees an
    optimum in its middle too, or on the means of a choice's values (Kruskal and Wallis 1952, as epsilon
    squared); 0 is what chance gives. `rank_correlation` is Spearman's, None for a choice: below 0 higher values
    score lower, which is better. Both are None for fewer than five trials.
    """
    told: dict[str, dict[str, float | None]] = {}
    scores = ranks(np.array([trial["score"] for trial in trials], dtype=np.float64))
    for name, values in space.items():
        tried = [trial["settings"][name] for trial in trials]
        if len(trials) < ENOUGH or not np.ptp(scores):
            told[name] = {"share": None, "rank_correlation": None}
        elif isinstance(values, Range):
            order = ranks(
                np.array([one[0] if isinstance(one, list | tuple) else one for one in tried], float)
            )
            told[name] = {
                "share": _explained(np.vander(order - order.mean(), 3), scores),
                "rank_correlation": float(np.corrcoef(order, scores)[0, 1]) if np.ptp(order) else None,
            }
        else:
            kinds = [tuple(one) if isinstance(one, list) else one for one in tried]
            groups = np.array([[one == kind for kind in dict.fromkeys(kinds)] for one in kinds], float)
            told[name] = {"share": _explained(groups, scores), "rank_correlation": None}
    return told


def ranks(values: np.ndarray) -> np.ndarray:
    """The rank of each value [N], from 1; equal values share the mean of theirs.

    >>> ranks(np.array([5.0, 1.0, 5.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place])


def _explained(inputs: np.ndarray, scores: np.ndarray) -> float | None:
    """Adjusted R squared of scores [N] on inputs [N, K] that span a constant; at least 0, None without freedom."""
    count, rank = len(scores), int(np.linalg.matrix_rank(inputs))
    if count - rank < 1:
        return None
    left = scores - inputs @ np.linalg.lstsq(inputs, scores, rcond=None)[0]
    ratio = float((left**2).sum() / ((scores - scores.mean()) ** 2).sum())
    return round(max(0.0, 1 - ratio * (count - 1) / (count - rank)), 4)
