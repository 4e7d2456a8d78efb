"""Merge of new rows with the data of a run, and the splits of the result."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lstm_cli.config import PrepareConfig
from lstm_cli.data.build.backtest_folds import dataset_from_rows, measured_rows
from lstm_cli.data.dataset.dataset import Dataset, Schema, SeriesTable
from lstm_cli.data.dataset.dropped_outliers import NO_DROPPED_OUTLIERS, DroppedOutliers
from lstm_cli.data.dataset.panel_times import PanelTimes
from lstm_cli.data.dataset.short_series import NO_SHORT_SERIES, ShortSeries
from lstm_cli.data.frequency.step import Step

ROUNDING = 1e-5  # relative difference that 32-bit floats explain
OTHER_UNIT = 9  # ratio of a value to that of the run, from which the unit can be another one


@dataclass(frozen=True, kw_only=True)
class RowCounts:
    """Counts of the rows of a file next to those of a run. A row counts if it has a value."""

    added: int = 0  # rows after the last one of the run
    overlap: int = 0  # rows that both have; those of the file count
    changed: int = 0  # values of these rows that differ
    filled: int = 0  # values that were missing in the run
    older: int = 0  # rows of the file before the first one of the run, which are left out
    compared: int = 0  # targets that both have
    differing: int = 0  # of these targets, those that differ
    far: int = 0  # of these targets, those that differ by more than half a standard deviation
    rescaled: int = 0  # of the far ones, those that are about 10 times as large or as small, or more

    def plus(self, other: "RowCounts") -> "RowCounts":
        """Return the sums of both."""
        return RowCounts(**{name: value + getattr(other, name) for name, value in vars(self).items()})


@dataclass(frozen=True, kw_only=True)
class MergedRows:
    """Rows of a run and of a newer file."""

    rows: Sequence[np.ndarray]  # for each series [rows, columns] in the file's units, NaN where missing
    table: SeriesTable  # its splits are not set
    schema: Schema
    scaler: str  # kind
    counts: RowCounts

    def split(self, *, val: int, held_out: int, config: PrepareConfig) -> Dataset:
        """Return the dataset with the newest rows held out as its test split, and `val` validation rows before them.

        Args:
            val: validation rows, in steps.
            held_out: rows of the test split, in steps.
            config: settings of `prepare`.

        Raises:
            ValueError: no series has training rows.
        """
        table = self.table
        panel = PanelTimes.from_series_table(self.schema, table)
        if panel is None:
            val_end = np.maximum(table.count - held_out, 0)
            train_end = np.maximum(val_end - val, 0)
        else:
            val_end = panel.rows_before(panel.steps - held_out)
            train_end = panel.rows_before(panel.steps - held_out - val)
        least = self.schema.horizon if len(table.names) > 1 else 0
        keep = np.flatnonzero(train_end > least)
        if not len(keep):
            raise ValueError("no series has training rows before the held-out rows")
        chosen = replace(table, train_end=train_end, val_end=val_end).select(keep)
        rows = [self.rows[index] for index in keep.tolist()]
        return dataset_from_rows(rows, chosen, self.schema, scaler=self.scaler, config=config)

    def dropped_in(self, dataset: Dataset) -> DroppedOutliers:
        """Return the measured targets that a dataset of `split` has set to missing."""
        index = {name: number for number, name in enumerate(self.table.names)}
        width = dataset.targets
        rows = np.concatenate([self.rows[index[name]][:, :width] for name in dataset.series.names])
        cells = np.argwhere(~np.isnan(rows) & ~dataset.measured[:, :width])
        return DroppedOutliers(cells=cells, values=rows[cells[:, 0], cells[:, 1]])

    def short_in(self, dataset: Dataset, before: ShortSeries) -> ShortSeries:
        """Return the series that a dataset of `split` lacks, for the baseline forecast.

        Args:
            dataset: dataset of `split`.
            before: short series of the run, with their rows.
        """
        table, width, season = self.table, dataset.targets, dataset.schema.season
        left = np.array(
            [i for i, name in enumerate(table.names) if name not in dataset.series.names], dtype=int
        )
        tails, whole = [], []
        for index in left.tolist():
            whole.append(np.array(self.rows[index][: table.count[index]]))
            rows = whole[-1][:, :width].copy()
            for column in np.flatnonzero(np.isnan(rows[-1])):
                measured = rows[~np.isnan(rows[:, column]), column]
                rows[-1, column] = measured[-1] if len(measured) else np.nan
            tails.append(rows[-season:])
        old = before.select(
            np.array([i for i, name in enumerate(before.names) if name not in table.names], dtype=int)
        )
        return ShortSeries(
            names=(*(table.names[index] for index in left), *old.names),
            origin_us=np.concatenate([table.origin_us[left], old.origin_us]),
            count=np.concatenate([table.count[left], old.count]),
            tails=(*tails, *old.tails),
            rows=(*whole, *old.rows),
        )


@dataclass(frozen=True, kw_only=True)
class _Series:
    """Rows of one series on its time grid."""

    origin_us: int
    count: int  # rows up to the last target
    rows: (
        np.ndarray
    )  # [rows, columns] in the file's units, with those after the last target; NaN where missing

    @staticmethod
    def of(dataset: Dataset, index: int, dropped: DroppedOutliers) -> "_Series":
        table = dataset.series
        length = int(table.count[index] + table.ahead[index])
        return _Series(
            origin_us=int(table.origin_us[index]),
            count=int(table.count[index]),
            rows=measured_rows(dataset, index, length, dropped),
        )

    @property
    def has_value(self) -> np.ndarray:
        """Return which rows up to the last target have a value, as bool [rows]."""
        known: np.ndarray = ~np.isnan(self.rows).all(axis=1)
        return known & (np.arange(len(known)) < self.count)


def merge_rows(
    own: Dataset,
    new: Dataset,
    dropped: DroppedOutliers = NO_DROPPED_OUTLIERS,
    short: ShortSeries = NO_SHORT_SERIES,
) -> MergedRows:
    """Return the rows of a run and of a newer file. Where both have a value, that of the file counts.

    A measured value of the run stays if the file has none. Series that are new in the file are added.

    Args:
        own: data of the run.
        new: rows of the file, with the columns and the time step of the run.
        dropped: outliers that `prepare` set to missing.
        short: series of the run that were too short for training, with their rows.
    """
    step, table = own.schema.step, own.series
    found = {name: index for index, name in enumerate(new.series.names)}
    merged, counts = {}, RowCounts()
    for index, name in enumerate(table.names):
        merged[name] = _Series.of(own, index, dropped)
        if name in found:
            fresh = _Series.of(new, found[name], NO_DROPPED_OUTLIERS)
            tolerance, far = own.scaler.scale[index], own.training.deviation[index] / 2
            merged[name], more = _merge_series(merged[name], fresh, step, tolerance, far)
            counts = counts.plus(more)
    only_new = [index for name, index in found.items() if name not in merged]
    place = {name: index for index, name in enumerate(short.names)}
    for index in only_new:
        name, fresh = new.series.names[index], _Series.of(new, index, NO_DROPPED_OUTLIERS)
        before = place.get(name)
        if before is None:
            merged[name], more = fresh, RowCounts(added=int(fresh.has_value.sum()))
        else:
            known = _Series(
                origin_us=int(short.origin_us[before]),
                count=int(short.count[before]),
                rows=short.rows[before],
            )
            merged[name], more = _merge_series(known, fresh, step, np.zeros(1), np.array([np.inf]))
        counts = counts.plus(more)
    lengths = np.array([len(each.rows) for each in merged.values()])
    count = np.array([each.count for each in merged.values()])
    static = None
    if table.static is not None and new.series.static is not None:
        static = np.concatenate([table.static, new.series.static[only_new]])
    return MergedRows(
        rows=[each.rows for each in merged.values()],
        table=SeriesTable(
            names=tuple(merged),
            origin_us=np.array([each.origin_us for each in merged.values()]),
            offset=np.cumsum(lengths) - lengths,
            count=count,
            ahead=lengths - count,
            train_end=count,
            val_end=count,
            static=static,
        ),
        schema=replace(own.schema, newest_us=None),
        scaler=own.scaler.kind,
        counts=counts,
    )


def _merge_series(
    known: _Series, fresh: _Series, step: Step, tolerance: np.ndarray, far: np.ndarray
) -> tuple[_Series, RowCounts]:
    """Return a series with the rows of a file, and their counts.

    Args:
        known: rows of the run.
        fresh: rows of the file.
        step: step of the time grid.
        tolerance: [columns] or [1], scale of the values; smaller differences are rounding.
        far: [C] or [1], difference of a target that is large.
    """
    times = step.times(np.arange(len(fresh.rows)), fresh.origin_us)
    place, fits = step.index(times, known.origin_us)
    inside, has_value = fits & (place >= 0), fresh.has_value
    end = int(place[inside].max(initial=-1)) + 1
    rows = np.full((max(len(known.rows), end), known.rows.shape[1]), np.nan)
    rows[: len(known.rows)] = known.rows
    before, after = rows[place[inside]], fresh.rows[inside]
    rows[place[inside]] = np.where(np.isnan(after), before, after)
    usable = np.arange(len(fresh.rows)) < fresh.count
    count = max(known.count, int(place[inside & usable].max(initial=-1)) + 1)
    in_run = (place < known.count)[inside]
    with np.errstate(invalid="ignore"):
        difference = np.abs(before - after)
        sizes = np.abs(before), np.abs(after)
        rescaled = np.maximum(*sizes) >= OTHER_UNIT * np.minimum(*sizes)
        differs = difference > ROUNDING * (np.abs(before) + np.abs(after) + tolerance)
    targets = slice(0, len(far) if np.isfinite(far).all() else 0)
    both = ~np.isnan(before) & ~np.isnan(after) & in_run[:, None]
    is_far = both[:, targets] & (difference[:, targets] > far[targets])
    return replace(known, rows=rows, count=count), RowCounts(
        added=int((has_value & inside & (place >= known.count)).sum()),
        overlap=int((has_value[inside] & in_run & ~np.isnan(before).all(axis=1)).sum()),
        changed=int(differs.sum()),
        filled=int((np.isnan(before) & ~np.isnan(after) & in_run[:, None]).sum()),
        older=int((has_value & (place < 0)).sum()),
        compared=int(both[:, targets].sum()),
        differing=int((differs & both)[:, targets].sum()),
        far=int(is_far.sum()),
        rescaled=int((is_far & rescaled[:, targets]).sum()),
    )
