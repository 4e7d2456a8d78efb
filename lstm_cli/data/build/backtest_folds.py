"""The past as it stood at a cut-off: what a rolling-origin backtest trains on and is scored on.

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
    """Where a fold's rows end in each series; every array is [S], row numbers from the series' first."""

    train_end: np.ndarray
    val_end: np.ndarray  # the cut-off: nothing from here on is known
    count: np.ndarray  # the scored rows end here


def backtest_folds(dataset: Dataset, folds: int) -> list[Fold]:
    """So many cut-offs, evenly spaced over the test rows, the rows up to the next one scored.

    Where a series' test rows hold fewer than `folds` horizons, its last rows serve, as many as that takes.
    Validation has as many rows as in the dataset itself, right before the cut-off. Where one time divides all
    series of a panel into their splits, one time divides each fold too, and rows are steps of the panel.
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
    """Return how many windows of `val` or `test` a fold has."""
    table = _fold_series_table(dataset.series, fold, _series_in_fold(dataset, fold))
    return count_windows(dataset.schema, table, split)


def _series_in_fold(dataset: Dataset, cut: Fold) -> np.ndarray:
    """Return the places of the series that a fold has, see `at_cut`."""
    least = dataset.schema.horizon if len(dataset.series.names) > 1 else 0
    return np.flatnonzero(cut.train_end > least)


def _fold_series_table(table: SeriesTable, cut: Fold, keep: np.ndarray) -> SeriesTable:
    """Return the series at these places as they stand in a fold: they end with the scored rows."""
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
    """Return the dataset as it stood at the cut-off, and the rows to score.

    Seasons, lookback, scaler, statistics and fills are those that `prepare` would settle from the training rows
    before the cut-off; config: its settings, which may give seasons and lookback. The horizon stays. Series that have
    no training row then are left out: they have no window. Of a panel, series without a training window are left
    out, as `prepare` does. With --outliers drop the rows before the cut-off are judged again, and the scored rows hold
    what the file has; dropped: the outliers that `prepare` emptied. Raises ValueError where none is left.
    """
    table, targets = dataset.series, dataset.targets
    keep = _series_in_fold(dataset, fold)
    if not len(keep):
        raise ValueError("no series has training rows before the cut-off")
    rows = []
    for one in keep:
        place = slice(table.offset[one], table.offset[one] + fold.count[one])
        units = dataset.scaler.inverse_transform(dataset.values_scaled[place], int(one))
        rows.append(np.where(dataset.measured[place], units, np.nan))
        dropped.restore(rows[-1], place.start)
    if config.outliers == "drop":
        rows = _empty_outliers(
            rows, fold.train_end[keep], fold.val_end[keep], targets, dataset.schema, config
        )
    training = [each[: fold.train_end[one]] for each, one in zip(rows, keep, strict=True)]
    scored = [each[:, :targets] for each in training]
    schema = _fold_schema(dataset.schema, scored, config)
    scaler = fit_scaler(dataset.scaler.kind, training)
    return Dataset(
        schema=schema,
        series=_fold_series_table(table, fold, keep),
        values_scaled=scale_and_fill(rows, scaler, schema),
        measured=np.concatenate([~np.isnan(each) for each in rows]),
        scaler=scaler,
        training=training_statistics(scored, schema.season, fit_scaler("standard", scored).scale),
    )


def _empty_outliers(
    rows: Sequence[np.ndarray],
    train_end: np.ndarray,
    val_end: np.ndarray,
    targets: int,
    schema: Schema,
    config: PrepareConfig,
) -> list[np.ndarray]:
    """Return the rows [T, columns] of each series with their outliers emptied, as `prepare` does it."""
    seasons, emptied = [], list(rows)
    for last in (train_end, val_end):  # the first look shows seasons that spikes hide
        training = [each[:end, :targets] for each, end in zip(emptied, train_end, strict=True)]
        seasons.append(choose_seasons(training, schema.step, config)[0])
        neighbours = NeighbourDistance.from_rows(train_end, last, seasons)
        emptied = []
        for each, train, end in zip(rows, train_end.tolist(), last.tolist(), strict=True):
            emptied.append(each.copy())
            for column in range(targets):
                emptied[-1][outlier_rows_of_series(each[:, column], train, end, neighbours), column] = np.nan
    return emptied


def _fold_schema(schema: Schema, training: list[np.ndarray], config: PrepareConfig) -> Schema:
    """Return the schema with the seasons and the lookback that the targets' training rows [T, C] settle."""
    seasons, _ = choose_seasons(training, schema.step, config)
    if schema.lookback_fixed:
        return replace(schema, seasons=seasons)
    rows = int(np.median([len(each) for each in training]))
    lookback = automatic_lookback(rows=rows, horizon=schema.horizon, seasons=seasons)
    return replace(schema, seasons=seasons, lookback=lookback)
