"""Errors of forecasts, as sums from which all scores follow.

MAE and RMSE are in the file's units. sMAPE is 200 |error| / (|truth| + |forecast|), from 0 to 200, averaged over series
as in M4 (Makridakis, Spiliotis and Assimakopoulos 2020, "The M4 Competition"). MASE divides each series' MAE by that of
the seasonal naive forecast on its training rows (Hyndman and Koehler 2006, "Another look at measures of forecast
accuracy") and averages over series and targets. `_scaled` scores divide by the training rows' standard deviation, as
papers report them. Only measured values count.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

NAMES = ("mae", "rmse", "smape", "mase", "mse_scaled", "mae_scaled")
Scores = dict[str, float | None]


@dataclass(frozen=True, kw_only=True)
class ErrorSums:
    """Sums over windows. Each array is [S, H, C] float64."""

    absolute: np.ndarray
    squared: np.ndarray
    symmetric: np.ndarray  # 200 |error| / (|truth| + |forecast|), 0 where both are 0
    count: np.ndarray  # measured values

    def __add__(self, other: "ErrorSums") -> "ErrorSums":
        return ErrorSums(**{name: value + getattr(other, name) for name, value in vars(self).items()})


def sum_errors(
    forecast: np.ndarray, truth: np.ndarray, observed: np.ndarray, series: np.ndarray, *, series_count: int
) -> ErrorSums:
    """Return the sums of the errors of windows.

    Args:
        forecast: [N, H, C] in the file's units.
        truth: [N, H, C] in the file's units.
        observed: [N, H, C] bool, False for missing values.
        series: [N] index of each window's series.
        series_count: S, number of series.
    """
    difference = np.where(observed, np.abs(forecast - truth), 0.0)
    size = np.abs(truth) + np.abs(forecast)
    symmetric = 200.0 * difference / np.where(size > 0, size, 1.0)

    def sum_by_series(values: np.ndarray) -> np.ndarray:
        total = np.zeros((series_count, *values.shape[1:]))
        np.add.at(total, series, values)
        return total

    return ErrorSums(
        absolute=sum_by_series(difference),
        squared=sum_by_series(np.square(difference)),
        symmetric=sum_by_series(symmetric),
        count=sum_by_series(observed.astype(np.float64)),
    )


@dataclass(frozen=True, kw_only=True)
class MetricScale:
    """Divisors of the scaled scores, both [S, C] in the file's units."""

    seasonal_error: np.ndarray  # of MASE; a series with 0 or NaN is left out
    deviation: np.ndarray  # standard deviation of the training rows


_Arrays = TypeVar("_Arrays", ErrorSums, MetricScale)


def overall_scores(sums: ErrorSums, scale: MetricScale) -> Scores:
    """Return the scores over all windows, steps, series and targets; undefined scores are None."""
    count = sums.count.sum()
    deviation = scale.deviation[:, None, :]
    mase = _mase(sums.absolute.sum(axis=1), sums.count.sum(axis=1), scale)
    return {
        "mae": _ratio(sums.absolute.sum(), count),
        "rmse": _root(_ratio(sums.squared.sum(), count)),
        "smape": _mean_over_series(sums.symmetric, sums.count),
        "mase": float(np.mean(mase[~np.isnan(mase)])) if (~np.isnan(mase)).any() else None,
        "mse_scaled": _ratio((sums.squared / np.square(deviation)).sum(), count),
        "mae_scaled": _ratio((sums.absolute / deviation).sum(), count),
    }


def scores_per_step(sums: ErrorSums, scale: MetricScale) -> list[Scores]:
    """Return the scores of each step ahead, first step first."""
    steps = range(sums.count.shape[1])
    return [overall_scores(_part(sums, np.s_[:, h : h + 1]), scale) for h in steps]


def scores_per_target(sums: ErrorSums, scale: MetricScale) -> list[Scores]:
    """Return the scores of each target column."""
    targets = range(sums.count.shape[2])
    return [
        overall_scores(_part(sums, np.s_[:, :, c : c + 1]), _part(scale, np.s_[:, c : c + 1]))
        for c in targets
    ]


def scores_per_series(sums: ErrorSums, scale: MetricScale) -> list[Scores]:
    """Return the scores of each series."""
    series = range(sums.count.shape[0])
    return [overall_scores(_part(sums, np.s_[s : s + 1]), _part(scale, np.s_[s : s + 1])) for s in series]


def _part(whole: _Arrays, index: Any) -> _Arrays:
    """Return the dataclass with a part of each of its arrays."""
    return replace(whole, **{name: value[index] for name, value in vars(whole).items()})


def count_without_scale(sums: ErrorSums, scale: MetricScale) -> int:
    """Return the number of scored series without MASE: the seasonal error of their training rows is 0 or unknown."""
    scored = sums.count.sum(axis=1) > 0
    usable = scale.seasonal_error > 0
    return int((scored.any(axis=1) & ~(scored & usable).any(axis=1)).sum())


def _mase(absolute: np.ndarray, count: np.ndarray, scale: MetricScale) -> np.ndarray:
    """Return MASE [S, C]; NaN without measured values or without a scale."""
    usable = (count > 0) & (scale.seasonal_error > 0)
    mean = absolute / np.where(count > 0, count, 1)
    return np.where(usable, mean / np.where(usable, scale.seasonal_error, 1), np.nan)


def relative_to_baseline(model: Sequence[Scores], baseline: Sequence[Scores]) -> list[float | None]:
    """Return the ratio of each series' MASE [S] to that of a baseline on the same windows.

    It is 1 if both are 0, infinite if only the baseline is exact, and None if MASE is undefined.
    """
    ratios: list[float | None] = []
    for model_scores, baseline_scores in zip(model, baseline, strict=True):
        model_mase, baseline_mase = model_scores["mase"], baseline_scores["mase"]
        if model_mase is None or baseline_mase is None:
            ratios.append(None)
        elif baseline_mase:
            ratios.append(model_mase / baseline_mase)
        else:
            ratios.append(float("inf") if model_mase else 1.0)
    return ratios


def worst_series_indices(ratios: Sequence[float | None], max_series: int) -> list[int]:
    """Return the indices of at most `max_series` series with the worst ratios of `relative_to_baseline`, worst first.

    The order is not by MASE, because some series are hard for every model. The ratio shows where the model is weak.
    """
    known = [(-ratio, index) for index, ratio in enumerate(ratios) if ratio is not None]
    return [index for _, index in sorted(known)[:max_series]]


def _mean_over_series(total: np.ndarray, count: np.ndarray) -> float | None:
    """Return the mean over series of total / count, both [S, H, C]."""
    totals, cells = total.sum(axis=(1, 2)), count.sum(axis=(1, 2))
    scored = cells > 0
    return float(np.mean(totals[scored] / cells[scored])) if scored.any() else None


def _ratio(total: float, count: float) -> float | None:
    return float(total / count) if count else None


def _root(value: float | None) -> float | None:
    return None if value is None else float(np.sqrt(value))
