"""Tests of `--holidays`, from the file to the forecast."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_steps import LINEAR

from lstm_cli.cli.main import run as lstm
from lstm_cli.config import PrepareConfig
from lstm_cli.data.dataset.dataset import Schema
from lstm_cli.data.dataset.holiday_inputs import read_holidays
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.forecast.inputs import known_ahead_inputs
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

CONFIG = PrepareConfig(target=("y",), holidays=("DE", "DE-BY", "de"), horizon=7, lookback=14, test="0")


def write(path: Path, first: str = "2023-01-01", days: int = 357, step: str = "D") -> Path:
    rng = np.random.default_rng(0)
    times = np.datetime64(first) + np.arange(days) * np.timedelta64(1, step)
    # The holidays of these countries have an effect, so that they become inputs.
    known = {day for code in ("DE", "DE-BY") for day in read_holidays(code, 2000, 2040).days}
    days = times.astype("datetime64[D]").astype(int).tolist()
    numbers = [rng.normal() - 9 * (day in known) for day in days]
    path.write_text(
        "date,y\n" + "".join(f"{when},{number:.3f}\n" for when, number in zip(times, numbers, strict=True))
    )
    return path


@pytest.fixture(scope="module")
def known(tmp_path_factory) -> Path:
    """Return a run whose data end on 2023-12-23."""
    folder = tmp_path_factory.mktemp("holidays")
    prepare(str(write(folder / "a.csv")), folder / "run", CONFIG, ignore_events)
    train(folder / "run", LINEAR, ignore_events)
    return folder / "run"


def test_holidays_are_known_ahead_inputs(known):
    data = load_dataset(open_run(known))
    sides = ("", "_before", "_after")
    assert data.schema.derived == tuple(f"holiday_{code}{side}" for code in ("DE", "DE-BY") for side in sides)
    epiphany = data.inputs[np.datetime64("2023-01-06").astype(int) - np.datetime64("2023-01-01").astype(int)]
    assert epiphany[1:].tolist() == [0, 0, 0, 1, 0, 0]  # a holiday of Bavaria
    ahead = known_ahead_inputs(data, "a.csv", steps=7, filled=7)
    assert ahead.shape == (1, 7, 6)
    assert ahead[0, :, 0].tolist() == [0, 1, 1, 0, 0, 0, 0]  # from 24 December
    assert ahead[0, :, 1].tolist() == [1, 1, 0, 0, 0, 0, 0]


def test_the_schema_comes_back_from_its_json_with_ten_more_years(known):
    schema = load_dataset(open_run(known)).schema
    assert Schema.from_dict(schema.to_dict()) == schema
    assert [(dates.first_year, dates.last_year) for dates in schema.holidays] == [(2022, 2033)] * 2


def test_a_forecast_needs_no_package_in_the_stored_years(known, tmp_path, monkeypatch, capsys):
    later = write(tmp_path / "later.csv", first="2033-01-01")
    beyond = write(tmp_path / "beyond.csv", first="2033-10-01")
    monkeypatch.setattr("lstm_cli.config.extras.find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "holidays", None)
    assert lstm(["predict", str(known)]) == 0
    assert lstm(["predict", str(known), str(later)]) == 0
    capsys.readouterr()
    assert lstm(["predict", str(known), str(beyond)]) == 2
    assert "pip install" in capsys.readouterr().err


def test_inputs_that_do_not_vary_in_training_rows_are_left_out(tmp_path):
    source = write(tmp_path / "a.csv", first="2023-05-10", days=130)
    config = PrepareConfig(
        target=("y",), holidays=("JP", "DE"), horizon=7, val="2023-07-01", test="2023-08-01"
    )
    report = prepare(str(source), tmp_path / "run", config, ignore_events)
    assert report.holidays == ("holiday_DE", "holiday_DE_before", "holiday_DE_after")
    (finding,) = (finding for finding in report.findings if finding["rule"] == "D642")
    assert "holiday of 'JP'" in finding["text"]


@pytest.mark.parametrize("step", ["M", "W"])
def test_long_steps_have_no_holidays(tmp_path, step):
    first = "2010-01" if step == "M" else "2010-01-01"
    source = write(tmp_path / "a.csv", first=first, days=120, step=step)
    report = prepare(
        str(source), tmp_path / "run", PrepareConfig(target=("y",), holidays=("DE",)), ignore_events
    )
    assert report.holidays == ()
    assert "D642" in [finding["rule"] for finding in report.findings]


def test_an_unknown_country_is_a_usage_error(tmp_path, capsys):
    source = write(tmp_path / "a.csv")
    assert lstm(["prepare", str(source), str(tmp_path / "run"), "--holidays", "DE-XX"]) == 2
    assert "--holidays 'DE-XX'" in capsys.readouterr().err


def test_holidays_without_effect_are_left_out(tmp_path):
    config = replace(CONFIG, holidays=("DE", "US"))
    report = prepare(str(write(tmp_path / "a.csv")), tmp_path / "run", config, ignore_events)
    assert report.holidays == ("holiday_DE", "holiday_DE_before", "holiday_DE_after")
    (finding,) = (finding for finding in report.findings if finding["rule"] == "D643")
    assert "do not change at holidays of 'US'" in finding["text"]
