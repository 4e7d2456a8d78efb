"""Series of a panel with too few rows for the model. They get the baseline forecast."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class ShortSeries:
    """Times and last target values of S short series. The arrays are [S]."""

    names: tuple[str, ...]
    origin_us: np.ndarray  # int64, time of the first row, microseconds since 1970
    count: np.ndarray  # int64, rows up to the last measured target
    # For each series its last targets [rows, C] in the file's units, at most one season; NaN where missing. The last
    # row holds the last measured value of each target.
    tails: tuple[np.ndarray, ...]
    # For each series all its rows [count, columns] in the file's units, NaN where missing; () if they are not needed.
    rows: tuple[np.ndarray, ...] = ()

    def select(self, indices: np.ndarray) -> "ShortSeries":
        """Return the series at `indices`, in that order."""
        return ShortSeries(
            names=tuple(self.names[index] for index in indices),
            origin_us=self.origin_us[indices],
            count=self.count[indices],
            tails=tuple(self.tails[index] for index in indices),
            rows=tuple(self.rows[index] for index in indices) if self.rows else (),
        )

    def with_rows(self, stored: np.ndarray | None, columns: int) -> "ShortSeries":
        """Return the series with their rows; rows that are not stored are missing, but for the last season of targets.

        Args:
            stored: [T, columns] rows of all series; None if an older release wrote the run.
            columns: number of columns.

        Raises:
            ValueError: the shape is wrong.
        """
        if stored is not None:
            if stored.shape != (self.count.sum(), columns) or stored.dtype != np.float64:
                raise ValueError("the shape of the short series is wrong")
            return replace(self, rows=tuple(np.split(stored, np.cumsum(self.count)[:-1])))
        rows = []
        for count, tail in zip(self.count.tolist(), self.tails, strict=True):
            rows.append(np.full((count, columns), np.nan))
            rows[-1][count - len(tail) :, : tail.shape[1]] = tail
        return replace(self, rows=tuple(rows))

    def forecast(self, *, steps: int, season: int) -> np.ndarray:
        """Return the baseline forecast [S, steps, C]: seasonal naive, or naive for less than one season of rows.

        A missing value of the last season is replaced by the last measured value. A target that was never measured has
        NaN.
        """
        forecasts = []
        for tail in self.tails:
            cycle = tail if len(tail) == season else tail[-1:]
            rows = cycle[np.arange(steps) % len(cycle)]
            forecasts.append(np.where(np.isnan(rows), tail[-1], rows))
        return np.stack(forecasts)

    def to_dict(self) -> dict[str, Any]:
        return {
            "names": list(self.names),
            "origin_us": self.origin_us.tolist(),
            "count": self.count.tolist(),
            "tails": [
                [[None if np.isnan(cell) else cell for cell in row] for row in tail.tolist()]
                for tail in self.tails
            ],
        }

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "ShortSeries":
        return ShortSeries(
            names=tuple(stored["names"]),
            origin_us=np.array(stored["origin_us"], dtype=np.int64),
            count=np.array(stored["count"], dtype=np.int64),
            tails=tuple(np.array(tail, dtype=np.float64) for tail in stored["tails"]),
        )


NO_SHORT_SERIES = ShortSeries(
    names=(), origin_us=np.zeros(0, dtype=np.int64), count=np.zeros(0, dtype=np.int64), tails=()
)
