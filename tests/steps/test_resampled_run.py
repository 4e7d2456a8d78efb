"""Runs of irregular times: --resample in `check`, `prepare` and `predict RUN NEW`."""

import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_steps import LINEAR

from lstm_cli.cli.main import run as lstm
from lstm_cli.events import ignore_events
from lstm_cli.steps.train import train

RNG = np.random.default_rng(4)
TIMES = pd.Timestamp("2023-03-01") + pd.to_timedelta(np.cumsum(RNG.choice([8, 10, 19], 900)), unit="min")
LOADS = 100 + 20 * np.sin(TIMES.hour / 24 * 2 * np.pi) + RNG.normal(size=900)
RESAMPLE = ("--freq", "h", "--resample", "mean", "--horizon", "3", "--lookback", "24")


def write(path: Path, times: pd.DatetimeIndex, loads: Sequence[float]) -> str:
    pd.DataFrame({"date": times, "load": loads}).to_csv(path, index=False)
    return str(path)


def rows(forecast: str) -> pd.DataFrame:
    return pd.read_csv(StringIO(forecast), index_col="date")


@pytest.fixture(scope="module")
def irregular(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a trained run of hourly means; its data is irregular.csv in the parent folder."""
    folder = tmp_path_factory.mktemp("irregular")
    source = write(folder / "irregular.csv", TIMES, LOADS)
    assert lstm(["prepare", source, str(folder / "run"), *RESAMPLE]) == 0
    train(folder / "run", LINEAR, ignore_events)
    return folder / "run"


def test_prepare_stores_the_buckets_of_pandas(irregular: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = irregular.parent / "irregular.csv"
    assert lstm(["prepare", str(source), str(irregular.parent / "again"), *RESAMPLE, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    means = pd.Series(LOADS, index=TIMES).resample("h").mean()
    left_out = ["the first bucket" in text for text in report["warnings"] if "incomplete" in text]
    means = means[sum(left_out) : len(means) - left_out.count(False)]
    assert report["rows"] == len(means)
    assert report["target_sum"] == pytest.approx(means.sum())
    assert report["freq"] == "h"
    assert report["time_end"] == means.index[-1].isoformat()


def test_check_reports_the_buckets(irregular: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lstm(["check", str(irregular.parent / "irregular.csv"), *RESAMPLE, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["holes"]["count"], report["doubles"]["count"]) == (0, 0)
    assert report["freq"] == "h"
    assert "D533" in [finding["rule"] for finding in report["findings"]]


def test_new_data_are_resampled_as_the_run(irregular: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lstm(["predict", str(irregular)]) == 0
    own = rows(capsys.readouterr().out)
    new = write(irregular.parent / "new.csv", TIMES[450:], LOADS[450:])
    assert lstm(["predict", str(irregular), new]) == 0
    printed = capsys.readouterr()
    found = rows(printed.out)
    assert found.index.tolist() == own.index.tolist()
    np.testing.assert_allclose(found, own, rtol=1e-4)  # the first bucket of the new data has fewer rows
    assert "warning[D533]: " in printed.err
    assert "(--freq h --resample mean)" in printed.err


@pytest.mark.parametrize("verb", ["check", "prepare", "predict"])
def test_resample_needs_pandas(
    irregular: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.setattr("lstm_cli.config.extras.find_spec", lambda name: None)
    source = str(irregular.parent / "irregular.csv")
    arguments = {
        "check": ["check", source, *RESAMPLE],
        "prepare": ["prepare", source, str(irregular.parent / "none"), *RESAMPLE],
        "predict": ["predict", str(irregular), source],
    }
    assert lstm(arguments[verb]) == 2
    error = capsys.readouterr().err
    assert "error: --resample needs pandas, which is not installed\nhint: pip install 'pandas" in error
    assert not (irregular.parent / "none").exists()


def test_resample_needs_a_step(irregular: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lstm(["check", str(irregular.parent / "irregular.csv"), "--resample", "mean"]) == 2
    assert "hint: add the step, such as --freq h" in capsys.readouterr().err
