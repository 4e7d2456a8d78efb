"""Errors by forecast origin: what `lstm score` expects of a single night."""

import numpy as np

from lstm_cli.data.dataset.windows import Batch, Windows
from lstm_cli.evaluation import metrics
from lstm_cli.evaluation.uncertainty import window_moments

MAX_ORIGINS = 200_000  # newest origins that are kept: 1.6 MB


class OriginErrors:
    """Mean errors from each origin, collected as `on_errors` of `score`, in units of `error_scale`."""

    def __init__(self, windows: Windows, scale: metrics.MetricScale, *, baseline: str) -> None:
        """Begin with no errors.

        Args:
            windows: windows in the order in which they are scored.
            scale: divisors of the scaled scores.
            baseline: name of the baseline, `seasonal_naive` or `naive`.
        """
        self._starts, self._moment = window_moments(windows)
        self._scale = error_scale(scale)
        self._sums = np.zeros((2, 2, len(self._starts)))  # model and baseline: sum and count of the errors
        self._done = {"model": 0, baseline: 0}  # windows

    def __call__(self, name: str, batch: Batch, absolute_error: np.ndarray) -> None:
        """Add the errors of a batch, if they are of the model or of the baseline.

        Args:
            name: name of the forecast.
            batch: windows.
            absolute_error: [B, H, C] in the file's units.
        """
        if name not in self._done:
            return
        first, which = self._done[name], list(self._done).index(name)
        self._done[name] += len(batch.series)
        moment = self._moment[first : self._done[name]]
        errors, count = scaled_errors(absolute_error, batch.observed, self._scale[batch.series])
        np.add.at(self._sums[which, 0], moment, errors)
        np.add.at(self._sums[which, 1], moment, count)

    def means(self) -> np.ndarray:
        """Return the mean errors [T, 2] of model and baseline, float32: a row per step, NaN without a window."""
        if not len(self._starts):
            return np.empty((0, 2), dtype=np.float32)
        kept = self._starts > self._starts[-1] - MAX_ORIGINS
        rows = self._starts[kept] - self._starts[kept][0]
        result = np.full((int(rows[-1]) + 1, 2), np.nan, dtype=np.float32)
        sums, count = self._sums[:, 0, kept], self._sums[:, 1, kept]
        result[rows] = np.divide(sums, count, out=np.full(sums.shape, np.nan), where=count > 0).T
        return result


def error_scale(scale: metrics.MetricScale) -> np.ndarray:
    """Return the divisor [S, C] of errors: that of MASE, NaN for a series without one; 1 if no series has one."""
    usable = scale.seasonal_error > 0
    return np.where(usable, scale.seasonal_error, np.nan) if usable.any() else np.ones(usable.shape)


def scaled_errors(
    absolute_error: np.ndarray, observed: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of the scaled errors [N] and their number [N]. Only measured values with a scale count.

    Args:
        absolute_error: [N, H, C] in the file's units.
        observed: [N, H, C] bool.
        scale: [N, C] divisor, NaN where there is none.
    """
    divisor = scale[:, None, :]
    counted = observed & ~np.isnan(divisor)
    scaled = np.where(counted, absolute_error, 0.0) / np.where(np.isnan(divisor), 1.0, divisor)
    return scaled.sum(axis=(1, 2)), counted.sum(axis=(1, 2))
