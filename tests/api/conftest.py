"""Fixtures of `small_steps`, and runs of small DataFrames."""

import signal
from collections.abc import Iterator

import pandas as pd
import pytest
from small_frames import FRAMES, SETTINGS
from small_steps import panel, run, scored, trained

import lstm_cli as lstm

__all__ = ["panel", "run", "scored", "trained"]


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
