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

ROUNDING = 1e-5  # relative difference that 32-bit floats explain


@dataclass(frozen=True, kw_only=True)
class MergedRows:
    """Rows of a run and of a newer file."""

    rows: Sequence[np.ndarray]  # for each series [rows, columns] in the file's units, NaN where missing
    table: SeriesTable  # its splits are not set
    schema: Schema
    scaler: str  # kind
    added: int  # rows after the last one of the run
    overlap: int  # rows that both have; those of the file count
    changed: int  # values of these rows that differ, or that the run lacked
    older: int  # rows of the file before the first one of the run, which are left out

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
            before: short series of the run.
        """
        table, width, season = self.table, dataset.targets, dataset.schema.season
        left = np.array(
            [i for i, name in enumerate(table.names) if name not in dataset.series.names], dtype=int
        )
        tails = []
        for index in left.tolist():
            rows = np.array(self.rows[index][: table.count[index], :width])
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
        )


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
        short: series that are too short for the data of the run; only their new rows count as added.
    """
    step, table = own.schema.step, own.series
    known = {name: index for index, name in enumerate(table.names)}
    found = {name: index for index, name in enumerate(new.series.names)}
    added = overlap = changed = older = 0
    rows, counts, ahead = [], [], []
    for name, index in known.items():
        length = int(table.count[index] + table.ahead[index])
        values, count = measured_rows(own, index, length, dropped), int(table.count[index])
        if name in found:
            other = found[name]
            size = int(new.series.count[other] + new.series.ahead[other])
            fresh = measured_rows(new, other, size, NO_DROPPED_OUTLIERS)
            times = step.times(np.arange(size), int(new.series.origin_us[other]))
            place, fits = step.index(times, int(table.origin_us[index]))
            inside = fits & (place >= 0)
            usable = np.arange(size) < new.series.count[other]
            older += int((usable & (place < 0)).sum())
            end = int(place[inside].max()) + 1 if inside.any() else 0
            grown = np.full((max(length, end), values.shape[1]), np.nan)
            grown[:length] = values
            before, after = grown[place[inside]], fresh[inside]
            grown[place[inside]] = np.where(np.isnan(after), before, after)
            last = int(place[inside & usable].max(initial=-1)) + 1
            overlap += int((inside & usable & (place < count)).sum())
            added += max(0, last - count)
            scale = own.scaler.scale[index]
            with np.errstate(invalid="ignore"):
                differs = np.abs(before - after) > ROUNDING * (np.abs(before) + np.abs(after) + scale)
            is_late = np.isnan(before) & ~np.isnan(after) & (place[inside] < count)[:, None]
            changed += int((differs | is_late).sum())
            values, count = grown, max(count, last)
        rows.append(values)
        counts.append(count)
        ahead.append(len(values) - count)
    only_new = [index for name, index in found.items() if name not in known]
    for index in only_new:
        size = int(new.series.count[index] + new.series.ahead[index])
        rows.append(measured_rows(new, index, size, NO_DROPPED_OUTLIERS))
        counts.append(int(new.series.count[index]))
        ahead.append(int(new.series.ahead[index]))
        added += counts[-1] - _known_rows(short, new, index)
    lengths = np.array([len(values) for values in rows])
    static = None
    if table.static is not None and new.series.static is not None:
        static = np.concatenate([table.static, new.series.static[only_new]])
    return MergedRows(
        rows=rows,
        table=SeriesTable(
            names=(*table.names, *(new.series.names[index] for index in only_new)),
            origin_us=np.concatenate([table.origin_us, new.series.origin_us[only_new]]),
            offset=np.cumsum(lengths) - lengths,
            count=np.array(counts),
            ahead=np.array(ahead),
            train_end=np.array(counts),
            val_end=np.array(counts),
            static=static,
        ),
        schema=replace(own.schema, newest_us=None),
        scaler=own.scaler.kind,
        added=added,
        overlap=overlap,
        changed=changed,
        older=older,
    )


def _known_rows(short: ShortSeries, new: Dataset, index: int) -> int:
    """Return the number of rows of a series of the file that the run has in its short series.

    Args:
        short: short series of the run.
        new: rows of the file.
        index: series of the file.
    """
    name, table, step = new.series.names[index], new.series, new.schema.step
    if name not in short.names:
        return 0
    known = short.names.index(name)
    last = step.times(short.count[known : known + 1] - 1, int(short.origin_us[known]))
    return int(np.clip(step.index(last, int(table.origin_us[index]))[0][0] + 1, 0, table.count[index]))
