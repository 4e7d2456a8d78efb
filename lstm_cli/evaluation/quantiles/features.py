"""Features of a window that say how far its forecast may be off, and on which side; with NumPy only.

All features are computed from the window and its forecast. So they exist for new data and new series, too.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from lstm_cli.evaluation.baselines import naive, seasonal_naive

Known: TypeAlias = np.ndarray | None  # [N, L] bool: which values are known; None: all
LIMIT = 4.0  # of a feature that counts deviations or spreads
LEAST_CHANGE = 0.05  # added to a change in spreads, so that its logarithm is finite
LEAST_DIVISOR = 1e-6  # of deviations and spreads
STEPS_WITHOUT_SEASON = 8  # steps that count as one cycle where there is no season
MIN_CYCLES = 3  # cycles in the lookback that show the profile of a cycle


def count_features(lookback: int, season: int) -> int:
    """Return F, the number of features of a window."""
    return 11 if _has_cycles(lookback, season) else 9


def window_features(
    forecast_scaled: np.ndarray,
    past: np.ndarray,
    mask: np.ndarray,
    spread: np.ndarray,
    *,
    season: int,
    horizon: int,
    steps: np.ndarray,
) -> np.ndarray:
    """Return the features [N, S, C, F] float32 of S steps of a forecast.

    Args:
        forecast_scaled: [N, T, C].
        past: [N, L, C] scaled, the history that the spread was computed from.
        mask: [N, L], 0 for padding.
        spread: [N, C] variation of each window, positive.
        season: m, steps in a season.
        horizon: H, steps of the trained horizon; later steps count as the last one.
        steps: [S] steps of the forecast, counted from 0.
    """
    values = past.astype(np.float64)
    known = None if mask.all() else mask > 0  # None: all, which needs fewer calls and gives the same numbers
    lookback = values.shape[1]
    forecast = forecast_scaled[:, steps].astype(np.float64)

    def deviations(values: np.ndarray, unit: np.ndarray) -> np.ndarray:
        ratio = values / np.maximum(unit, LEAST_DIVISOR)
        return np.minimum(np.maximum(ratio, -LIMIT), LIMIT)  # np.clip is slow for few values

    cycle = season if season > 1 else STEPS_WITHOUT_SEASON
    lag = season if season < lookback else 1
    center, deviation = _moments(values, known)
    recent = _weighted_mean(values[:, -cycle:], None if known is None else known[:, -cycle:])[1]
    baseline = _baseline(values, known, steps, season)
    result = np.empty((*forecast.shape, count_features(lookback, season)), dtype=np.float32)
    result[..., :2] = _step_features(horizon, np.asarray(steps, dtype=np.int64).tobytes())
    result[..., 2] = np.log(spread)[:, None]
    for place, change in enumerate(_changes(values, known, lag, (cycle, 4 * cycle)), start=3):
        result[..., place] = _log_ratio(change, spread)[:, None]
    result[..., 5] = _log_ratio(deviation, spread)[:, None]
    result[..., 6] = deviations(forecast - center[:, None], deviation[:, None])
    result[..., 7] = deviations(forecast - baseline, spread[:, None])
    result[..., 8] = deviations(recent - center, deviation)[:, None]
    if _has_cycles(lookback, season):
        phase = steps % season
        profiles = _cycle_profiles(values, known, season)
        result[..., 9] = _log_ratio(profiles[0][:, phase], spread[:, None])
        result[..., 10] = profiles[1][:, phase]
    return result


@lru_cache(maxsize=16)
def _step_features(horizon: int, steps: bytes) -> np.ndarray:
    """Return the two features [S, 1, 2] of steps, an array of whole numbers as bytes: both depend on nothing else."""
    position = (np.minimum(np.frombuffer(steps, dtype=np.int64), horizon - 1) + 0.5) / horizon
    return np.stack([2 * position - 1, np.exp(-8 * (position - 0.5 / horizon))], axis=-1)[:, None]


def _has_cycles(lookback: int, season: int) -> bool:
    return season > 1 and lookback >= MIN_CYCLES * season


def _log_ratio(change: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(change / spread + LEAST_CHANGE))


def _weighted_mean(values: np.ndarray, known: Known) -> tuple[np.ndarray | float, np.ndarray]:
    """Return the weights [N, L, 1] and the mean [N, C] of the known values [N, L, C]; one weight if all are known."""
    weight: np.ndarray | float = 1 / values.shape[1]
    if known is not None:
        weight = known[:, :, None] / np.maximum(known.sum(axis=1), 1)[:, None, None]
    return weight, (weight * values).sum(axis=1)


def _moments(values: np.ndarray, known: Known) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the deviation [N, C] of the known values [N, L, C]."""
    weight, center = _weighted_mean(values, known)
    return center, np.sqrt((weight * np.square(values - center[:, None])).sum(axis=1))


def _changes(values: np.ndarray, known: Known, lag: int, spans: Sequence[int]) -> list[np.ndarray]:
    """Return the mean |v_t - v_(t-lag)| [N, C] over the last steps of a window; 0 without two known values.

    Args:
        values: [N, L, C].
        known: [N, L] bool; None: all.
        lag: steps between the two values.
        spans: numbers of last steps.
    """
    if values.shape[1] <= lag:
        return [np.zeros(values[:, 0].shape) for _ in spans]
    longest = -max(spans)
    change = np.abs(values[:, lag:][:, longest:] - values[:, :-lag][:, longest:])
    if known is None:
        return [change[:, -span:].sum(axis=1) / min(span, change.shape[1]) for span in spans]
    pairs = (known[:, lag:] & known[:, :-lag])[:, longest:, None]
    change *= pairs
    return [change[:, -span:].sum(axis=1) / np.maximum(pairs[:, -span:].sum(axis=1), 1) for span in spans]


def _baseline(values: np.ndarray, known: Known, steps: np.ndarray, season: int) -> np.ndarray:
    """Return the seasonal naive forecast [N, S, C] of steps [S]; the naive one with a season beyond the window."""
    targets, count = values.shape[2], int(steps[-1]) + 1
    if season > values.shape[1]:
        return naive(values, count, targets)[:, steps]
    if known is None:
        return values[:, steps % season - season]
    return seasonal_naive(values, known, count, targets, season)[:, steps]


def _cycle_profiles(values: np.ndarray, known: Known, season: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two profiles [N, season, C] over a cycle; place 0 is the first step of the forecast.

    The first is the mean change from cycle to cycle, smoothed over neighbouring steps. The second is the mean of the
    values, without its own mean and in its own deviations. Unknown values count as the mean of the others.
    """
    cycles = values.shape[1] // season

    def folded(values: np.ndarray) -> np.ndarray:
        return values[:, -(values.shape[1] // season) * season :].reshape(
            len(values), -1, season, values.shape[2]
        )

    def mean(values: np.ndarray, known: Known) -> np.ndarray:
        cells = folded(values)
        if known is None:
            return np.asarray(cells.sum(axis=1) / cells.shape[1])
        weight = folded(known[:, :, None].astype(np.float64))
        total = weight.sum(axis=(1, 2))
        overall = (cells * weight).sum(axis=(1, 2)) / np.maximum(total, 1)
        count = weight.sum(axis=1)
        by_phase = (cells * weight).sum(axis=1) / np.maximum(count, 1)
        return np.where(count > 0, by_phase, overall[:, None])

    pairs = None if known is None else known[:, season:] & known[:, :-season]
    change = mean(np.abs(values[:, season:] - values[:, :-season]), pairs)
    around = np.concatenate([change[:, -1:], change, change[:, :1]], axis=1)
    smooth = (around[:, :-2] + 2 * change + around[:, 2:]) / 4
    profile = mean(values[:, -cycles * season :], None if known is None else known[:, -cycles * season :])
    profile = profile - profile.mean(axis=1, keepdims=True)
    return smooth, profile / np.maximum(profile.std(axis=1, keepdims=True), LEAST_DIVISOR)
