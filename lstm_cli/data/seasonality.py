"""Seasons and the lookback, found in the training rows and told with the reason."""

import numpy as np


def autocorrelation(values: np.ndarray, lag: int) -> float:
    """Of one column [T] with NaN where not measured, a straight line taken out; NaN where it is undefined."""
    rows = np.arange(len(values))
    measured = ~np.isnan(values)
    if lag >= len(values) or measured.sum() < 3:
        return float("nan")
    slope, level = np.polyfit(rows[measured], values[measured], 1)
    rest = values - (slope * rows + level)
    pairs = measured[lag:] & measured[:-lag]
    variance = np.mean(np.square(rest[measured]))
    if pairs.sum() < 3 or variance <= 1e-12 * max(1.0, float(np.mean(np.square(values[measured])))):
        return float("nan")
    return float(np.mean(rest[lag:][pairs] * rest[:-lag][pairs]) / variance)


def confirmed_seasons(candidates: tuple[int, ...], training: list[np.ndarray]) -> dict[int, float]:
    """The candidates that the training rows confirm, each with its autocorrelation.

    training: for each series its target columns [T, C], NaN where not measured. A season P is kept where three
    of it fit, its autocorrelation (the median over series and targets) is above max(0.2, 2 / sqrt(T)), and that
    of the steps from row to row stands 3 / sqrt(T) above 0 and above its least between P/2 and P: a random walk
    has the first at every lag, never the second, and that of a smooth trend only falls.
    """
    found: dict[int, float] = {}
    sample = training[:: max(1, len(training) // 200)]  # a few hundred series tell as much as thousands
    for season in candidates:
        long = [rows for rows in sample if len(rows) >= 3 * season]
        if len(long) * 2 <= len(sample):
            continue
        columns = [rows[:, column] for rows in long for column in range(rows.shape[1])]
        rows_each = float(np.median([len(rows) for rows in long]))
        at_season = _median(columns, season)
        steps = [np.diff(column) for column in columns]
        of_steps = _median(steps, season)
        between = {season - max(1, season * part // 8) for part in (1, 2, 3, 4)} - {0}
        least = max(0.0, min(_median(steps, lag) for lag in between)) if between else 0.0
        if at_season > max(0.2, 2 / np.sqrt(rows_each)) and of_steps - least > 3 / np.sqrt(rows_each):
            found[season] = at_season
    return found


def _median(columns: list[np.ndarray], lag: int) -> float:
    known = [value for column in columns if not np.isnan(value := autocorrelation(column, lag))]
    return float(np.median(known)) if known else float("nan")


def found_season(training: list[np.ndarray]) -> dict[int, float]:
    """The season of data whose step names none: the highest peak of the autocorrelation at lags 4 to T/4.

    A peak is above max(0.2, 2 / sqrt(T)) and the highest within a quarter of its lag. Every multiple of a season
    peaks as high as the season, so the first that is lower than the highest by no more than chance, 2 / sqrt(T),
    is taken. Returns {} where there is none.
    """
    rows_each = int(np.median([len(rows) for rows in training]))
    columns = [rows[:, column] for rows in training[:50] for column in range(rows.shape[1])]
    lags = range(3, min(rows_each // 4, 400) + 2)
    known = {lag: _median(columns, lag) for lag in lags}
    chance = 2 / np.sqrt(rows_each)
    peaks = {
        lag: known[lag]
        for lag in list(lags)[1:-1]
        if known[lag] > max(0.2, chance)
        and all(known[lag] >= known.get(lag + away, -1) for away in range(-(lag // 4), lag // 4 + 1))
    }
    return next(
        ({lag: value} for lag, value in peaks.items() if value >= max(peaks.values()) - chance),
        {},
    )


def automatic_lookback(*, rows: int, horizon: int, seasons: tuple[int, ...]) -> int:
    """The lookback [steps] that the data ask for. rows: training rows of a series (the median).

    Two of the longest season, more where the season is short; never so many that windows become few.
    """
    if seasons:
        shortest, longest = min(seasons), max(seasons)
        lookback = max(2 * longest, min(horizon, 336, rows // 6))
        if longest <= 14:
            lookback = max(lookback, min(8 * longest, rows // 8))
    else:
        shortest = 1
        lookback = max(8, 2 * horizon)
    lookback = min(lookback, max((rows - horizon) // 2, 2 * shortest, 4))
    lookback = max(lookback // shortest * shortest, 2 * shortest)
    return max(1, min(lookback, max(rows - 1, 1)))
