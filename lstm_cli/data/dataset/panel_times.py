"""Times of a panel: the union of the time grids of its series, counted in steps.

One index in the union divides all series at one time. A grid is a run of consecutive steps, so the union follows from
first rows and counts: S numbers instead of T rows.
"""

from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.dataset import Schema, SeriesTable
from lstm_cli.data.frequency.step import Step


@dataclass(frozen=True, kw_only=True)
class PanelTimes:
    """Union of the time grids of a panel whose series share times.

    Steps are counted from the first row of the panel. A row between two steps counts to the step before it.
    """

    first: np.ndarray  # [S] int64, step of the first row of each series
    count: np.ndarray  # [S] int64, usable rows
    gapless_starts: np.ndarray  # [G] int64, first step of each gapless part of the union, rising from 0
    steps_before: np.ndarray  # [G + 1] int64, steps of the union before each part; the last entry: all steps

    @staticmethod
    def from_grids(
        step: Step, origin_us: np.ndarray, count: np.ndarray, *, timed: bool
    ) -> "PanelTimes | None":
        """Return the union of the grids; None if no two series share a time.

        Args:
            step: step of the time grid.
            origin_us: [S] time of the first row of each series.
            count: [S] usable rows of each series.
            timed: the file has a time column.
        """
        if not timed or len(count) < 2:
            return None
        first = step.index(origin_us, int(origin_us.min()))[0]
        order = np.argsort(first, kind="stable")
        begin, end = first[order], np.maximum.accumulate((first + count)[order])
        if not (begin[1:] < end[:-1]).any():
            return None
        starts_part = np.append(True, begin[1:] > end[:-1])
        lengths = end[np.append(starts_part[1:], True)] - begin[starts_part]
        return PanelTimes(
            first=first,
            count=count,
            gapless_starts=begin[starts_part],
            steps_before=np.append(0, np.cumsum(lengths)),
        )

    @property
    def steps(self) -> int:
        """Return the number of steps of the union."""
        return int(self.steps_before[-1])

    @staticmethod
    def from_series_table(schema: Schema, table: SeriesTable) -> "PanelTimes | None":
        """Return the union of the grids of a dataset's series; None if no two series share a time."""
        return PanelTimes.from_grids(
            schema.step, table.origin_us, table.count, timed=schema.time_name is not None
        )

    def rows_before(self, index: int) -> np.ndarray:
        """Return the number of rows [S] of each series before an index in the union, from 0 to `steps`."""
        index = min(max(index, 0), self.steps)
        part = min(int(np.searchsorted(self.steps_before, index, "right")) - 1, len(self.gapless_starts) - 1)
        return self._rows_before_step(int(self.gapless_starts[part] + index - self.steps_before[part]))

    def index_of(self, ends: np.ndarray) -> int | None:
        """Return the index that divides the series at rows `ends` [S]; None if no single time does."""
        step = self._next_step(ends)
        return self._index(step) if np.array_equal(self._rows_before_step(step), ends) else None

    def index_before(self, ends: np.ndarray) -> int:
        """Return the index of the earliest row at or after rows `ends` [S]."""
        return self._index(self._next_step(ends))

    def _rows_before_step(self, step: int) -> np.ndarray:
        rows: np.ndarray = np.clip(step - self.first, 0, self.count)
        return rows

    def _next_step(self, ends: np.ndarray) -> int:
        """Return the earliest step at which a series continues after `ends`, or the end of the panel."""
        continues = ends < self.count
        return (
            int((self.first + ends)[continues].min())
            if continues.any()
            else int((self.first + self.count).max())
        )

    def _index(self, step: int) -> int:
        part = int(np.searchsorted(self.gapless_starts, step, "right")) - 1
        return int(
            min(
                self.steps_before[part] + step - self.gapless_starts[part],
                self.steps_before[part + 1],
            )
        )


@dataclass(frozen=True, kw_only=True)
class PanelSplits:
    """Splits of a panel whose series are divided at common times."""

    times: PanelTimes
    train_end: int  # index in the union of times
    val_end: int

    @staticmethod
    def from_splits(schema: Schema, table: SeriesTable) -> "PanelSplits | None":
        """Return the ends of the training and validation rows as indices of common times.

        None means that the series share no times, or that no single time divides all of them.
        """
        times = PanelTimes.from_series_table(schema, table)
        if times is None:
            return None
        train_end, val_end = times.index_of(table.train_end), times.index_of(table.val_end)
        if train_end is None or val_end is None:
            return None
        return PanelSplits(times=times, train_end=train_end, val_end=val_end)
