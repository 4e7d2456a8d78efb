"""Tests of small files of kinds that people have: what is read, or the hint of the command that works.

Each test has the name of its folder in `data`.
"""

import contextlib
import csv
import io
import json
import re
import shlex
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lstm_cli.cli.main import run

DATA = Path(__file__).parent / "data"
SHORT = "--horizon 2 --lookback 7 --season none --quiet"
TRAIN = "train RUN --effort fast --epochs 1 --quiet"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Result of one command line."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return stdout as JSON."""
        return json.loads(self.out)

    @property
    def hint(self) -> str:
        """Return the text of the hint."""
        (line,) = (line for line in self.err.splitlines() if line.startswith("hint: "))
        return line.removeprefix("hint: ")


Lstm = Callable[[str], Outcome]


@pytest.fixture
def lstm(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lstm:
    """Return a function that runs a command line in a copy of the folder of the case.

    The case is the name of the test without `test_`.
    """
    folder = tmp_path / "case"
    shutil.copytree(DATA / request.function.__name__.removeprefix("test_"), folder)
    monkeypatch.chdir(folder)
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def call(line: str) -> Outcome:
        out, err = io.TextIOWrapper(io.BytesIO(), write_through=True), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(shlex.split(line))
        for number, handler in signals.items():
            signal.signal(number, handler)
        return Outcome(code=code, out=out.buffer.getvalue().decode(), err=err.getvalue())

    return call


def rows_of(text: str) -> list[dict[str, str]]:
    """Return the rows of a forecast."""
    return list(csv.DictReader(io.StringIO(text)))


def hinted_flags(outcome: Outcome, pattern: str) -> str:
    """Return the part of the hint that matches a pattern: the flags to add."""
    match = re.search(pattern, outcome.hint)
    assert match is not None, outcome.err
    return match[0]


def column(report: dict, name: str) -> dict:
    """Return the facts of `check` about a column."""
    return next(item for item in report["columns"] if item["name"] == name)


def test_autumn_hour_told_twice(lstm: Lstm) -> None:
    refused = lstm("check data.csv --quiet")
    assert refused.code == 3
    assert "duplicate timestamp 2023-11-05 01:00" in refused.err
    assert "--tz" in refused.hint
    assert "--duplicates" in refused.hint
    report = lstm("check data.csv --json --tz America/New_York").json
    assert (report["holes"]["count"], report["doubles"]["count"], report["rows"]) == (0, 0, 58)
    means = lstm("check data.csv --json --duplicates mean")
    assert means.code == 0


def test_beyond_the_horizon(lstm: Lstm) -> None:
    for line in (f"prepare data.csv RUN {SHORT}", TRAIN):
        assert lstm(line).code == 0
    forecast = lstm("predict RUN --horizon 6")
    assert forecast.code == 0
    assert "warning[" in forecast.err
    assert [row["date"] for row in rows_of(forecast.out)] == [f"2023-03-0{day}" for day in range(1, 7)]


def test_dates_in_the_header(lstm: Lstm) -> None:
    refused = lstm("prepare data.csv RUN --series Country --horizon 2")
    assert refused.code == 3
    flags = hinted_flags(refused, r"--wide .*")
    report = lstm(f"prepare data.csv RUN --horizon 2 --json {flags}").json
    assert (report["series"], report["rows"]) == (3, 150)
    assert (report["time_start"][:10], report["time_end"][:10]) == ("2020-01-22", "2020-03-11")


def test_future_rows_in_their_own_file(lstm: Lstm) -> None:
    for line in (f"prepare train.csv RUN --future promo --target sales {SHORT}", TRAIN):
        assert lstm(line).code == 0
    forecast = lstm("predict RUN --future-data future.csv")
    assert forecast.code == 0, forecast.err
    assert [row["date"] for row in rows_of(forecast.out)] == ["2023-02-23", "2023-02-24"]


def test_intermittent_demand_forecast_near_zero(lstm: Lstm) -> None:
    checked = lstm("check sales.csv --target qty --horizon 7")
    assert checked.code == 0
    assert "62 % of the" in checked.out + checked.err
    assert "--loss mse" in checked.out + checked.err


def test_irregular_sensor_times(lstm: Lstm) -> None:
    refused = lstm("check data.csv --freq h --quiet")
    assert refused.code == 3
    assert "--resample" in refused.hint
    report = lstm(
        "prepare data.csv RUN --freq h --resample mean --horizon 1 --lookback 4 --season none --json"
    ).json
    values = {}
    for row in csv.DictReader(open("data.csv")):  # noqa: PTH123, SIM115
        values.setdefault(row["timestamp"][:13], []).append(float(row["value"]))
    means = [sum(hour) / len(hour) for hour in values.values()]
    assert report["freq"] == "h"
    assert report["rows"] in (len(means), len(means) - 1)  # an incomplete last hour is left out
    assert report["target_sum"] == pytest.approx(sum(means[: report["rows"]]))


def test_message_of_two_files(lstm: Lstm) -> None:
    refused = lstm("check a.csv b.csv")
    assert refused.code == 3
    assert "b.csv has other columns than a.csv: missing 'sales'" in refused.err
    assert "duplicate" not in refused.err
    assert "extra" not in refused.err


def test_minus_200_for_missing(lstm: Lstm) -> None:
    checked = lstm("check data.csv --target co --json")
    found = [finding for finding in checked.json["findings"] if "-200" in finding["text"]]
    assert len(found) == 1
    assert found[0]["count"] == 10
    assert "--na-value=-200" in found[0]["text"]
    report = lstm("check data.csv --target co --na-value=-200 --json").json
    assert column(report, "co")["missing"] == 10
    assert column(report, "co")["least"] > 0


def test_month_names_and_thousands(lstm: Lstm) -> None:
    report = lstm("prepare data.csv RUN --target Price --horizon 2 --json").json
    assert (report["time_start"][:10], report["time_end"][:10]) == ("2021-11-14", "2022-01-10")
    prices = [float(row["Price"].replace(",", "")) for row in csv.DictReader(open("data.csv"))]  # noqa: PTH123, SIM115
    assert report["target_sum"] == pytest.approx(sum(prices))


def test_new_series_at_predict(lstm: Lstm) -> None:
    for line in (f"prepare train.csv RUN --series shop --target sales {SHORT}", TRAIN):
        assert lstm(line).code == 0
    forecast = lstm("predict RUN new.csv")
    assert forecast.code == 0, forecast.err
    assert {row["shop"] for row in rows_of(forecast.out)} == {"NEW"}
    assert "NEW" in forecast.err
    assert "warning[" in forecast.err


def test_no_header(lstm: Lstm) -> None:
    refused = lstm("check data.csv --delimiter ' '")
    assert refused.code == 3
    assert "--no-header" in refused.hint or "--delimiter whitespace" in refused.hint
    refused = lstm("check data.csv --delimiter whitespace --quiet")
    assert refused.code == 3
    assert "--no-header" in refused.hint
    report = lstm("check data.csv --delimiter whitespace --no-header --target 3 --json").json
    assert report["rows"] == 56
    assert [item["name"] for item in report["columns"]] == ["1", "2", "3", "4"]


def test_other_quantiles(lstm: Lstm) -> None:
    for line in (f"prepare data.csv RUN {SHORT}", TRAIN):
        assert lstm(line).code == 0
    quantile, level = lstm("predict RUN --quantiles 0.9"), lstm("predict RUN --level 90")
    assert (quantile.code, level.code) == (0, 0), quantile.err + level.err
    assert list(rows_of(quantile.out)[0])[-1] == "sales_q90"
    assert list(rows_of(level.out)[0])[1:] == ["sales", "sales_lo90", "sales_hi90"]


def test_question_mark_for_missing(lstm: Lstm) -> None:
    refused = lstm("check data.csv --target power --quiet")
    assert refused.code == 3
    flags = hinted_flags(refused, r"--na-value '\?'")
    report = lstm(f"check data.csv --target power --json {flags}").json
    assert column(report, "power")["missing"] == 4


def test_series_told_by_two_columns(lstm: Lstm) -> None:
    report = lstm("prepare data.csv RUN --series store --series dept --target sales --horizon 2 --json").json
    assert report["series"] == 4
    refused = lstm("prepare data.csv OTHER --series store --target sales --horizon 2 --quiet")
    assert refused.code == 3
    assert "--series store --series dept" in refused.hint


def test_short_series_of_a_panel(lstm: Lstm) -> None:
    prepared = lstm("prepare data.csv RUN --series shop --target sales --horizon 3 --lookback 7 --pad")
    assert "'D'" in prepared.err
    assert lstm(TRAIN).code == 0
    forecast = lstm("predict RUN")
    assert forecast.code == 0
    assert {row["shop"] for row in rows_of(forecast.out)} == {"A", "D"}
    assert "'D'" in forecast.err


def test_trading_hours(lstm: Lstm) -> None:
    refused = lstm("check data.csv --quiet")
    assert refused.code == 3
    assert "--gaps skip" in refused.hint
    for line in ("prepare data.csv RUN --gaps skip --horizon 4 --lookback 13 --season none --quiet", TRAIN):
        assert lstm(line).code == 0
    times = [row["Datetime"] for row in rows_of(lstm("predict RUN").out)]
    assert all("09:30" <= time[11:16] <= "15:30" for time in times)


def test_words_as_covariate(lstm: Lstm) -> None:
    prepared = lstm("prepare data.csv RUN --target sales --past weather --horizon 2")
    assert prepared.code == 0, prepared.err


def test_year_month_day_hour_columns(lstm: Lstm) -> None:
    line = "check data.csv --target pm --json"
    named = lstm(f"{line} --time year --time month --time day --time hour").json
    assert (named["freq"], named["time"]["start"][:10]) == ("h", "2023-03-01")
    found = lstm(line).json
    assert (found["freq"], found["time"]) == ("h", named["time"])
    assert any("--time" in finding["text"] for finding in found["findings"])


def test_zero_counts_coverage(lstm: Lstm) -> None:
    for line in (f"prepare sales.csv RUN {SHORT}", TRAIN):
        assert lstm(line).code == 0
    coverage = lstm("evaluate RUN --json").json["coverage"]
    assert coverage["80"] > 60
