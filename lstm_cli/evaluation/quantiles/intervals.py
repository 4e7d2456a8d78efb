"""Prediction intervals around a point forecast, with NumPy only.

An interval is the forecast +- half(level, step) * spread(window), in scaled space. So any inverse transform (a shift,
a scale, an exponential) keeps its ends in order. `spread` measures the variation of the window. `half` are quantiles of
|error| / spread, pooled over series and targets. This is split conformal prediction with a local scale (Papadopoulos et
al. 2002, "Inductive confidence machines for regression"; Lei et al. 2018, "Distribution-free predictive inference for
regression").

Two properties of time series break the guarantee of that method. The windows overlap, and a few validation rows may be
calmer or more volatile than later rows. So errors of the training windows are added, multiplied by the model's optimism
there. With few independent horizons the intervals are wider, as in Student's t.

Beyond the trained horizon H, forecasts are fed back as inputs, block after block. The half widths of later blocks are
the mean half width of the first block times the growth of the error. The growth was measured on validation and training
windows, at the middle of each block. It is linear in between. Later it is a power of the step, with the exponent that
leads to the last measured growth (from 0 to 1). Without a measurement the exponent is 0.5, as for a random walk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstm_cli.data.dataset.dataset import MAX_STEPS
from lstm_cli.data.dataset.windows import Batch
from lstm_cli.data.stored_types import checked, require_numbers

LEVELS = (80, 95)  # percent
EQUAL_WEIGHT_HORIZONS = (
    200  # validation horizons that weigh as much as training; they fix the 95 % level to 1.5 points
)
MIN_ERRORS = 200  # errors for the quantile of a step; with fewer, neighbouring steps are added
RANDOM_WALK = 0.5  # exponent of the error of a random walk
MIN_SPREAD_SHARE = 0.05  # share of the median spread: a constant window does not get an interval of width 0


@dataclass(frozen=True, kw_only=True)
class CalibrationErrors:
    """Errors of a forecaster over windows, in scaled space."""

    absolute: np.ndarray  # [N, H, C] |error|, NaN for missing values
    baseline: np.ndarray  # [N, H, C] |error| of the seasonal naive forecast, which is not fitted
    spread: np.ndarray  # [N, C]
    horizons: float  # horizons that the windows span without overlap, over all series


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """Calibrated intervals, fitted by `fit_calibration`."""

    half: np.ndarray  # [2, H] float64: half width of each level, in spreads
    floor: np.ndarray  # [C] float64: smallest spread, scaled
    season: int  # m, steps
    lookback: int  # steps that the spread is computed from
    optimism: float  # factor applied to the errors on training windows
    horizons: float  # independent horizons of the calibration
    growth: tuple[float, ...] = ()  # error of blocks 2, 3, … divided by that of block 1; (): not measured

    def _scaled_half_widths(
        self, forecast_scaled: np.ndarray, past: np.ndarray, mask: np.ndarray
    ) -> np.ndarray:
        """Return the half widths [2, N, steps, C] of each level, scaled.

        Args:
            forecast_scaled: [N, steps, C]; there may be more or fewer steps than H.
            past: [N, L', F] with L' at least `lookback`, targets first; without forecasts that were fed back.
            mask: [N, L'], 0 for padding.
        """
        targets = forecast_scaled.shape[2]
        spread = local_scale(past[:, -self.lookback :, :targets], mask[:, -self.lookback :], self.season)
        half = self.half_widths(forecast_scaled.shape[1])
        return half[:, None, :, None] * np.maximum(spread, self.floor)[:, None, :]

    def for_series(self, names: Sequence[str]) -> "Intervals":
        """Return the intervals for a dataset with these series: one scale fits all."""
        return self

    @property
    def symmetric(self) -> bool:
        """Return whether all intervals are as wide below the forecast as above it."""
        return True

    @property
    def supported(self) -> tuple[float, float]:
        """Return the lowest and the highest quantile that the calibration supports."""
        highest = 0.5 + max(LEVELS) / 200
        return 1 - highest, highest

    def quantiles(
        self, probabilities: Sequence[float], forecast_scaled: np.ndarray, batch: Batch
    ) -> np.ndarray:
        """Return quantiles [Q, N, steps, C] of the forecast, float64, scaled. They never cross.

        Between the calibrated levels, the half width is linear in the quantile of the normal distribution.

        Args:
            probabilities: Q probabilities between 0 and 1.
            forecast_scaled: [N, steps, C]; there may be more or fewer steps than H.
            batch: windows of the forecast, with at least `lookback` steps.
        """
        middle = forecast_scaled.astype(np.float64)
        widths = self._scaled_half_widths(forecast_scaled, batch.past, batch.mask)
        halves: dict[float, np.ndarray] = dict(
            zip((0, *LEVELS), (np.zeros_like(middle), *widths), strict=True)
        )
        quantiles = np.empty((len(probabilities), *middle.shape))
        for index, probability in enumerate(probabilities):
            level = round(abs(200 * probability - 100), 9)  # percent
            half = halves[level] if level in halves else _interpolate(level, halves)
            quantiles[index] = middle + np.sign(probability - 0.5) * half
        return quantiles

    def half_widths(self, steps: int) -> np.ndarray:
        """Return the half widths [2, steps] of each level, in spreads, wider beyond the trained horizon."""
        horizon = self.half.shape[1]
        if steps <= horizon:
            return self.half[:, :steps]
        later = np.arange(horizon + 1, steps + 1)  # counted from 1
        wider = self.half.mean(axis=1, keepdims=True) * self.growth_at(later)
        return np.concatenate([self.half, np.maximum(wider, self.half[:, -1:])], axis=1)

    def growth_at(self, steps: np.ndarray) -> np.ndarray:
        """Return the growth of the error at steps [n] beyond the trained horizon, counted from 1."""
        horizon, growth = self.half.shape[1], np.maximum.accumulate([1.0, *self.growth])
        middles = np.arange(len(growth)) * horizon + (horizon + 1) / 2
        exponent = RANDOM_WALK
        if len(growth) > 1:
            exponent = min(1.0, float(np.log(growth[-1]) / np.log(middles[-1] / middles[0])))
        beyond = growth[-1] * (np.maximum(steps, middles[-1]) / middles[-1]) ** exponent
        return np.where(steps > middles[-1], beyond, np.interp(steps, middles, growth))

    def require_shape(self, *, series: int, targets: int, horizon: int) -> None:
        """Raise ValueError unless the arrays fit a model.

        Args:
            series: number of its series.
            targets: number of its targets.
            horizon: its trained horizon in steps.
        """
        require_numbers(self.half, shape=(len(LEVELS), horizon), above=-1)
        require_numbers(self.floor, shape=(targets,), above=-1)

    def to_dict(self) -> dict[str, Any]:
        stored = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
        }
        return {"version": 1, "levels": list(LEVELS)} | stored

    @staticmethod
    def from_dict(stored: dict[str, Any]) -> "Intervals":
        intervals = Intervals(
            half=np.array(stored["half"], dtype=np.float64),
            floor=np.array(stored["floor"], dtype=np.float64),
            season=int(stored["season"]),
            lookback=int(stored["lookback"]),
            optimism=float(stored["optimism"]),
            horizons=float(stored["horizons"]),
            growth=tuple(stored.get("growth", ())),  # release 0.1.0 did not measure it
        )
        checked(intervals)
        if not all(0 < steps <= MAX_STEPS for steps in (intervals.season, intervals.lookback)):
            raise ValueError("a season or lookback is out of range")
        numbers = np.array([intervals.optimism, intervals.horizons, *intervals.growth])
        require_numbers(numbers, shape=(None,), above=-1)
        return intervals


def _interpolate(level: float, halves: Mapping[float, np.ndarray]) -> np.ndarray:
    """Return the half widths of a level in percent, from those of the levels 0 and LEVELS."""
    from statistics import NormalDist  # not needed for LEVELS alone, and `predict` would start more slowly

    wanted, *known = (NormalDist().inv_cdf(0.5 + each / 200) for each in (level, *halves))
    widths = list(halves.values())
    before = 0 if wanted <= known[1] else 1
    share = (wanted - known[before]) / (known[before + 1] - known[before])
    return np.asarray(widths[before] + share * (widths[before + 1] - widths[before]))


def local_scale(past: np.ndarray, mask: np.ndarray, season: int) -> np.ndarray:
    """Return the variation of each window and target, [N, C].

    It is the mean |v_t - v_(t-m)| plus the deviation of the means of whole seasons, counted from the end of the
    window. The first term measures the change from season to season, the second the drift of the level. A window
    without two values one season apart uses neighbouring steps. A window of a single step has spread 0.

    Args:
        past: [N, L, C] scaled.
        mask: [N, L], 0 for padding.
        season: steps in a season.
    """
    values, known = past.astype(np.float64), None if mask.all() else mask > 0
    return _seasonal_change(values, known, season) + _level_variation(values, known, season)


def _seasonal_change(values: np.ndarray, known: np.ndarray | None, season: int) -> np.ndarray:
    if known is None and values.shape[1] > season:  # fewer calls, and the same numbers
        differences = np.abs(values[:, season:] - values[:, :-season])
        return np.asarray(differences.sum(axis=1) / differences.shape[1])
    known = np.ones(values.shape[:2], dtype=bool) if known is None else known
    change = np.zeros((len(values), values.shape[2]))
    unset = np.ones(len(values), dtype=bool)
    for lag in dict.fromkeys((season, 1)):
        if values.shape[1] <= lag:
            continue
        pairs = known[:, lag:] & known[:, :-lag]
        count = pairs.sum(axis=1)
        use = unset & (count > 0)
        differences = np.where(pairs[:, :, None], np.abs(values[:, lag:] - values[:, :-lag]), 0.0)
        change[use] = (differences.sum(axis=1) / np.maximum(count, 1)[:, None])[use]
        unset &= ~use
    return change


def _level_variation(values: np.ndarray, known: np.ndarray | None, season: int) -> np.ndarray:
    windows, steps, targets = values.shape
    seasons = steps // season
    if seasons < 2:
        return np.zeros((windows, targets))
    means = values[:, -seasons * season :].reshape(windows, seasons, season, targets).mean(axis=2)
    if known is None:
        center = means.sum(axis=1) / seasons
        return np.sqrt(np.square(means - center[:, None]).sum(axis=1) / seasons)
    measured = known[:, -seasons * season :].reshape(windows, seasons, season)
    whole = np.asarray(measured.all(axis=2))[:, :, None]
    count = np.maximum(whole.sum(axis=1), 1)
    middle = np.where(whole, means, 0.0).sum(axis=1) / count
    deviations = np.where(whole, means - middle[:, None], 0.0)
    return np.sqrt(np.square(deviations).sum(axis=1) / count)


def fit_calibration(
    val: CalibrationErrors, train: CalibrationErrors, *, season: int, lookback: int
) -> Intervals:
    """Return intervals from the errors on validation and training windows; there may be no training windows.

    The training windows have a total weight of EQUAL_WEIGHT_HORIZONS / (EQUAL_WEIGHT_HORIZONS + validation horizons).
    Their errors are multiplied by `optimism`.

    Args:
        val: errors on validation windows.
        train: errors on training windows.
        season: steps in a season.
        lookback: steps that the spread is computed from.
    """
    floor = min_spread(np.concatenate([val.spread, train.spread]))
    optimism = _optimism(val, train, floor)
    share = training_share(val.horizons)
    parts, weights = [], []
    for errors, factor, weight in ((val, 1.0, 1 - share), (train, optimism, share)):
        relative = factor * errors.absolute / np.maximum(errors.spread, floor)[:, None]
        rows = np.swapaxes(relative, 1, 2).reshape(-1, relative.shape[1])
        parts.append(rows)
        weights.append(np.full(len(rows), weight / max(1, len(rows))))
    horizons = val.horizons + train.horizons
    half = _quantiles(np.concatenate(parts), np.concatenate(weights))
    half *= np.array([t_correction(0.5 + level / 200, horizons) for level in LEVELS])[:, None]
    return Intervals(
        half=np.maximum.accumulate(half, axis=0),
        floor=floor,
        season=season,
        lookback=lookback,
        optimism=optimism,
        horizons=horizons,
    )


def training_share(val_horizons: float) -> float:
    """Return the weight of the errors on training windows, from 0 to 1."""
    return EQUAL_WEIGHT_HORIZONS / (EQUAL_WEIGHT_HORIZONS + val_horizons)


def t_correction(quantile: float, freedom: float) -> float:
    """Return the ratio of a quantile of Student's t with `freedom` degrees of freedom to that of the normal.

    Source: the expansion of Abramowitz and Stegun 1964, 26.7.5. Less than one degree of freedom counts as one.
    """
    from statistics import (
        NormalDist,
    )  # imported here, because `predict` does not need it and would start more slowly

    n, z = max(1.0, freedom), NormalDist().inv_cdf(quantile)
    t = (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )
    return t / z


def min_spread(spreads: np.ndarray) -> np.ndarray:
    """Return the smallest spread [C] that is used, from spreads [N, C] of windows; 1 for a target without variation."""
    typical = np.median(spreads, axis=0)
    typical = np.where(typical > 0, typical, spreads.mean(axis=0))
    return np.where(typical > 0, MIN_SPREAD_SHARE * typical, 1.0)


def _optimism(val: CalibrationErrors, train: CalibrationErrors, floor: np.ndarray) -> float:
    """Return the factor by which the model's errors are smaller on the rows it was fitted on, at least 1.

    Validation rows may also be harder. The seasonal naive forecast measures that, because it was fitted on neither.
    """

    def mean(calibration: CalibrationErrors, errors: np.ndarray) -> float:
        relative = errors / np.maximum(calibration.spread, floor)[:, None]
        return float(np.nanmean(relative)) if np.isfinite(relative).any() else 0.0

    val_error, train_error = mean(val, val.absolute), mean(train, train.absolute)
    val_baseline, train_baseline = mean(val, val.baseline), mean(train, train.baseline)
    if not (val_error and train_error and val_baseline and train_baseline):
        return 1.0
    return max(1.0, (val_error / train_error) / (val_baseline / train_baseline))


def _quantiles(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the LEVELS [2, H] of each column of rows [R, H] with weights [R]; NaN is ignored."""
    neighbors = max(0, -(-(MIN_ERRORS - len(rows)) // (2 * max(1, len(rows)))))
    horizon = rows.shape[1]
    quantiles = np.zeros((len(LEVELS), horizon))
    for step in range(horizon):
        near = rows[:, max(0, step - neighbors) : step + neighbors + 1]
        known = np.isfinite(near)
        if not known.any():
            known, near = np.isfinite(rows), rows
        values = near[known]
        order = np.argsort(values, kind="stable")
        weight = np.repeat(weights[:, None], near.shape[1], axis=1)[known][order]
        cumulative = np.cumsum(weight)
        for index, level in enumerate(LEVELS):
            wanted = level / 100 * cumulative[-1] if len(cumulative) else 0.0
            position = int(np.searchsorted(cumulative, wanted * (1 - 1e-12)))
            quantiles[index, step] = values[order[min(position, len(values) - 1)]] if len(values) else 0.0
    return quantiles
