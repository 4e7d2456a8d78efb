"""Tests of `run.predict`: the DataFrame equals the CSV file of `lstm predict`."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_frames import FRAMES

import lstm_cli as lstm
from lstm_cli.cli.main import run as command


def csv_of(run: lstm.Run, new: Path | None, tmp_path: Path, *flags: str) -> pd.DataFrame:
    """Return the CSV file of `lstm predict`; numbers are exact, other cells are text."""
    output = tmp_path / "forecast.csv"
    given = [] if new is None else [str(new)]
    assert command(["predict", str(run.path), *given, "-o", str(output), *flags]) == 0
    text = pd.read_csv(output, dtype=str, keep_default_na=False)
    numbers = [name for name in text.columns if name.startswith(("load", "sales"))]
    return text.assign(**{name: text[name].astype(float) for name in numbers})


def require_equal(frame: pd.DataFrame, csv: pd.DataFrame) -> None:
    assert list(frame.columns) == list(csv.columns)
    for name in frame.columns:
        column = frame[name]
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            expected = pd.to_datetime(csv[name], utc=True)
        elif column.dtype.kind == "M":
            expected = pd.to_datetime(csv[name])
        elif column.dtype.kind == "i":
            expected = csv[name].astype(int)
        else:
            expected = csv[name]
        assert column.tolist() == expected.tolist(), name


@pytest.mark.filterwarnings("ignore:M103")  # steps beyond the trained horizon
@pytest.mark.parametrize(
    ("settings", "flags"),
    [
        ({}, ()),
        ({"quantiles": [0.1, 0.5], "level": 90}, ("--quantiles", "0.1,0.5", "--level", "90")),
        ({"horizon": 5}, ("--horizon", "5")),
        ({"intervals": False}, ("--no-intervals",)),
    ],
)
def test_a_forecast_equals_the_csv_file(
    framed: tuple[lstm.Run, pd.DataFrame], settings: dict[str, Any], flags: tuple[str, ...], tmp_path: Path
) -> None:
    run, frame = framed
    file = tmp_path / "new.csv"
    frame.iloc[:-2].to_csv(file, index=False)
    require_equal(run.predict(frame.iloc[:-2], **settings), csv_of(run, file, tmp_path, *flags))


def test_times_are_typed(framed: tuple[lstm.Run, pd.DataFrame]) -> None:
    run, frame = framed
    times, given = run.predict()["time"], frame["time"]
    assert times.dtype.kind == given.dtype.kind
    is_zoned = isinstance(given.dtype, pd.DatetimeTZDtype)
    assert str(getattr(times.dtype, "tz", None)) == ("UTC" if is_zoned else "None")
    steps = given.iloc[1] - given.iloc[0]
    assert times.tolist() == [given.iloc[-1] + steps * step for step in (1, 2, 3)]


def test_times_have_the_zone_of_the_setting(tmp_path: Path) -> None:
    frame = FRAMES["zone"].assign(time=lambda frame: frame["time"].dt.tz_localize(None))
    run = lstm.prepare(frame, tmp_path / "run", target="load", horizon=3, lookback=7, tz="Europe/Berlin")
    run.train(parts="linear", refit=False, threads=1)
    times = run.predict()["time"]
    assert str(times.dt.tz) == "Europe/Berlin"
    assert times.iloc[0] == FRAMES["zone"]["time"].iloc[-1] + pd.Timedelta(hours=1)


def test_times_as_an_index_and_as_a_column_are_the_same(framed: tuple[lstm.Run, pd.DataFrame]) -> None:
    run, frame = framed
    by_index = run.predict(frame.set_index("time"))
    pd.testing.assert_frame_equal(by_index, run.predict(frame))


@pytest.mark.parametrize("flags", [(), ("--samples", "2", "--seed", "3")])
def test_a_forecast_of_a_panel_equals_the_csv_file(
    trained: Path, panel: Path, flags: tuple[str, ...], tmp_path: Path
) -> None:
    run = lstm.open_run(trained)
    settings: dict[str, Any] = {"samples": 2, "seed": 3} if flags else {}
    expected = csv_of(run, panel, tmp_path, *flags)
    frame = pd.read_csv(panel, parse_dates=["day"])
    for given in (frame, frame.set_index(["shop", "day"]), str(panel), panel):
        require_equal(run.predict(given, **settings), expected)
    require_equal(run.predict(**settings), csv_of(run, None, tmp_path, *flags))


def test_future_data_can_be_a_frame(trained: Path, panel: Path) -> None:
    frame = pd.read_csv(panel)
    ahead = frame["sales"].isna()
    forecast = lstm.open_run(trained).predict(
        frame[~ahead], future_data=frame.loc[ahead, ["day", "shop", "promo"]]
    )
    pd.testing.assert_frame_equal(forecast, lstm.open_run(trained).predict(frame))
    with pytest.raises(lstm.DataError, match="future_data"):
        lstm.open_run(trained).predict(frame[~ahead], future_data=frame.loc[ahead, ["day", "shop"]])


def test_a_name_that_a_spreadsheet_would_run_is_the_same_in_and_out(trained: Path, panel: Path) -> None:
    frame = pd.read_csv(panel).replace({"shop": {"A": "=1+1"}})
    with pytest.warns(lstm.DataWarning, match="=1") as caught:  # it is a new series
        forecast = lstm.open_run(trained).predict(frame)
    assert set(forecast["shop"]) == {"=1+1", "B"}
    assert {type(item.message.finding.source) for item in caught} == {str}  # not the bytes of the frame


def test_the_report_is_an_attribute(trained: Path) -> None:
    forecast = lstm.open_run(trained).predict(only="B")
    report = forecast.attrs["lstm"]
    assert (report["series"], report["rows"], len(forecast)) == (1, 7, 7)
    assert np.isfinite(forecast["sales"]).all()


def test_rows_that_do_not_fit_are_refused_with_the_row_of_the_frame(trained: Path, panel: Path) -> None:
    run = lstm.open_run(trained)
    frame = pd.read_csv(panel)
    with pytest.raises(lstm.DataError, match=r"column 'price'.* not found in DataFrame") as caught:
        run.predict(frame.drop(columns="price"))
    assert caught.value.exit_code == 3
    frame["price"] = frame["price"].astype(object)
    frame.loc[4, "price"] = "cheap"
    with pytest.raises(lstm.DataError, match="DataFrame, row 5, column 'price'") as caught:
        run.predict(frame)
    assert "hint: use `na_value='cheap'`" in str(caught.value)
    with pytest.raises(lstm.UsageError, match="predict reads one file"):
        run.predict([str(panel), str(panel)])
