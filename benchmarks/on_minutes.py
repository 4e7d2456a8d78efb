"""A year or two of minutes: that they train on the defaults, in what time and memory, and beat the naive forecasts."""

from pathlib import Path

import numpy as np

DAY, WEEK = 1_440, 10_080  # steps


def minutes(rows: int, *, seed: int = 0) -> np.ndarray:
    """A series [rows] with a daily and a weekly season, a level that drifts back, and noise.

    A day has a trough at night and two peaks; Saturdays and Sundays are lower and flatter. The drift is an AR(1)
    with a coefficient of .995 (half of it is gone after 2.3 hours) and a deviation of 2; that of the noise is 1.
    """
    drawn = np.random.default_rng(seed)
    at = np.arange(rows)
    phase = 2 * np.pi * (at % DAY) / DAY
    weekend = at % WEEK >= 5 * DAY
    day = -8 * np.cos(phase) - 4 * np.cos(2 * phase - 1)
    drift = _first_order(drawn.normal(size=rows), 0.995) * 2 * np.sqrt(1 - 0.995**2)
    return 60 + np.where(weekend, 0.5 * day - 6, day) + drift + drawn.normal(size=rows)


def _first_order(shocks: np.ndarray, coefficient: float) -> np.ndarray:
    """x_t = coefficient x_(t-1) + shock_t."""
    found = np.empty_like(shocks)
    value = 0.0
    for place, shock in enumerate(shocks.tolist()):
        value = coefficient * value + shock
        found[place] = value
    return found


def write_minutes(path: Path, values: np.ndarray, *, step: int = 1) -> None:
    """A CSV with a column of times, `step` minutes apart, from Monday, 1 January 2024."""
    times = np.datetime64("2024-01-01T00:00") + np.arange(len(values)) * np.timedelta64(step, "m")
    lines = (f"{time},{value:.3f}\n" for time, value in zip(times.astype(str), values.tolist(), strict=True))
    path.write_text("time,value\n" + "".join(lines))
