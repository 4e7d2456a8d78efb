"""The logarithm of the targets, for data that grow and shrink by factors."""

from dataclasses import replace

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.imputation import zero_before_first
from lstm_cli.data.dataset.scaling import Scaler, fit_scaler, logarithm

MIN_LEVEL_RATIO = 3.0  # series whose levels differ by more than this factor are of one kind in logs alone
MIN_RELATIVE_VALUE = (
    1e-4  # of a target's deviation: below this, 32-bit scaled values no longer tell positive from 0
)


def can_log_transform(dataset: Dataset) -> bool:
    """Every measured training value of every target is positive, by more than rounding."""
    least, deviation = dataset.training.least, dataset.training.deviation
    return bool((least > MIN_RELATIVE_VALUE * deviation).all()) and dataset.scaler.kind == "standard"


def level_ratio(dataset: Dataset) -> float:
    """The greatest level of a series over the least, by the targets' training means; 1 for one series of one target."""
    means = dataset.scaler.center[:, : dataset.targets]
    return float((means.max(axis=0) / means.min(axis=0)).max())


def log_transform(dataset: Dataset) -> Dataset:
    """The same data, their targets scaled by their logarithm; fitted on the measured training rows.

    Half of the least training value is the floor below which the logarithm goes on as a line: values far below
    training, zeros among them, stay what they are. Every series is shifted by its own mean; the scale is one
    number a target, the root mean square of the series' deviations, so that a step by the same factor is the
    same step in every series.
    """
    targets, table = dataset.targets, dataset.series
    floor = dataset.training.least / 2
    values = np.empty_like(dataset.values_scaled)
    logs = []
    for one, (rows, training) in enumerate(zip(table.row_slices, table.train_end, strict=True)):
        values[rows] = dataset.values_scaled[rows]
        units = dataset.scaler.inverse_transform(dataset.values_scaled[rows, :targets], one)
        values[rows, :targets] = logarithm(units, floor[one])
        learnt = slice(rows.start, rows.start + training)
        known = values[learnt, :targets].astype(np.float64)
        known[~dataset.measured[learnt, :targets]] = np.nan
        logs.append(known)
    fitted = fit_scaler("standard", logs)
    center, scale = dataset.scaler.center.copy(), dataset.scaler.scale.copy()
    center[:, :targets] = fitted.center
    scale[:, :targets] = np.sqrt(np.mean(np.square(fitted.scale), axis=0))
    for one, rows in enumerate(table.row_slices):
        values[rows, :targets] = (values[rows, :targets] - center[one, :targets]) / scale[one, :targets]
        zero_before_first(values[rows, :targets], dataset.measured[rows, :targets])
    scaler = Scaler(kind=dataset.scaler.kind, center=center, scale=scale, floor=floor)
    return replace(dataset, scaler=scaler, values_scaled=values)
