"""Scores of quantiles and prediction intervals: coverage, width, weighted quantile loss, weighted interval score.

The weighted quantile loss (WQL) is twice the sum of the pinball loss (Gneiting 2011, "Quantiles as optimal point
forecasts") over the sum of |truth|, averaged over the quantiles .1 to .9, as in GluonTS and GIFT-Eval. It is computed
per series and target and then averaged, so that the largest series does not dominate.

The weighted interval score (WIS) is that of Bracher et al. 2021, "Evaluating epidemic forecasts in an interval format",
PLOS Computational Biology 17(2), with the 80 % interval, the 95 % interval and the median. It equals twice the pinball
loss, averaged over these five quantiles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_cli.evaluation.quantiles.intervals import LEVELS

DIGITS = 12  # of a probability, so that (1 - 80 / 100) / 2 is 0.1
ENDS = {
    level: (round(0.5 - level / 200, DIGITS), round(0.5 + level / 200, DIGITS)) for level in LEVELS
}  # of each interval
WQL_QUANTILES = tuple(round(tenth / 10, DIGITS) for tenth in range(1, 10))
WIS_QUANTILES = tuple(sorted({0.5, *(end for ends in ENDS.values() for end in ends)}))
SCORED_QUANTILES = tuple(sorted({*WQL_QUANTILES, *WIS_QUANTILES}))
NO_SCORES: dict[str, Any] = {
    "coverage": {},
    "width": {},
    "width_scaled": {},
    "wql": None,
    "wis": None,
    "wis_scaled": None,
}  # of a forecast without quantiles


@dataclass(frozen=True, kw_only=True)
class IntervalSums:
    """Sums over windows for the interval scores. Each array is [..., S, H, C] float64."""

    inside: np.ndarray  # [2, ...] measured values within the interval of each level
    width: np.ndarray  # [2, ...] widths in the file's units
    quantile_loss: np.ndarray  # twice the pinball loss, averaged over WQL_QUANTILES
    interval_score: np.ndarray  # twice the pinball loss, averaged over WIS_QUANTILES
    size: np.ndarray  # |truth|
    count: np.ndarray  # measured values

    def zeros(self, series_count: int) -> "IntervalSums":
        """Return sums of 0 for another number of series."""
        return IntervalSums(
            **{
                name: np.zeros((*value.shape[:-3], series_count, *value.shape[-2:]))
                for name, value in vars(self).items()
            }
        )

    def add(self, sums: "IntervalSums", series: np.ndarray) -> None:
        """Add sums of different series in place; `series` has the index of each here."""
        for name, value in vars(sums).items():
            getattr(self, name)[..., series, :, :] += value

    def part(self, index: Any) -> "IntervalSums":
        """Return a part of each array; `index` selects from the last three axes, series, steps and targets."""
        return IntervalSums(**{name: value[(..., *index)] for name, value in vars(self).items()})


def interval_sums(
    quantiles: np.ndarray,
    probabilities: Sequence[float],
    truth: np.ndarray,
    observed: np.ndarray,
    series: np.ndarray,
    *,
    series_count: int,
) -> IntervalSums:
    """Return the interval sums of windows.

    Args:
        quantiles: [Q, N, H, C] in the file's units.
        probabilities: Q probabilities, at least those of SCORED_QUANTILES.
        truth: [N, H, C] in the file's units.
        observed: [N, H, C] bool, False for missing values.
        series: [N] index of each window's series.
        series_count: S, number of series.

    Raises:
        ValueError: a quantile of SCORED_QUANTILES is missing.
    """
    order = np.argsort(series, kind="stable")
    present, first = np.unique(series[order], return_index=True)

    def sum_by_series(values: np.ndarray) -> np.ndarray:
        total = np.zeros((series_count, *values.shape[1:]))
        rows = np.where(observed, values, 0.0)[order]
        total[present] = rows if len(present) == len(rows) else np.add.reduceat(rows, first, axis=0)
        return total

    by_probability = _by_probability(quantiles, probabilities)
    losses = {"wql": np.zeros(truth.shape), "wis": np.zeros(truth.shape)}
    for name, scored in (("wql", WQL_QUANTILES), ("wis", WIS_QUANTILES)):
        for probability in scored:
            miss = truth - by_probability[probability]
            losses[name] += np.maximum(probability * miss, (probability - 1) * miss)
        losses[name] *= 2 / len(scored)
    pairs = [(by_probability[low], by_probability[high]) for low, high in ENDS.values()]
    return IntervalSums(
        inside=np.stack([sum_by_series((truth >= low) & (truth <= high)) for low, high in pairs]),
        width=np.stack([sum_by_series(high - low) for low, high in pairs]),
        quantile_loss=sum_by_series(losses["wql"]),
        interval_score=sum_by_series(losses["wis"]),
        size=sum_by_series(np.abs(truth)),
        count=sum_by_series(np.ones_like(truth)),
    )


def inside_windows(
    quantiles: np.ndarray, probabilities: Sequence[float], truth: np.ndarray, observed: np.ndarray
) -> np.ndarray:
    """Return the number of measured values of each window within the interval of each level, [2, N].

    Args:
        quantiles: [Q, N, H, C] in the units of the truth.
        probabilities: Q probabilities, at least the ends of both intervals.
        truth: [N, H, C].
        observed: [N, H, C] bool, False for missing values.
    """
    by_probability = _by_probability(quantiles, probabilities)
    pairs = [(by_probability[low], by_probability[high]) for low, high in ENDS.values()]
    inside = [(truth >= low) & (truth <= high) & observed for low, high in pairs]
    return np.stack([cells.sum(axis=(1, 2)) for cells in inside])


def _by_probability(quantiles: np.ndarray, probabilities: Sequence[float]) -> dict[float, np.ndarray]:
    """Return the quantiles [N, H, C] by rounded probability. Raise ValueError if a scored quantile is missing."""
    found = dict(zip((round(each, DIGITS) for each in probabilities), quantiles, strict=True))
    missing = [probability for probability in SCORED_QUANTILES if probability not in found]
    if missing:
        raise ValueError(f"the quantiles {missing} are missing")
    return found


def interval_scores(sums: IntervalSums, deviation: np.ndarray) -> dict[str, Any]:
    """Return the scores of quantiles; undefined scores are None.

    Args:
        sums: sums over windows.
        deviation: [S, C] standard deviation of the training rows, in the file's units.

    Returns:
        For each level, coverage (percent), width (the file's units) and width_scaled (in deviations). Also wql, wis
        (the file's units) and wis_scaled (in deviations). Widths and WIS are means over all measured values.
    """
    count = sums.count.sum()
    size, loss = sums.size.sum(axis=1), sums.quantile_loss.sum(axis=1)  # [S, C]
    defined = size > 0
    names = [str(level) for level in LEVELS]
    divisor = deviation[:, None, :]

    def per_level(values: np.ndarray, factor: float = 1.0) -> dict[str, float | None]:
        totals = values.reshape(len(LEVELS), -1).sum(axis=1)
        pairs = zip(names, totals, strict=True)
        return {name: float(factor * total / count) if count else None for name, total in pairs}

    return {
        "coverage": per_level(sums.inside, 100.0),
        "width": per_level(sums.width),
        "width_scaled": per_level(sums.width / divisor),
        "wql": float(np.mean(loss[defined] / size[defined])) if defined.any() else None,
        "wis": float(sums.interval_score.sum() / count) if count else None,
        "wis_scaled": float((sums.interval_score / divisor).sum() / count) if count else None,
    }


def interval_scores_per_step(sums: IntervalSums, deviation: np.ndarray) -> list[dict[str, Any]]:
    """Return the `interval_scores` of each step ahead, first step first."""
    steps = range(sums.count.shape[1])
    return [
        interval_scores(sums.part((slice(None), slice(step, step + 1), slice(None))), deviation)
        for step in steps
    ]


def interval_scores_per_series(sums: IntervalSums, deviation: np.ndarray) -> list[dict[str, Any]]:
    """Return the `interval_scores` of each series."""
    chosen = (slice(item, item + 1) for item in range(sums.count.shape[0]))
    return [interval_scores(sums.part((item, slice(None), slice(None))), deviation[item]) for item in chosen]
