"""The times of a panel: the union of its series' time grids, counted in steps.

One place in the union divides all series at one time. A grid is a stretch of steps, so the union is found from
first rows and counts: S numbers, not T rows.
"""

from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.dataset import Schema, SeriesTable
from lstm_cli.data.times.frequency import Step


@dataclass(frozen=True, kw_only=True)
class PanelTimes:
    """The union of the time grids of a panel whose series share times.

    Steps are counted from the panel's first row. A row that lies between two steps of that row's grid counts to the
    step before it.
    """

    first: np.ndarray  # [S] int64, the step of each series' first row
    count: np.ndarray  # [S] int64, usable rows
    gapless_starts: (
        np.ndarray
    )  # [G] int64, the first step of each stretch of the union that has no gap, rising from 0
    steps_before: (
        np.ndarray
    )  # [G + 1] int64, how many steps of the union lie before each stretch; the last: all of them

    @staticmethod
    def from_grids(
        step: Step, origin_us: np.ndarray, count: np.ndarray, *, timed: bool
    ) -> "PanelTimes | None":
        """Return the union of the grids, or None where no two series share a time.

        origin_us, count: [S] the first time and the usable rows of each series; timed: there is a time column.
        """
        if not timed or len(count) < 2:
            return None
        first = step.index(origin_us, int(origin_us.min()))[0]
        order = np.argsort(first, kind="stable")
        begin, end = first[order], np.maximum.accumulate((first + count)[order])
        if not (begin[1:] < end[:-1]).any():
            return None
        opens = np.append(True, begin[1:] > end[:-1])
        lengths = end[np.append(opens[1:], True)] - begin[opens]
        return PanelTimes(
            first=first,
            count=count,
            gapless_starts=begin[opens],
            steps_before=np.append(0, np.cumsum(lengths)),
        )

    @property
    def steps(self) -> int:
        """How many steps the union has."""
        return int(self.steps_before[-1])

    @staticmethod
    def from_series_table(schema: Schema, table: SeriesTable) -> "PanelTimes | None":
        """Return the union of the grids of a dataset's series, or None where no two share a time."""
        return PanelTimes.from_grids(
            schema.step, table.origin_us, table.count, timed=schema.time_name is not None
        )

    def rows_before(self, index: int) -> np.ndarray:
        """Return the rows [S] of each series before a place in the union, which runs from 0 to `steps`."""
        at = min(max(index, 0), self.steps)
        stretch = min(int(np.searchsorted(self.steps_before, at, "right")) - 1, len(self.gapless_starts) - 1)
        return self._rows_before_step(int(self.gapless_starts[stretch] + at - self.steps_before[stretch]))

    def index_of(self, ends: np.ndarray) -> int | None:
        """Return the place that divides the series at these rows [S]; None where no single time does."""
        step = self._next_step(ends)
        return self._index(step) if np.array_equal(self._rows_before_step(step), ends) else None

    def index_before(self, ends: np.ndarray) -> int:
        """Return the place of the earliest row that lies at or after these rows [S]."""
        return self._index(self._next_step(ends))

    def _rows_before_step(self, step: int) -> np.ndarray:
        rows: np.ndarray = np.clip(step - self.first, 0, self.count)
        return rows

    def _next_step(self, ends: np.ndarray) -> int:
        """Return the earliest step at which a series goes on after `ends`, or the end where none does."""
        on = ends < self.count
        return int((self.first + ends)[on].min()) if on.any() else int((self.first + self.count).max())

    def _index(self, step: int) -> int:
        stretch = int(np.searchsorted(self.gapless_starts, step, "right")) - 1
        return int(
            min(
                self.steps_before[stretch] + step - self.gapless_starts[stretch],
                self.steps_before[stretch + 1],
            )
        )


@dataclass(frozen=True, kw_only=True)
class PanelSplits:
    """A panel that one time divides into training and validation, and another into validation and test."""

    times: PanelTimes
    train_end: int  # place in the union of times
    val_end: int

    @staticmethod
    def from_splits(schema: Schema, table: SeriesTable) -> "PanelSplits | None":
        """Return the two places; None where the series share no times, or each has splits of its own."""
        times = PanelTimes.from_series_table(schema, table)
        if times is None:
            return None
        train_end, val_end = times.index_of(table.train_end), times.index_of(table.val_end)
        if train_end is None or val_end is None:
            return None
        return PanelSplits(times=times, train_end=train_end, val_end=val_end)
