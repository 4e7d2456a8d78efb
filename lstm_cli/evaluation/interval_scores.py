"""Scores of prediction intervals: coverage, width and weighted quantile loss."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_cli.evaluation.intervals import LEVELS, QUANTILES


@dataclass(frozen=True, kw_only=True)
class IntervalSums:
    """Sums over windows for the interval scores. Each array is [..., S, H, C] float64."""

    inside: np.ndarray  # [2, ...] measured values within the interval of each level
    width: np.ndarray  # [2, ...] widths in the file's units
    pinball: np.ndarray  # twice the pinball loss, averaged over QUANTILES
    size: np.ndarray  # |truth|
    count: np.ndarray  # measured values

    def __add__(self, other: "IntervalSums") -> "IntervalSums":
        return IntervalSums(**{name: value + getattr(other, name) for name, value in vars(self).items()})


def interval_sums(
    ends: np.ndarray,
    forecast: np.ndarray,
    truth: np.ndarray,
    observed: np.ndarray,
    series: np.ndarray,
    *,
    series_count: int,
) -> IntervalSums:
    """Return the interval sums of windows.

    Args:
        ends: [4, N, H, C] interval ends in the file's units.
        forecast: [N, H, C] in the file's units.
        truth: [N, H, C] in the file's units.
        observed: [N, H, C] bool, False for missing values.
        series: [N] index of each window's series.
        series_count: S, number of series.
    """

    def sum_by_series(values: np.ndarray) -> np.ndarray:
        total = np.zeros((series_count, *values.shape[1:]))
        np.add.at(total, series, np.where(observed, values, 0.0))
        return total

    pairs = (ends[:2], ends[2:])
    quantiles = (ends[2], ends[0], forecast, ends[1], ends[3])
    errors = [truth - line for line in quantiles]
    losses = [np.maximum(q * miss, (q - 1) * miss) for q, miss in zip(QUANTILES, errors, strict=True)]
    return IntervalSums(
        inside=np.stack(
            [sum_by_series(((truth >= low) & (truth <= high)).astype(np.float64)) for low, high in pairs]
        ),
        width=np.stack([sum_by_series(high - low) for low, high in pairs]),
        pinball=sum_by_series(2 * np.mean(losses, axis=0)),
        size=sum_by_series(np.abs(truth)),
        count=sum_by_series(np.ones_like(truth)),
    )


def inside_windows(ends: np.ndarray, truth: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Return the number of measured values of each window within the interval of each level, [2, N].

    Args:
        ends: [4, N, H, C] interval ends.
        truth: [N, H, C] in the units of the ends.
        observed: [N, H, C] bool, False for missing values.
    """
    pairs = (ends[:2], ends[2:])
    inside = [(truth >= low) & (truth <= high) & observed for low, high in pairs]
    return np.stack([cells.sum(axis=(1, 2)) for cells in inside])


def interval_scores(sums: IntervalSums, deviation: np.ndarray) -> dict[str, Any]:
    """Return coverage (percent), width (the file's units), width_scaled (of the deviation [S, C]) per level, and wql.

    wql is the weighted quantile loss: twice the sum of the pinball loss (Gneiting 2011, "Quantiles as optimal point
    forecasts") over the sum of |truth|, averaged over QUANTILES, as in Park et al. 2022, "Learning quantile functions
    without quantile crossing". It is computed per series and target and then averaged, so that the largest series does
    not dominate. Undefined scores are None.
    """
    count = sums.count.sum()
    size, pinball = sums.size.sum(axis=1), sums.pinball.sum(axis=1)  # [S, C]
    defined = size > 0
    names = [str(level) for level in LEVELS]

    def per_level(values: np.ndarray, factor: float = 1.0) -> dict[str, float | None]:
        totals = values.reshape(len(LEVELS), -1).sum(axis=1)
        pairs = zip(names, totals, strict=True)
        return {name: float(factor * total / count) if count else None for name, total in pairs}

    return {
        "coverage": per_level(sums.inside, 100.0),
        "width": per_level(sums.width),
        "width_scaled": per_level(sums.width / deviation[:, None, :]),
        "wql": float(np.mean(pinball[defined] / size[defined])) if defined.any() else None,
    }


def interval_scores_per_step(sums: IntervalSums, deviation: np.ndarray) -> list[dict[str, Any]]:
    """Return the `interval_scores` of each step ahead, first step first."""
    return [
        interval_scores(
            IntervalSums(**{name: value[..., step : step + 1, :] for name, value in vars(sums).items()}),
            deviation,
        )
        for step in range(sums.count.shape[1])
    ]
