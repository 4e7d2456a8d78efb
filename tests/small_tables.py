"""Small tables as the reader returns them."""

import numpy as np
import pandas as pd

from lstm_cli.data.reading.table import Table
from lstm_cli.data.times.formats import TimeFormat

LOCAL = TimeFormat()


def micros(times) -> np.ndarray:
    return pd.DatetimeIndex(times).to_numpy().astype("datetime64[us]").astype(np.int64)


def table(
    times, values, *, series=None, targets=("load",), past=(), future=(), lines=None, time_format=LOCAL
) -> Table:
    """A table as read; `times` None: no time column; `series`: the name of each row's series."""
    values = np.array(values, dtype=np.float64)
    values = values.reshape(len(values), -1)
    names = tuple(dict.fromkeys(series)) if series is not None else ("",)
    return Table(
        source="a.csv",
        columns=(*targets, *past, *future),
        targets=tuple(targets),
        past=tuple(past),
        future=tuple(future),
        time_columns=("date",) if times is not None else (),
        times=micros(times) if times is not None else np.arange(len(values)),
        time_format=time_format,
        series_columns=("id",) if series is not None else (),
        series=np.array([names.index(item) for item in series or [""] * len(values)], dtype=np.int32),
        series_names=names,
        values=values,
        lines=np.array(lines) if lines is not None else np.arange(len(values)) + 2,
        findings=(),
        delimiter=",",
        sentinels=((),) * values.shape[1],
    )  # fmt: skip


def hourly(count: int, start: str = "2020-01-01") -> pd.DatetimeIndex:
    return pd.date_range(start, freq="h", periods=count, unit="us")
