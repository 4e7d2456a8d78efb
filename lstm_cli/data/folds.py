"""The past as it stood at a cut-off: what a rolling-origin backtest trains on and is scored on.

See Tashman 2000, "Out-of-sample tests of forecasting accuracy: an analysis and review".
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from lstm_cli.data.dataset import Dataset, training_statistics
from lstm_cli.data.panel_times import PanelSplits
from lstm_cli.data.scaling import fit_scaler
from lstm_cli.data.windows import count_windows


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Where a fold's rows end in each series; every array is [S], row numbers from the series' first."""

    train_end: np.ndarray
    val_end: np.ndarray  # the cut-off: nothing from here on is known
    count: np.ndarray  # the scored rows end here


def cuts(dataset: Dataset, folds: int) -> list[Cut]:
    """So many cut-offs, evenly spaced over the test rows, the rows up to the next one scored.

    Where a series' test rows hold fewer than `folds` horizons, its last rows serve, as many as that takes.
    Validation has as many rows as in the dataset itself, right before the cut-off. Where one time divides all
    series of a panel into their splits, one time divides each fold too, and rows are steps of the panel.
    """
    table, horizon = dataset.series, dataset.schema.horizon
    panel = PanelSplits.of(dataset.schema, table)
    if panel is not None:
        return _cuts_of_panel(panel, folds=folds, horizon=horizon)
    val = table.val_end - table.train_end
    region = np.maximum(table.count - table.val_end, folds * horizon)
    edges = [table.count - region + region * number // folds for number in range(folds + 1)]
    return [Cut(train_end=cut - val, val_end=cut, count=after) for cut, after in pairwise(edges)]


def _cuts_of_panel(panel: PanelSplits, *, folds: int, horizon: int) -> list[Cut]:
    times, val = panel.times, panel.val_end - panel.train_end
    region = max(times.steps - panel.val_end, folds * horizon)
    edges = [times.steps - region + region * number // folds for number in range(folds + 1)]
    return [
        Cut(
            train_end=times.rows_before(cut - val),
            val_end=times.rows_before(cut),
            count=times.rows_before(after),
        )
        for cut, after in pairwise(edges)
    ]


def count_fold(dataset: Dataset, cut: Cut, split: str) -> int:
    """Return how many windows of `val` or `test` a fold has."""
    keep = _kept(dataset, cut)
    table = replace(
        dataset.series.taken(keep),
        train_end=cut.train_end[keep],
        val_end=cut.val_end[keep],
        count=cut.count[keep],
    )
    return count_windows(dataset.schema, table, split)


def _kept(dataset: Dataset, cut: Cut) -> np.ndarray:
    """The places of the series that a fold has, see `at_cut`."""
    least = dataset.schema.horizon if len(dataset.series.names) > 1 else 0
    return np.flatnonzero(cut.train_end > least)


def at_cut(dataset: Dataset, cut: Cut) -> Dataset:
    """The dataset as it stood at the cut-off, and the rows to score: scaled by its own training rows alone.

    Series that have no training row then are left out of it: they have no window. Of a panel, series without a
    training window are left out, as `prepare` does. Raises ValueError where none is left.
    """
    table, targets = dataset.series, dataset.targets
    keep = _kept(dataset, cut)
    if not len(keep):
        raise ValueError("no series has training rows before the cut-off")
    units, measured, training = [], [], []
    for one in keep:
        rows = slice(table.offset[one], table.offset[one] + cut.count[one])
        units.append(dataset.scaler.unscaled(dataset.values_scaled[rows], int(one)))
        measured.append(dataset.measured[rows])
        training.append(np.where(measured[-1], units[-1], np.nan)[: cut.train_end[one]])
    scaler = fit_scaler(dataset.scaler.kind, training)
    scored = [rows[:, :targets] for rows in training]
    counts = cut.count[keep]
    return Dataset(
        schema=dataset.schema,
        series=replace(
            table,
            names=tuple(table.names[one] for one in keep),
            origin_us=table.origin_us[keep],
            offset=np.cumsum(counts) - counts,
            count=counts,
            ahead=np.zeros_like(counts),
            train_end=cut.train_end[keep],
            val_end=cut.val_end[keep],
        ),
        values_scaled=np.concatenate([scaler.scaled(rows, place) for place, rows in enumerate(units)]).astype(
            np.float32
        ),
        measured=np.concatenate(measured),
        scaler=scaler,
        training=training_statistics(scored, dataset.schema.season, fit_scaler("standard", scored).scale),
    )
