"""Small DataFrames with days, whole numbers and local hours as times."""

import numpy as np
import pandas as pd

ROWS = 80


def daily_frame(times: pd.Index) -> pd.DataFrame:
    """Return a target with a season of seven rows, at these times."""
    rows = np.arange(len(times))
    noise = np.random.default_rng(0).normal(0, 0.1, len(times))
    return pd.DataFrame({"time": times, "load": 20 + 5 * np.sin(rows * 2 * np.pi / 7) + noise})


def zoned_times() -> pd.DatetimeIndex:
    """Return hours in Berlin; each has its UTC offset as text."""
    return pd.date_range("2024-03-29", periods=ROWS, freq="h", tz="Europe/Berlin")


FRAMES = {
    "days": daily_frame(pd.date_range("2024-01-01", periods=ROWS)),
    "integers": daily_frame(pd.Index(range(100, 100 + ROWS))),
    "zone": daily_frame(zoned_times()),
}
SETTINGS = {"days": {}, "integers": {"time": "time", "time_format": "int"}, "zone": {}}
