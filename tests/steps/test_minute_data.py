"""Tests of minute data: `check`, `prepare` and `train` use one bounded lookback by default."""

from pathlib import Path

import numpy as np
import pytest

from lstm_cli.config import PrepareConfig, TrainConfig
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.check import check
from lstm_cli.steps.dry_run import plan_train
from lstm_cli.steps.prepare import prepare

DAY, WEEK, ROWS = 1_440, 10_080, 46_000
CONFIG = PrepareConfig(horizon=60)


@pytest.fixture(scope="module")
def minutes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Write a month of minutes with a daily and a weekly season."""
    at = np.arange(ROWS)
    noise = np.random.default_rng(0).normal(size=ROWS)
    values = np.sin(2 * np.pi * at / DAY) * np.where(at % WEEK < 5 * DAY, 8, 3) + noise
    times = (np.datetime64("2024-01-01T00:00") + at * np.timedelta64(1, "m")).astype(str)
    path = tmp_path_factory.mktemp("minutes") / "a.csv"
    path.write_text(
        "time,y\n" + "".join(f"{time},{value:.3f}\n" for time, value in zip(times, values, strict=True))
    )
    return str(path)


def test_check_prepare_and_train_agree(minutes: str, tmp_path: Path) -> None:
    looked = check(minutes, CONFIG, ignore_events)
    prepared = prepare(minutes, tmp_path / "run", CONFIG, ignore_events)
    assert prepared.seasons == looked.seasons == (DAY, WEEK)
    assert prepared.lookback == looked.lookback == DAY
    assert "limited to 1,440 steps, because " in prepared.lookback_reason
    assert "use --lookback to override" in prepared.lookback_reason
    planned = plan_train(tmp_path / "run", TrainConfig(), force=False)
    assert planned.memory is not None
    assert looked.expected is not None
    assert planned.memory["need"] is not None
    assert looked.expected["memory_mb"] == round(planned.memory["need"] / 1e6)
    assert planned.memory["need"] < 2e9
    with open_run(tmp_path / "run") as run:
        assert run.report("prepare")["lookback"] == DAY


def test_a_lookback_that_was_given_is_taken(minutes: str, tmp_path: Path) -> None:
    given = PrepareConfig(horizon=60, lookback=4_000)
    prepared = prepare(minutes, tmp_path / "run", given, ignore_events)
    assert (prepared.lookback, prepared.lookback_reason) == (4_000, "given")
