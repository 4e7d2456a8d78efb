"""Seasons and the lookback, found in the training rows and told with the reason."""

from collections.abc import Sequence

import numpy as np

from lstm_cli.data.chunks import RowSlices
from lstm_cli.data.dataset.windows import MAX_LOOKBACK

MAX_SERIES = 200  # about so many series of a panel are asked: they tell as much as thousands
MAX_PEAK_SERIES = 50  # about so many, where the lag has to be found
MAX_SEASON_ROWS = 1_000_000  # newest rows that a season is judged by: two years of minutes
MAX_LAG_ROWS = 100_000  # rows that the lag is looked for in, 250 times the longest lag
COLUMNS_PER_CONFIRMATION = 3  # a season is kept where at least one column in so many confirms it
ROUNDING = 1e-10  # a rest that is smaller beside the values than this is none


def autocorrelation(values: np.ndarray, lag: int) -> float:
    """Of one column [T] with NaN where not measured, a straight line taken out; NaN where it is undefined."""
    return _residual_autocorrelation(_detrend(values), lag, _mean_square(values))


def autocorrelations(values: np.ndarray, lags: int) -> np.ndarray:
    """The same at lags 1 to `lags` [lags], at once."""
    rest, power = _detrend(values), _mean_square(values)
    return np.array([_residual_autocorrelation(rest, lag, power) for lag in range(1, lags + 1)])


def _detrend(values: np.ndarray) -> np.ndarray:
    rows = np.arange(len(values))
    measured = ~np.isnan(values)
    if measured.sum() < 3:
        return np.full(len(values), np.nan)
    slope, level = np.polyfit(rows[measured], values[measured], 1)
    return values - (slope * rows + level)


def _mean_square(values: np.ndarray) -> float:
    """The mean square of what was measured, beside which a rest may be mere rounding."""
    measured = values[~np.isnan(values)]
    return float(np.mean(np.square(measured))) if len(measured) else 0.0


def _residual_autocorrelation(rest: np.ndarray, lag: int, power: float) -> float:
    """The autocorrelation of what is left [T] of values of that mean square, not centred; NaN: undefined."""
    measured = ~np.isnan(rest)
    if lag >= len(rest) or measured.sum() < 3:
        return float("nan")
    pairs = measured[lag:] & measured[:-lag]
    variance = np.mean(np.square(rest[measured]))
    if pairs.sum() < 3 or variance <= ROUNDING**2 * power:
        return float("nan")
    return float(np.mean(rest[lag:][pairs] * rest[:-lag][pairs]) / variance)


def _pair_correlation(rest: np.ndarray, lag: int) -> float:
    """Return the correlation of the pairs `lag` rows apart in what is left [T]: at most 1 (Cauchy-Schwarz).

    `_of_rest` divides by the variance of all rows instead. That estimate passes 1 where the pairs vary more than the
    rest does, which is as well for a decision by a limit, but is no correlation that a report can print.
    """
    later, earlier = rest[lag:], rest[:-lag]
    pairs = ~np.isnan(later) & ~np.isnan(earlier)
    later, earlier = later[pairs], earlier[pairs]
    norm = np.sqrt(np.sum(np.square(later))) * np.sqrt(np.sum(np.square(earlier)))
    return min(1.0, float(np.sum(later * earlier) / norm)) if norm > 0 else float("nan")


def subtract_moving_mean(values: np.ndarray, season: int) -> np.ndarray:
    """One column [T], at least two seasons long, less its centred mean over one season; NaN where undefined.

    A level that wanders goes, a season stays: the first step of classical decomposition (Macaulay 1931, "The
    smoothing of time series"). An even season counts each of its two ends by half. Where less than half of a
    window was measured there is no mean. Before the first mean and after the last one it goes on as a
    straight line, as steep as over the season beside.
    """
    measured = ~np.isnan(values)
    trend = np.full(len(values), np.nan)
    if not measured.any():
        return trend
    level = np.mean(values[measured])  # taken out, since sums of large numbers lose digits
    totals = []
    for cells in (np.where(measured, values - level, 0.0), measured.astype(np.float64)):
        sums = np.concatenate([[0.0], np.cumsum(cells)])
        window = sums[season:] - sums[:-season]
        totals.append(window if season % 2 else (window[1:] + window[:-1]) / 2)
    total, count = totals
    half = season // 2
    trend[half : half + len(total)] = np.where(count >= season / 2, total / np.maximum(count, 1), np.nan)
    known = np.flatnonzero(~np.isnan(trend))
    if not len(known):
        return trend
    _extend_trend(trend, known, season)
    _extend_trend(trend[::-1], len(trend) - 1 - known[::-1], season)
    return values - level - trend


def _extend_trend(trend: np.ndarray, known: np.ndarray, season: int) -> None:
    """Continues a trend [T] from its first known row to row 0, by a straight line through a season of it."""
    first = known[0]
    other = known[min(int(np.searchsorted(known, first + season)), len(known) - 1)]
    slope = (trend[other] - trend[first]) / max(other - first, 1)
    trend[:first] = trend[first] + slope * np.arange(-first, 0)


def confirm_seasons(candidates: tuple[int, ...], training: Sequence[RowSlices]) -> dict[int, float]:
    """Return the candidates that the training rows confirm, each with its correlation (`_of_pairs`).

    candidates: shortest first. training: for each series its target columns [T, C], NaN where not measured.
    A season P is kept where three of it fit into most series and at least a third of the columns confirm it
    (see `_judged`); returned is the median of their correlations. The M4 hourly series are a mixture: a season
    that a good part of a panel has is worth its place, and chance confirms one column in a hundred.
    """
    found: dict[int, float] = {}
    sample = [rows[-MAX_SEASON_ROWS:] for rows in training[:: max(1, len(training) // MAX_SERIES)]]
    for season in candidates:
        long = [rows for rows in sample if len(rows) >= 3 * season]
        if len(long) * 2 <= len(sample):
            continue
        columns = [rows[:, column] for rows in long for column in range(rows.shape[1])]
        shorter = max((one for one in found if one < season), default=None)
        judged = [_confirm_season(column, season, shorter) for column in columns]
        confirming = [value for value in judged if value is not None]
        if confirming and len(confirming) * COLUMNS_PER_CONFIRMATION >= len(columns):
            found[season] = float(np.median(confirming))
    return found


def _confirm_season(values: np.ndarray, season: int, shorter: int | None) -> float | None:
    """Return the correlation (`_of_pairs`) of one column [T] at a season P that it confirms, else None.

    Judged is what is left beside the moving mean over P. A random walk less that mean is a sum of its steps
    within P/2 on either side, so a season apart nothing is left to correlate: chance alone deviates from 0 by
    about sqrt(P / 6T). The mean of the autocorrelations at P and 2P is to stand above max(0.2, 2 / sqrt(T),
    sqrt((P + 2) / T)), which simulated random walks, noise and AR(1) pass once in a hundred at the most, and
    so far above the least of those at lags P/2 to P: what a moving mean leaves of a smooth trend has all
    of them alike.
    With a `shorter` season already there, P must also tell what that one does not (see `_adds`).
    """
    rows = int((~np.isnan(values)).sum())
    if rows < 2 * season:
        return None
    rest, power = subtract_moving_mean(values, season), _mean_square(values)
    at_season, at_second = (
        _residual_autocorrelation(rest, season, power),
        _residual_autocorrelation(rest, 2 * season, power),
    )
    if np.isnan(at_season):
        return None
    length = len(values)
    mean = at_season
    if not np.isnan(at_second):
        ones, twos = length - season, length - 2 * season  # pairs so far apart
        mean = (ones * at_season + twos * at_second) / (ones + twos)
    between = {season - max(1, season * part // 8) for part in (1, 2, 3, 4)} - {0}
    least = min((_residual_autocorrelation(rest, lag, power) for lag in between), default=0.0)
    limit = max(0.2, 2 / np.sqrt(rows), np.sqrt((season + 2) / rows))
    if not mean - max(0.0, least) > limit:
        return None
    if shorter is not None and not _partial_autocorrelation(rest, power, season, shorter) > np.sqrt(
        (season + 2) / rows
    ):
        return None
    return _pair_correlation(rest, season)


def _partial_autocorrelation(rest: np.ndarray, power: float, season: int, shorter: int) -> float:
    """The partial autocorrelation at a long season P, given the value one shorter season S ago.

    (r_P - r_S r_(P-S)) / sqrt((1 - r_S^2) (1 - r_(P-S)^2)): 0 for a daily cycle whose shape drifts from day to
    day, of which the last day tells all that the last week does, though the autocorrelation at a week is high.
    A daily cycle that stays and is seen through noise passes where the rows are many. That is meant: a
    linear forecast that looks back two such weeks instead of two days errs by 2.5 % less (two weeks of a drifting
    one: by 3 to 15 % more), while a weekly season that is overlooked costs 40 %.
    """
    long, short, apart = (
        _residual_autocorrelation(rest, lag, power) for lag in (season, shorter, season - shorter)
    )
    spread = (1 - short**2) * (1 - apart**2)
    if np.isnan(spread):
        return 0.0
    return (long - short * apart) / np.sqrt(spread) if spread > 1e-12 else 0.0


def find_season(training: Sequence[RowSlices]) -> dict[int, float]:
    """The season of data whose step names none: the highest peak of the autocorrelation at lags 4 to T/4.

    A peak is above max(0.2, 2 / sqrt(T)) and the highest within a quarter of its lag. Every multiple of a season
    peaks as high as the season, so the first that is lower than the highest by no more than chance, 2 / sqrt(T),
    is taken. The highest of so many lags is high by chance alone in one noise of three, so the peak is then to
    pass what a known season has to. Returns {} where there is none.
    """
    sample = [rows[-MAX_LAG_ROWS:] for rows in training[:: max(1, len(training) // MAX_PEAK_SERIES)]]
    rows_each = int(np.median([len(rows) for rows in sample]))
    columns = [rows[:, column] for rows in sample for column in range(rows.shape[1])]
    rests = [(_detrend(column), _mean_square(column)) for column in columns]
    lags = range(3, min(rows_each // 4, 400) + 2)
    known = {
        lag: _median([_residual_autocorrelation(rest, lag, power) for rest, power in rests]) for lag in lags
    }
    chance = 2 / np.sqrt(rows_each)
    peaks = {
        lag: known[lag]
        for lag in list(lags)[1:-1]
        if known[lag] > max(0.2, chance)
        and all(known[lag] >= known.get(lag + away, -1) for away in range(-(lag // 4), lag // 4 + 1))
    }
    first = next((lag for lag, value in peaks.items() if value >= max(peaks.values()) - chance), None)
    return {} if first is None else confirm_seasons((first,), training)


def _median(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.median(known)) if known else float("nan")


def automatic_lookback(*, rows: int, horizon: int, seasons: tuple[int, ...]) -> int:
    """The lookback [steps] that the data ask for. rows: training rows of a series (the median).

    Two of the longest season, more where the season is short; never so many that windows become few, and at most
    `MOST_LOOKBACK`, in whole seasons where one fits.
    """
    lookback = _unbounded_lookback(rows, horizon, seasons)
    if lookback <= MAX_LOOKBACK:
        return lookback
    return MAX_LOOKBACK - MAX_LOOKBACK % min(MAX_LOOKBACK, min(seasons, default=1))


def lookback_reason(*, rows: int, horizon: int, seasons: tuple[int, ...]) -> str:
    """Return what `automatic_lookback` went by."""
    of = (
        f"season{'s' if len(seasons) > 1 else ''} {' and '.join(map(str, seasons))}"
        if seasons
        else "no season"
    )
    rule = f"by rule from {of}, horizon {horizon} and {rows:,} training rows"
    wanted = _unbounded_lookback(rows, horizon, seasons)
    if wanted <= MAX_LOOKBACK:
        return rule
    bounded = automatic_lookback(rows=rows, horizon=horizon, seasons=seasons)
    why = f"{wanted:,} would take too much memory and time; --lookback overrides it"
    return f"{rule}, bounded to {bounded:,} steps: {why}"


def _unbounded_lookback(rows: int, horizon: int, seasons: tuple[int, ...]) -> int:
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
