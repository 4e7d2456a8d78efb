"""Log transform of the targets, for data that grow and shrink by factors."""

from dataclasses import replace

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.imputation import zero_before_first
from lstm_cli.data.dataset.scaling import Scaler, fit_scaler, logarithm

MIN_LEVEL_RATIO = 3.0  # above this ratio of levels, the series are comparable only on a log scale
MIN_RELATIVE_VALUE = (
    1e-4  # of a target's deviation; below it, 32-bit scaled values do not separate positive from 0
)


def can_log_transform(dataset: Dataset) -> bool:
    """Return whether each measured training value of each target is positive by more than rounding."""
    minimum, deviation = dataset.training.least, dataset.training.deviation
    return bool((minimum > MIN_RELATIVE_VALUE * deviation).all()) and dataset.scaler.kind == "standard"


def level_ratio(dataset: Dataset) -> float:
    """Return the largest level of a series divided by the smallest, by the training means of the targets.

    The result is 1 for one series with one target.
    """
    means = dataset.scaler.center[:, : dataset.targets]
    return float((means.max(axis=0) / means.min(axis=0)).max())


def log_transform(dataset: Dataset) -> Dataset:
    """Return the dataset with its targets scaled by their logarithm, fitted on the measured training rows.

    The floor is half of the smallest training value. Below the floor the transform is linear, so that values far below
    training, also zeros, can be inverted. Each series is shifted by its own mean. The scale is one number per target,
    the root mean square of the deviations of the series, so that a step by one factor has one size in all series.
    """
    targets, table = dataset.targets, dataset.series
    floor = dataset.training.least / 2

    def logs_of(rows: slice, index: int) -> np.ndarray:
        # float64, because the logarithms of a large level with a small variation are equal as 32-bit floats
        units = dataset.scaler.inverse_transform(dataset.values_scaled[rows, :targets], index)
        return np.asarray(logarithm(units, floor[index]))

    logs = []
    for index, (rows, training) in enumerate(zip(table.row_slices, table.train_end, strict=True)):
        training_rows = slice(rows.start, rows.start + training)
        training_logs = logs_of(training_rows, index)
        training_logs[~dataset.measured[training_rows, :targets]] = np.nan
        logs.append(training_logs)
    fitted = fit_scaler("standard", logs)
    center, scale = dataset.scaler.center.copy(), dataset.scaler.scale.copy()
    center[:, :targets] = fitted.center
    scale[:, :targets] = np.sqrt(np.mean(np.square(fitted.scale), axis=0))
    values = np.empty_like(dataset.values_scaled)
    for index, rows in enumerate(table.row_slices):
        values[rows] = dataset.values_scaled[rows]
        values[rows, :targets] = (logs_of(rows, index) - center[index, :targets]) / scale[index, :targets]
        zero_before_first(values[rows, :targets], dataset.measured[rows, :targets])
    scaler = Scaler(kind=dataset.scaler.kind, center=center, scale=scale, floor=floor)
    return replace(dataset, scaler=scaler, values_scaled=values)
