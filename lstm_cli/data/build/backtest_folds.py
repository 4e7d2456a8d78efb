"""Folds of a rolling-origin backtest: the rows known at a cut-off, and the rows scored after it.

See Tashman 2000, "Out-of-sample tests of forecasting accuracy: an analysis and review".
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from lstm_cli.config import PrepareConfig
from lstm_cli.data.build.assemble import choose_seasons
from lstm_cli.data.build.drop_outliers import NeighbourDistance, outlier_rows_of_series
from lstm_cli.data.build.write import scale_and_fill
from lstm_cli.data.dataset.dataset import Dataset, Schema, SeriesTable, training_statistics
from lstm_cli.data.dataset.dropped_outliers import NO_DROPPED_OUTLIERS, DroppedOutliers
from lstm_cli.data.dataset.panel_times import PanelSplits
from lstm_cli.data.dataset.scaling import fit_scaler
from lstm_cli.data.dataset.windows import count_windows
from lstm_cli.data.quality.seasonality import automatic_lookback


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Ends of the rows of a fold in each series. Each array is [S], counted from the first row of the series."""

    train_end: np.ndarray
    val_end: np.ndarray  # the cut-off; later rows are unknown
    count: np.ndarray  # end of the scored rows


def backtest_folds(dataset: Dataset, folds: int) -> list[Fold]:
    """Return `folds` folds with cut-offs evenly spaced over the test rows; each scores the rows up to the next cut-off.

    If the test rows of a series are fewer than `folds` horizons, its last `folds` horizons are used. Validation has as
    many rows as in the dataset, right before the cut-off. If one time divides all series of a panel into their splits,
    one time divides each fold too, and rows are steps of the panel.
    """
    table, horizon = dataset.series, dataset.schema.horizon
    panel = PanelSplits.from_splits(dataset.schema, table)
    if panel is not None:
        return _panel_folds(panel, folds=folds, horizon=horizon)
    val = table.val_end - table.train_end
    region = np.maximum(table.count - table.val_end, folds * horizon)
    edges = [table.count - region + region * number // folds for number in range(folds + 1)]
    return [Fold(train_end=cut - val, val_end=cut, count=after) for cut, after in pairwise(edges)]


def _panel_folds(panel: PanelSplits, *, folds: int, horizon: int) -> list[Fold]:
    times, val = panel.times, panel.val_end - panel.train_end
    region = max(times.steps - panel.val_end, folds * horizon)
    edges = [times.steps - region + region * number // folds for number in range(folds + 1)]
    return [
        Fold(
            train_end=times.rows_before(cut - val),
            val_end=times.rows_before(cut),
            count=times.rows_before(after),
        )
        for cut, after in pairwise(edges)
    ]


def count_fold_windows(dataset: Dataset, fold: Fold, split: str) -> int:
    """Return the number of windows that a fold has in one split.

    Args:
        dataset: dataset of the run.
        fold: fold of `backtest_folds`.
        split: `val` or `test`.
    """
    table = _fold_series_table(dataset.series, fold, _series_in_fold(dataset, fold))
    return count_windows(dataset.schema, table, split)


def _series_in_fold(dataset: Dataset, cut: Fold) -> np.ndarray:
    """Return the indices of the series that a fold keeps, see `dataset_at_fold`."""
    min_rows = dataset.schema.horizon if len(dataset.series.names) > 1 else 0
    return np.flatnonzero(cut.train_end > min_rows)


def _fold_series_table(table: SeriesTable, cut: Fold, keep: np.ndarray) -> SeriesTable:
    """Return the kept series as they are in a fold; they end with the scored rows."""
    counts = cut.count[keep]
    return replace(
        table.select(keep),
        offset=np.cumsum(counts) - counts,
        count=counts,
        ahead=np.zeros_like(counts),
        train_end=cut.train_end[keep],
        val_end=cut.val_end[keep],
    )


def dataset_at_fold(
    dataset: Dataset, fold: Fold, config: PrepareConfig, dropped: DroppedOutliers = NO_DROPPED_OUTLIERS
) -> Dataset:
    """Return the dataset as it was known at the cut-off, and the rows to score.

    Seasons, lookback, scaler, statistics and imputation follow from the training rows before the cut-off, as in
    `prepare`. The horizon does not change. Series without a training row are left out; in a panel also series without a
    training window. With --outliers drop, the rows before the cut-off are judged again, and the scored rows hold the
    values of the file.

    Args:
        dataset: dataset of the run.
        fold: fold of `backtest_folds`.
        config: settings of `prepare`, which may give seasons and lookback.
        dropped: outliers that `prepare` set to missing.

    Raises:
        ValueError: if no series is left.
    """
    table = dataset.series
    keep = _series_in_fold(dataset, fold)
    if not len(keep):
        raise ValueError("no series has training rows before the cut-off")
    rows = [measured_rows(dataset, index, int(fold.count[index]), dropped) for index in keep.tolist()]
    kept = _fold_series_table(table, fold, keep)
    return dataset_from_rows(rows, kept, dataset.schema, scaler=dataset.scaler.kind, config=config)


def measured_rows(dataset: Dataset, series: int, count: int, dropped: DroppedOutliers) -> np.ndarray:
    """Return the first rows [count, columns] of a series in the file's units, NaN where nothing was measured.

    Args:
        dataset: dataset of the run.
        series: index of the series.
        count: number of rows.
        dropped: outliers that `prepare` set to missing; their values are restored.
    """
    begin = int(dataset.series.offset[series])
    rows = slice(begin, begin + count)
    units = dataset.scaler.inverse_transform(dataset.values_scaled[rows], series)
    values = np.where(dataset.measured[rows], units, np.nan)
    dropped.restore(values, begin)
    return values


def dataset_from_rows(
    rows: Sequence[np.ndarray], table: SeriesTable, schema: Schema, *, scaler: str, config: PrepareConfig
) -> Dataset:
    """Return the dataset of the rows of each series. What `prepare` derives from the training rows is derived again.

    Args:
        rows: for each series [rows, columns] in the file's units, NaN where nothing was measured.
        table: series with their splits; the rows stand one after another.
        schema: columns of the rows.
        scaler: kind of the scaler.
        config: settings of `prepare`, which may give seasons and lookback.
    """
    targets = len(schema.targets)
    if config.outliers == "drop":
        rows = _empty_outliers(rows, table.train_end, table.val_end, targets, schema, config)
    training = [values[:end] for values, end in zip(rows, table.train_end.tolist(), strict=True)]
    training_targets = [values[:, :targets] for values in training]
    schema = _fold_schema(schema, training_targets, config)
    fitted = fit_scaler(scaler, training, indicators=schema.indicators)
    return Dataset(
        schema=schema,
        series=table,
        values_scaled=scale_and_fill(rows, fitted, schema),
        measured=np.concatenate([~np.isnan(values) for values in rows]),
        scaler=fitted,
        training=training_statistics(
            training_targets, schema.season, fit_scaler("standard", training_targets).scale
        ),
    )


def _empty_outliers(
    rows: Sequence[np.ndarray],
    train_end: np.ndarray,
    val_end: np.ndarray,
    targets: int,
    schema: Schema,
    config: PrepareConfig,
) -> list[np.ndarray]:
    """Return the rows [T, columns] of each series with their outliers set to missing, as `prepare` does."""
    seasons, emptied = [], list(rows)
    for last in (train_end, val_end):  # the first pass removes spikes, which can hide a season
        training = [values[:end, :targets] for values, end in zip(emptied, train_end, strict=True)]
        seasons.append(choose_seasons(training, schema.step, config)[0])
        neighbours = NeighbourDistance.from_rows(train_end, last, seasons)
        emptied = []
        for values, train, end in zip(rows, train_end.tolist(), last.tolist(), strict=True):
            emptied.append(values.copy())
            for column in range(targets):
                emptied[-1][outlier_rows_of_series(values[:, column], train, end, neighbours), column] = (
                    np.nan
                )
    return emptied


def _fold_schema(schema: Schema, training: list[np.ndarray], config: PrepareConfig) -> Schema:
    """Return the schema with the seasons and lookback of the training rows [T, C] of the targets."""
    seasons, _ = choose_seasons(training, schema.step, config)
    if schema.lookback_fixed:
        return replace(schema, seasons=seasons)
    rows = int(np.median([len(values) for values in training]))
    lookback = automatic_lookback(rows=rows, horizon=schema.horizon, seasons=seasons)
    return replace(schema, seasons=seasons, lookback=lookback)
