"""Statistical uncertainty of scores over windows: the model against a baseline, and the coverage of intervals.

Neighbouring windows overlap, and series move together, so windows are not independent. All windows with one start time
form one moment, and the moments form a time series. The comparison with a baseline follows Diebold and Mariano 1995,
"Comparing predictive accuracy", with the ratio of the errors instead of their difference. The long-run variance is the
mean square of the first K cosine transforms, and the quantile is that of Student's t with K degrees of freedom (Mueller
2007, "A theory of robust long-run variance estimation"; Lazarus, Lewis, Stock and Watson 2018, "HAR inference:
recommendations for practice"). With a small K the interval is also valid in small samples, where the original test
rejects too often (Coroneo and Iacone 2020, "Comparing predictive accuracy in small samples using fixed-smoothing
asymptotics"). The method uses no random numbers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_cli.data.dataset.windows import Batch, Windows
from lstm_cli.evaluation import metrics
from lstm_cli.evaluation.quantiles.intervals import LEVELS, t_correction
from lstm_cli.evaluation.window_choice import choose_windows

EQUAL_TOLERANCE = 1e-5  # relative difference of errors that rounding can explain
CONFIDENCE = 0.90  # confidence level of a comparison
COVERAGE_CONFIDENCE = 0.99  # confidence level of the coverage; outside it there is a warning
FREEDOM_SHARE = 0.4  # K is at most FREEDOM_SHARE * moments^(2/3) (Lazarus et al. 2018)
COMPARED_FORECASTS = ("model", "naive", "seasonal_naive", "linear")


@dataclass(frozen=True, kw_only=True)
class WindowTimes:
    """Positions of windows in time."""

    moment: np.ndarray  # [N] moment of each window, 0 to `count` - 1, in the order of time
    count: int
    disjoint: int  # windows that do not overlap in time
    horizon: float  # horizon in units of the mean distance between moments


def window_times(windows: Windows) -> WindowTimes:
    """Return the positions of windows in time. Windows of several series with one start time share a moment.

    If no two series share a time, or the data have no times, the series are placed one after another as independent.
    """
    horizon = windows.dataset.schema.horizon
    distinct, moment = window_moments(windows)
    disjoint, index = 0, 0
    while index < len(distinct):
        disjoint, index = disjoint + 1, int(np.searchsorted(distinct, distinct[index] + horizon))
    # Mean distance, because windows may be clustered or sampled.
    distance = float(distinct[-1] - distinct[0] + 1) / len(distinct) if len(distinct) else 1.0
    return WindowTimes(
        moment=moment, count=len(distinct), disjoint=disjoint, horizon=max(1.0, horizon / distance)
    )


def window_moments(windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """Return the start of each moment [M], as a number of steps, ascending, and the moment of each window [N].

    If no two series share a time, or the data have no times, the series are placed one after another.
    """
    dataset, table = windows.dataset, windows.dataset.series
    horizon, series = dataset.schema.horizon, windows.series
    steps = windows.origins - table.offset[series]
    if dataset.schema.time_name is not None:
        steps = steps + dataset.schema.step.index(table.origin_us, table.origin_us.min())[0][series]
    distinct, moment = np.unique(steps, return_inverse=True)
    if dataset.schema.time_name is None or len(distinct) == len(steps):
        span = int(np.ptp(steps)) + horizon if len(steps) else 0
        distinct, moment = np.unique(steps + series * span, return_inverse=True)
    return distinct, moment


def ratio_of_sums(top: np.ndarray, bottom: np.ndarray, moments: WindowTimes) -> tuple[float, float, int]:
    """Return sum(top) / sum(bottom) over windows [N], its standard error, and the degrees of freedom K.

    The ratio is linearized (delta method). K is small, so that its frequencies are below those that the length of a
    window smooths. The remaining smoothing is divided out.

    Args:
        top: [N].
        bottom: [N].
        moments: positions of the windows in time.
    """
    above, below = (
        np.bincount(moments.moment, weights=sums, minlength=moments.count) for sums in (top, bottom)
    )
    ratio = above.sum() / below.sum()
    residuals = (above - ratio * below) / below.sum()
    count, horizon = moments.count, moments.horizon
    freedom = max(1, min(moments.disjoint // 2, round(FREEDOM_SHARE * count ** (2 / 3))))
    frequency_numbers = np.arange(1, freedom + 1)
    transforms = np.fft.rfft(np.concatenate([residuals, residuals[::-1]]))[1 : freedom + 1]
    cosines = np.real(np.exp(-0.5j * np.pi * frequency_numbers / count) * transforms) / math.sqrt(2 * count)
    half_turn = np.pi * frequency_numbers / (2 * count)  # pi times the frequency
    response = np.square(np.sin(horizon * half_turn) / (horizon * np.sin(half_turn)))
    return float(ratio), math.sqrt(count * float(np.mean(np.square(cosines) / response))), freedom


def student_t_quantile(quantile: float, freedom: int) -> float:
    """Return a quantile above .5 of Student's t: exact for 1 and 2 degrees of freedom, else by `t_correction`."""
    from statistics import NormalDist

    if freedom == 1:
        return math.tan(math.pi * (quantile - 0.5))
    if freedom == 2:
        return (2 * quantile - 1) / math.sqrt(2 * quantile * (1 - quantile))
    return NormalDist().inv_cdf(quantile) * t_correction(quantile, freedom)


class WindowErrors:
    """Errors of each window, collected as `on_errors` of `score` and weighted so that their sum is MASE.

    If no series has a MASE scale, the sum is MAE.
    """

    def __init__(
        self,
        windows: Windows,
        scale: metrics.MetricScale,
        *,
        compared: Sequence[str] = COMPARED_FORECASTS,
    ) -> None:
        """Begin with no errors.

        Args:
            windows: windows to score.
            scale: divisors of the scaled scores.
            compared: names of the forecasts to compare; `model` must be one of them.
        """
        self.windows, self._compared = windows, compared
        count = _measured(windows)
        usable = (count > 0) & (scale.seasonal_error > 0)
        self.has_scale = bool(usable.any())  # whether `mean_errors` are MASE, and not MAE in the file's units
        if self.has_scale:
            divisor = np.where(usable, count * scale.seasonal_error, 1.0) * usable.sum()
            self._weight = np.where(usable, 1 / divisor, 0.0)
            self._scale = np.where(usable, scale.seasonal_error, np.nan)
        else:
            self._weight = np.full(count.shape, 1 / max(1.0, float(count.sum())))
            self._scale = np.ones(count.shape)
        self._errors: dict[str, list[np.ndarray]] = {}
        self._mean_errors: list[np.ndarray] = []  # [B, C] of the model, in units of `_scale`

    def __call__(self, name: str, batch: Batch, absolute_error: np.ndarray) -> None:
        """Add the errors of a batch.

        Args:
            name: name of the forecast.
            batch: windows.
            absolute_error: [B, H, C] in the file's units.
        """
        if name in self._compared:
            sums = np.where(batch.observed, absolute_error, 0.0).sum(axis=1)
            self._errors.setdefault(name, []).append((sums * self._weight[batch.series]).sum(axis=1))
        if name == "model":
            count = batch.observed.sum(axis=1)
            mean = np.divide(sums, count, out=np.full(sums.shape, np.nan), where=count > 0)
            self._mean_errors.append(mean / self._scale[batch.series])

    @property
    def moments(self) -> WindowTimes:
        """Return the positions of the windows in time."""
        return window_times(self.windows)

    def mean_errors(self) -> np.ndarray:
        """Return the model's MASE of each window and target, [N, C]; NaN where nothing was measured.

        A series without a MASE scale has NaN. If no series has a MASE scale, it is the MAE in the file's units.
        """
        return np.concatenate(self._mean_errors)

    def chosen_windows(self) -> dict[str, tuple[int, int]]:
        """Return the index of the window and of its target for best, median, worst and newest, by `mean_errors`."""
        errors = self.mean_errors()
        targets = errors.shape[1]
        chosen = choose_windows(errors.ravel(), np.repeat(self.moments.moment, targets))
        return {name: divmod(index, targets) for name, index in chosen.items()}

    def comparisons(self) -> dict[str, dict[str, Any]]:
        """Return the comparison of the model with each baseline, the baseline with the lowest error first.

        `difference` is the percentage by which the model's error is lower, negative if it is higher. `interval` [low,
        high] is its 90 % confidence interval. Both are 0 if the errors agree up to rounding, and None if the baseline
        has no error. The result is empty with fewer than two windows that do not overlap.
        """
        errors = {name: np.concatenate(batches) for name, batches in self._errors.items()}
        model, moments = errors.pop("model"), self.moments
        totals = {name: float(each.sum()) for name, each in errors.items()}
        if moments.disjoint < 2:
            return {}
        return {
            name: _difference(model, errors[name], moments)
            for name in sorted(totals, key=lambda name: totals[name])
        }


def _measured(windows: Windows) -> np.ndarray:
    """Return the number of measured values that the windows forecast, for each series and target, [S, C]."""
    dataset, horizon = windows.dataset, windows.dataset.schema.horizon
    change = np.zeros(len(dataset.measured) + 1, dtype=np.int64)
    np.add.at(change, windows.origins, 1)
    np.add.at(change, np.minimum(windows.origins + horizon, len(dataset.measured)), -1)
    times = np.cumsum(change[:-1])  # windows that forecast each row
    table = dataset.series
    rows = [slice(begin, begin + count) for begin, count in zip(table.offset, table.count, strict=True)]
    return np.stack(
        [
            times[rows_of_series] @ dataset.measured[rows_of_series, : dataset.targets]
            for rows_of_series in rows
        ]
    )


def _difference(model: np.ndarray, baseline: np.ndarray, moments: WindowTimes) -> dict[str, Any]:
    if np.allclose(model, baseline, rtol=EQUAL_TOLERANCE, atol=EQUAL_TOLERANCE * float(baseline.mean())):
        return {"difference": 0.0, "interval": [0.0, 0.0]}
    if not baseline.any():
        return {"difference": None, "interval": None}
    ratio, error, freedom = ratio_of_sums(model, baseline, moments)
    margin = student_t_quantile(0.5 + CONFIDENCE / 2, freedom) * error
    low, high = 100 * (1 - ratio - margin), 100 * min(1.0, 1 - ratio + margin)
    return {"difference": 100 * (1 - ratio), "interval": [low, high]}


def best_comparison(comparisons: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the comparison with the baseline of lowest error, and its name; None without a comparison."""
    name = next(iter(comparisons), None)
    return None if name is None else {"baseline": name, **comparisons[name]}


def coverage_ranges(
    inside: np.ndarray, count: np.ndarray, moments: WindowTimes, *, calibration_ratio: float
) -> dict[int, tuple[float, float, float]]:
    """Return for each level the coverage, and the smallest and largest coverage that chance explains, all in percent.

    The variance at the level is the binomial one, with as many draws as explain the variation over time. The result is
    empty with fewer than two windows that do not overlap.

    Args:
        inside: [2, N] measured values of each window within the interval of each level.
        count: [N] measured values.
        moments: positions of the windows in time.
        calibration_ratio: calibration horizons per scored horizon; few of them leave the level itself uncertain (Vovk
            2012, "Conditional validity of inductive conformal predictors").
    """
    if moments.disjoint < 2 or not count.sum():
        return {}
    ranges = {}
    for level, inside_level in zip(LEVELS, inside, strict=True):
        share, error, freedom = ratio_of_sums(inside_level, count, moments)
        spread = share * (1 - share)
        # If all values are inside, the coverage does not vary: then each disjoint window counts as one draw.
        draws = min(spread / error**2, float(count.sum())) if error > 0 and spread > 0 else moments.disjoint
        nominal = level / 100
        deviation = math.sqrt(nominal * (1 - nominal) / draws * (1 + 1 / calibration_ratio))
        margin = student_t_quantile(0.5 + COVERAGE_CONFIDENCE / 2, freedom) * deviation
        ranges[level] = (100 * share, 100 * max(0.0, nominal - margin), 100 * min(1.0, nominal + margin))
    return ranges
