"""Scores of recorded forecasts, by the same formulas as `evaluate`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_cli.evaluation import metrics
from lstm_cli.evaluation.quantiles import interval_scores
from lstm_cli.monitoring.recorded_forecast import RecordedForecast

_ERRORS = ("absolute", "squared", "symmetric", "count")
_INTERVALS = ("inside", "width", "quantile_loss", "interval_score", "size", "count")


class Tally:
    """Sums of errors over recorded forecasts, by series, step and target. Forecasts may have different series."""

    def __init__(self, *, horizon: int, targets: int) -> None:
        """Begin with no errors.

        Args:
            horizon: largest number of steps of a forecast; 1 adds the steps of a forecast up.
            targets: number of targets.
        """
        self.forecasts = 0
        self._shape = (horizon, targets)
        self._series: dict[str, int] = {}
        self._sums: dict[str, np.ndarray] = {}  # [..., S, H, C]
        self._scale: dict[str, np.ndarray] = {}  # [S, C]

    @property
    def values(self) -> int:
        """Return the number of scored values."""
        return int(self._sums["model.count"].sum()) if self._sums else 0

    def add(self, forecast: RecordedForecast, truth: np.ndarray) -> None:
        """Add a forecast with the measured values [S, H, C] of its steps, NaN where there is none."""
        self.forecasts += 1
        sums = _sums(forecast, truth)
        if self._shape[0] == 1:
            sums = {name: value.sum(axis=-2, keepdims=True) for name, value in sums.items()}
        rows = self._rows_of(forecast.names, sums)
        steps = next(iter(sums.values())).shape[-2]
        for name, value in sums.items():
            self._sums[name][..., rows, :steps, :] += value
        for name in ("seasonal_error", "deviation"):
            self._scale[name][rows] = getattr(forecast, name)

    def add_all(self, other: "Tally") -> None:
        """Add the forecasts of another tally with the same sizes."""
        self.forecasts += other.forecasts
        rows = self._rows_of(tuple(other._series), other._sums)
        for name, value in other._sums.items():
            self._sums[name][..., rows, :, :] += value
        for name, value in other._scale.items():
            self._scale[name][rows] = value

    def _rows_of(self, names: Sequence[str], sums: dict[str, np.ndarray]) -> np.ndarray:
        """Return the index [S] of each series in the sums, which grow with new series."""
        rows = np.array([self._series.setdefault(name, len(self._series)) for name in names])
        for name, value in sums.items():
            total = self._sums.get(name, np.zeros((*value.shape[:-3], 0, *self._shape)))
            self._sums[name] = _grown(total, len(self._series), axis=-3)
        for name in ("seasonal_error", "deviation"):
            total = self._scale.get(name, np.ones((0, self._shape[1])))
            self._scale[name] = _grown(total, len(self._series), axis=0)
        return rows

    def figures(self) -> dict[str, Any]:
        """Return the scores over all steps: metrics of model and baseline, bias, and those of the quantiles."""
        return self._figures(slice(None))

    def per_step(self) -> list[dict[str, Any]]:
        """Return the scores of each step ahead, first step first; `step` counts from 1."""
        return [{"step": step + 1, **self._figures(slice(step, step + 1))} for step in range(self._shape[0])]

    def _figures(self, steps: slice) -> dict[str, Any]:
        part = {name: value[..., steps, :] for name, value in self._sums.items()}
        scale = metrics.MetricScale(**self._scale)
        scores = {name: _metrics(part, name, scale) for name in ("model", "baseline")}
        scores["baseline"]["wql"] = _point_wql(part["baseline.absolute"], part["baseline.size"])
        of_quantiles = dict(interval_scores.NO_SCORES)
        if "intervals.count" in part:
            sums = interval_scores.IntervalSums(**{name: part[f"intervals.{name}"] for name in _INTERVALS})
            of_quantiles = interval_scores.interval_scores(sums, scale.deviation)
        return {"metrics": scores["model"], "baseline": scores["baseline"], **of_quantiles}


def _grown(total: np.ndarray, size: int, *, axis: int) -> np.ndarray:
    """Return an array with `size` rows along an axis; new rows are 0."""
    if total.shape[axis] == size:
        return total
    shape = list(total.shape)
    shape[axis] = size - total.shape[axis]
    return np.concatenate([total, np.zeros(shape)], axis=axis)


def _metrics(part: dict[str, np.ndarray], name: str, scale: metrics.MetricScale) -> metrics.Scores:
    """Return the metrics of `model` or `baseline`, and the bias: the mean of forecast minus measured value."""
    sums = metrics.ErrorSums(**{field: part[f"{name}.{field}"] for field in _ERRORS})
    signed, count = part[f"{name}.signed"], sums.count.sum()
    bias = {"bias": signed.sum(), "bias_scaled": (signed / scale.deviation[:, None, :]).sum()}
    return metrics.overall_scores(sums, scale) | {
        key: float(value / count) if count else None for key, value in bias.items()
    }


def _point_wql(absolute: np.ndarray, size: np.ndarray) -> float | None:
    """Return the WQL of a forecast without quantiles: all nine are the forecast, so it is sum |error| / sum |value|.

    Args:
        absolute: [S, H, C] sums of absolute errors.
        size: [S, H, C] sums of absolute measured values.
    """
    errors, sizes = absolute.sum(axis=1), size.sum(axis=1)
    defined = sizes > 0
    return float(np.mean(errors[defined] / sizes[defined])) if defined.any() else None


def _sums(forecast: RecordedForecast, truth: np.ndarray) -> dict[str, np.ndarray]:
    """Return the sums [..., S, H, C] of one forecast by name."""
    observed = np.isfinite(truth)
    series = np.arange(len(truth))
    truth = np.where(observed, truth, 0.0)
    sums: dict[str, np.ndarray] = {}
    for name, values in (("model", forecast.forecast), ("baseline", forecast.baseline)):
        # Without a known baseline, its errors are not counted.
        known = observed & np.isfinite(values)
        units = np.where(known, values.astype(np.float64), 0.0)
        errors = metrics.sum_errors(units, truth, known, series, series_count=len(series))
        sums |= {f"{name}.{field}": value for field, value in vars(errors).items()}
        sums[f"{name}.signed"] = np.where(known, units - truth, 0.0)
        sums[f"{name}.size"] = np.where(known, np.abs(truth), 0.0)
    if forecast.probabilities:
        quantiles = forecast.quantiles.astype(np.float64)
        known = observed & np.isfinite(quantiles).all(axis=0)
        tally = interval_scores.interval_sums(
            np.where(known, quantiles, 0.0),
            forecast.probabilities,
            truth,
            known,
            series,
            series_count=len(series),
        )
        sums |= {f"intervals.{field}": value for field, value in vars(tally).items()}
    return sums


@dataclass(frozen=True, kw_only=True)
class NightError:
    """Sums of the scaled errors of a forecast of a whole horizon, for the test."""

    model: float
    baseline: float
    count: int
    cells: int  # values that the forecast has


def night_error(forecast: RecordedForecast, truth: np.ndarray) -> NightError:
    """Return the errors of one forecast in units of MASE; see `origin_errors`."""
    from lstm_cli.evaluation.origin_errors import error_scale, scaled_errors

    scale = error_scale(
        metrics.MetricScale(
            seasonal_error=forecast.seasonal_error.astype(np.float64), deviation=forecast.deviation
        )
    )
    observed = np.isfinite(truth) & np.isfinite(forecast.baseline)
    known = np.where(observed, truth, 0.0)
    sums = [
        scaled_errors(np.abs(np.where(observed, values, 0.0) - known), observed, scale)
        for values in (forecast.forecast, forecast.baseline)
    ]
    return NightError(
        model=float(sums[0][0].sum()),
        baseline=float(sums[1][0].sum()),
        count=int(sums[0][1].sum()),
        cells=int((~np.isnan(np.broadcast_to(scale[:, None, :], truth.shape))).sum()),
    )
