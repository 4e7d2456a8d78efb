"""Fixtures of `small_steps`, and runs of small DataFrames."""

import signal
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from small_steps import panel, run, scored, trained

import lstm_cli as lstm

__all__ = ["panel", "run", "scored", "trained"]

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


@pytest.fixture(scope="session", params=FRAMES)
def framed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[lstm.Run, pd.DataFrame]:
    """Return a trained run and its DataFrame. Tests must not change them."""
    frame = FRAMES[request.param]
    path = tmp_path_factory.mktemp(request.param) / "run"
    made = lstm.prepare(frame, path, target="load", horizon=3, lookback=7, **SETTINGS[request.param])
    made.train(parts="linear", refit=False, threads=1)
    return made, frame


@pytest.fixture(autouse=True)
def signals_as_they_were() -> Iterator[None]:
    """Restore the signal handlers, because a command in this process installs its own."""
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)
