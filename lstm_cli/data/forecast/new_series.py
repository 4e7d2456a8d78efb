"""Series that a model was not trained on: their own scaling and statistics, fitted as for a training series."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lstm_cli.data.dataset.dataset import TrainingStatistics, training_statistics
from lstm_cli.data.dataset.scaling import Scaler, fit_scaler, logarithm


def with_new_series(
    scaler: Scaler,
    training: TrainingStatistics,
    indices: np.ndarray,
    rows: Sequence[np.ndarray],
    *,
    season: int,
) -> tuple[Scaler, TrainingStatistics]:
    """Return the scaler and the statistics of series; those of new series are fitted on their own rows.

    Args:
        scaler: scaler of the model.
        training: statistics of the model's series.
        indices: [S] index of each series among those of the model; -1 for a new series.
        rows: for each series [rows, F] in the file's units, NaN where missing; read for new series only.
        season: steps in a season.
    """
    new = np.flatnonzero(indices < 0)
    known, statistics = scaler.select(indices), training.select(indices)
    if not len(new):
        return known, statistics
    own, own_statistics = _fit(
        scaler, [rows[index] for index in new.tolist()], training.deviation.shape[1], season
    )
    for array, values in ((known.center, own.center), (known.scale, own.scale), (known.floor, own.floor)):
        if array is not None:
            array[new] = values
    for name, values in vars(own_statistics).items():
        getattr(statistics, name)[new] = values
    return known, statistics


def _fit(
    scaler: Scaler, rows: Sequence[np.ndarray], targets: int, season: int
) -> tuple[Scaler, TrainingStatistics]:
    """Return the scaler and the statistics of series that are fitted on all their rows [rows, F]."""
    target_rows = [values[:, :targets] for values in rows]
    fitted = fit_scaler(scaler.kind, rows)
    deviation = fit_scaler("standard", target_rows).scale
    statistics = training_statistics(target_rows, season, deviation)
    if scaler.floor is None:
        return fitted, statistics
    floor = np.stack([_log_floor(values) for values in target_rows])
    logs = [logarithm(values, least) for values, least in zip(target_rows, floor, strict=True)]
    fitted.center[:, :targets] = fit_scaler("standard", logs).center
    fitted.scale[:, :targets] = scaler.scale[:1, :targets]  # one number for all series, see `log_transform`
    return replace(fitted, floor=floor), statistics


def _log_floor(values: np.ndarray) -> np.ndarray:
    """Return half of the smallest positive value [C] of rows [n, C]; 1 for a target without one."""
    least = np.where(values > 0, values, np.inf).min(axis=0)
    return np.where(np.isfinite(least), least / 2, 1.0)
