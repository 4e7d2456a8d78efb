"""Features of a window that say how far its forecast may be off, and on which side; with NumPy only.

All features are computed from the window and its forecast. So they exist for new data and new series, too.
"""

import numpy as np

from lstm_cli.evaluation.baselines import naive, seasonal_naive

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
    values, known = past.astype(np.float64), mask > 0
    lookback = values.shape[1]
    forecast = forecast_scaled[:, steps].astype(np.float64)
    shape = forecast.shape

    def of_steps(values: np.ndarray) -> np.ndarray:
        return np.broadcast_to(values[None, :, None], shape)

    def of_windows(values: np.ndarray) -> np.ndarray:
        return np.broadcast_to(values[:, None], shape)

    def deviations(values: np.ndarray, unit: np.ndarray) -> np.ndarray:
        return np.clip(values / np.maximum(unit, LEAST_DIVISOR), -LIMIT, LIMIT)

    position = (np.minimum(steps, horizon - 1) + 0.5) / horizon
    cycle = season if season > 1 else STEPS_WITHOUT_SEASON
    lag = season if season < lookback else 1
    center, deviation = _moments(values, known)
    recent, _ = _moments(values[:, -cycle:], known[:, -cycle:])
    baseline = _baseline(values, mask, int(steps[-1]) + 1, season)[:, steps]
    features = [
        of_steps(2 * position - 1),
        of_steps(np.exp(-8 * (position - 0.5 / horizon))),
        of_windows(np.log(spread)),
        *(of_windows(_log_ratio(_change(values, known, lag, last), spread)) for last in (cycle, 4 * cycle)),
        of_windows(_log_ratio(deviation, spread)),
        deviations(forecast - center[:, None], deviation[:, None]),
        deviations(forecast - baseline, spread[:, None]),
        of_windows(deviations(recent - center, deviation)),
    ]
    if _has_cycles(lookback, season):
        phase = steps % season
        change, profile = _cycle_profiles(values, known, season)
        features += [_log_ratio(change[:, phase], spread[:, None]), profile[:, phase]]
    return np.stack(features, axis=-1).astype(np.float32)


def _has_cycles(lookback: int, season: int) -> bool:
    return season > 1 and lookback >= MIN_CYCLES * season


def _log_ratio(change: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(change / spread + LEAST_CHANGE))


def _moments(values: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the deviation [N, C] of the known values [N, L, C]."""
    weight = known[:, :, None] / np.maximum(known.sum(axis=1), 1)[:, None, None]
    center = (weight * values).sum(axis=1)
    return center, np.sqrt((weight * np.square(values - center[:, None])).sum(axis=1))


def _change(values: np.ndarray, known: np.ndarray, lag: int, last: int) -> np.ndarray:
    """Return the mean |v_t - v_(t-lag)| [N, C] over the last steps of a window; 0 without two known values."""
    if values.shape[1] <= lag:
        return np.zeros(values[:, 0].shape)
    last = min(last, values.shape[1] - lag)
    pairs = (known[:, lag:] & known[:, :-lag])[:, -last:, None]
    change = np.abs(values[:, lag:] - values[:, :-lag])[:, -last:]
    return np.asarray((change * pairs).sum(axis=1) / np.maximum(pairs.sum(axis=1), 1))


def _baseline(values: np.ndarray, mask: np.ndarray, steps: int, season: int) -> np.ndarray:
    """Return the seasonal naive forecast [N, steps, C]; the naive one if the season is longer than the window."""
    targets = values.shape[2]
    if season <= values.shape[1]:
        return seasonal_naive(values, mask, steps, targets, season)
    return naive(values, steps, targets)


def _cycle_profiles(values: np.ndarray, known: np.ndarray, season: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two profiles [N, season, C] over a cycle; place 0 is the first step of the forecast.

    The first is the mean change from cycle to cycle, smoothed over neighbouring steps. The second is the mean of the
    values, without its own mean and in its own deviations. Unknown values count as the mean of the others.
    """
    cycles = values.shape[1] // season

    def folded(values: np.ndarray) -> np.ndarray:
        return values[:, -(values.shape[1] // season) * season :].reshape(
            len(values), -1, season, values.shape[2]
        )

    def mean(values: np.ndarray, known: np.ndarray) -> np.ndarray:
        cells, weight = folded(values), folded(known[:, :, None].astype(np.float64))
        total = weight.sum(axis=(1, 2))
        overall = (cells * weight).sum(axis=(1, 2)) / np.maximum(total, 1)
        count = weight.sum(axis=1)
        by_phase = (cells * weight).sum(axis=1) / np.maximum(count, 1)
        return np.where(count > 0, by_phase, overall[:, None])

    change = mean(np.abs(values[:, season:] - values[:, :-season]), known[:, season:] & known[:, :-season])
    smooth = (np.roll(change, 1, axis=1) + 2 * change + np.roll(change, -1, axis=1)) / 4
    profile = mean(values[:, -cycles * season :], known[:, -cycles * season :])
    profile = profile - profile.mean(axis=1, keepdims=True)
    return smooth, profile / np.maximum(profile.std(axis=1, keepdims=True), LEAST_DIVISOR)
