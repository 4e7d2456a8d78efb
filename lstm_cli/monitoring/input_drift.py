"""Drift of the inputs: do the newest rows differ from the training rows? A reason that goes with an alarm, never one.

The rows are differenced by the season, so that a season or a slow trend is not drift. The statistic is that of
Kolmogorov and Smirnov, the largest distance between two distributions. Rows depend on each other, so its usual table
does not hold. The limit is a quantile of the same statistic for spans of training rows as long as the newest rows, a
block bootstrap with one block (Politis, Romano and Wolf 1999, "Subsampling").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset

QUANTILE = 0.99  # of the statistic of spans of training rows
SPANS = 200
MAX_SERIES = 50  # series of a panel, evenly spaced
MIN_ROWS = 8


@dataclass(frozen=True, kw_only=True)
class ColumnDrift:
    """Drift of one column."""

    column: str
    statistic: float  # from 0 to 1
    limit: float

    @property
    def drifted(self) -> bool:
        """Return whether the newest rows differ by more than spans of training rows do."""
        return self.statistic > self.limit


def find_drift(training: Dataset, newest: Dataset, *, rows: int) -> tuple[ColumnDrift, ...]:
    """Return the drift of each column that both datasets have, the largest excess first.

    A column with too few rows is left out.

    Args:
        training: data with the training rows.
        newest: data that end with the newest rows.
        rows: number of newest rows per series.
    """
    pairs = _common_series(training, newest)
    found = []
    for column in training.schema.columns:
        if column in newest.schema.columns:
            drift = _column_drift(training, newest, column, pairs, rows)
            if drift is not None:
                found.append(drift)
    return tuple(sorted(found, key=lambda each: each.limit - each.statistic))


def _common_series(training: Dataset, newest: Dataset) -> list[tuple[int, int]]:
    """Return the indices of at most MAX_SERIES series that both datasets have."""
    index = {name: position for position, name in enumerate(newest.series.names)}
    pairs = [(own, index[name]) for own, name in enumerate(training.series.names) if name in index]
    chosen = np.linspace(0, max(len(pairs) - 1, 0), min(MAX_SERIES, len(pairs)))
    return [pairs[position] for position in chosen.astype(np.int64)]


def _column_drift(
    training: Dataset, newest: Dataset, column: str, pairs: Sequence[tuple[int, int]], rows: int
) -> ColumnDrift | None:
    season = training.schema.season
    learnt, last = [], []
    for own, other in pairs:
        scale = float(training.scaler.scale[own, training.schema.columns.index(column)])
        learnt.append(
            _differences(training, own, column, season, scale)[: int(training.series.train_end[own])]
        )
        last.append(_differences(newest, other, column, season, scale)[-rows:])
    length = max(map(len, learnt), default=0)
    if rows < MIN_ROWS or length < 2 * rows:
        return None
    table = np.full((len(learnt), length), np.nan)
    for position, values in enumerate(learnt):
        table[position, length - len(values) :] = values
    reference = np.sort(table[np.isfinite(table)])
    current = np.concatenate(last)
    if len(reference) < MIN_ROWS or np.isfinite(current).sum() < MIN_ROWS:
        return None
    rng = np.random.default_rng(0)
    spans = [table[:, first : first + rows] for first in rng.integers(0, length - rows + 1, size=SPANS)]
    statistics = [ks_statistic(span, reference) for span in spans if np.isfinite(span).sum() >= MIN_ROWS]
    if not statistics:
        return None
    limit = float(np.quantile(statistics, QUANTILE))
    return ColumnDrift(column=column, statistic=ks_statistic(current, reference), limit=limit)


def _differences(dataset: Dataset, series: int, column: str, season: int, scale: float) -> np.ndarray:
    """Return v_t - v_(t - season) of a column [rows] divided by `scale`; NaN where either was not measured."""
    table, index = dataset.series, dataset.schema.columns.index(column)
    begin = int(table.offset[series])
    span = slice(begin, begin + int(table.count[series]))
    width = dataset.values_scaled.shape[1]
    values = dataset.scaler.inverse_transform(dataset.values_scaled[span, :width], series)[:, index] / scale
    values = np.where(dataset.measured[span, index], values, np.nan)
    result = np.full(len(values), np.nan)
    result[season:] = values[season:] - values[:-season]
    return result


def ks_statistic(values: np.ndarray, reference: np.ndarray) -> float:
    """Return the largest distance between the distribution of finite values and that of a sorted reference."""
    finite = np.sort(values[np.isfinite(values)])
    ours = np.arange(len(finite) + 1) / len(finite)
    below = np.searchsorted(reference, finite, side="left") / len(reference)
    up_to = np.searchsorted(reference, finite, side="right") / len(reference)
    first = np.searchsorted(finite, finite, side="left")
    last = np.searchsorted(finite, finite, side="right")
    return float(max(np.abs(ours[first] - below).max(), np.abs(ours[last] - up_to).max()))
