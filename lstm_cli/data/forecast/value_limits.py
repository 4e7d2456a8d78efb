"""Limits beyond which a value of new data is far outside of the training range."""

import numpy as np

from lstm_cli.data.dataset.dataset import TrainingStatistics
from lstm_cli.data.dataset.scaling import Scaler

MAX_RANGES_OUTSIDE = 1  # warn about targets this many training ranges outside of the training range
MAX_SCALES_OUTSIDE = 100  # warn about covariates this many scales away from their centre


def value_limits(
    column: int, targets: int, scaler: Scaler, training: TrainingStatistics
) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest value [S] of a column that is not far away; NaN without training values.

    Args:
        column: index in the schema.
        targets: number of targets, which are the first columns.
        scaler: scaler of the series.
        training: statistics of the series.
    """
    if column < targets:
        low, high = training.least[:, column], training.greatest[:, column]
        width = np.where(high > low, high - low, np.maximum(np.abs(high), np.abs(low)))
        return low - MAX_RANGES_OUTSIDE * width, high + MAX_RANGES_OUTSIDE * width
    center = scaler.center[:, column]
    margin = MAX_SCALES_OUTSIDE * scaler.scale[:, column] if scaler.kind != "none" else np.inf
    return center - margin, center + margin
