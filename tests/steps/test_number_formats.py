"""Tests of the formats of numbers from `prepare` to `predict RUN NEW`, on the command line."""

import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from small_steps import LINEAR

from lstm_cli.cli.main import run as lstm
from lstm_cli.events import ignore_events
from lstm_cli.steps.train import train

ROWS = 90
LOAD = [round(1500 + 300 * (row % 7) + row + 0.25 * (row % 3), 2) for row in range(ROWS)]
DAYS = np.arange("2023-01-01", "2023-04-01", dtype="datetime64[D]").astype(str)[:ROWS]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for one, handler in before.items():
        signal.signal(one, handler)


def german(value: float) -> str:
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


FORMATS = {
    "plain": ("{:.2f}".format, ()),
    "german": (german, ("--decimal", ",", "--thousands", ".")),
    "english": ("{:,.2f}".format, ("--thousands", ",")),
    "dollars": ("${:,.2f}".format, ("--units",)),
    "kilo": (lambda value: f"{value / 1000:.5f}K", ("--units",)),
}


def write(path: Path, name: str) -> Path:
    shape, _ = FORMATS[name]
    rows = (f"{day};{shape(value)}\n" for day, value in zip(DAYS, LOAD, strict=True))
    path.write_text("date;y\n" + "".join(rows))
    return path


def forecast(run: Path, output: Path, *more: object) -> str:
    output.unlink(missing_ok=True)
    assert lstm(["predict", str(run), *map(str, more), "-o", str(output), "--quiet"]) == 0
    return output.read_text()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a run of each format."""
    folder = tmp_path_factory.mktemp("runs")
    for name, (_, flags) in FORMATS.items():
        data = write(folder / f"{name}.csv", name)
        options = ("--delimiter", ";", "--horizon", "3", "--quiet", *flags)
        assert lstm(["prepare", str(data), str(folder / name), *options]) == 0
        train(folder / name, LINEAR, ignore_events)
    return folder


@pytest.mark.parametrize("name", FORMATS)
def test_the_forecast_is_the_same_in_each_format_and_has_plain_numbers(runs, tmp_path, name):
    plain = forecast(runs / "plain", tmp_path / "forecast.csv")
    assert forecast(runs / name, tmp_path / "forecast.csv") == plain
    assert all(float(line.split(";")[1]) > 1000 for line in plain.splitlines()[1:])


@pytest.mark.parametrize("name", FORMATS)
def test_new_data_may_have_the_format_of_the_run_or_plain_numbers(runs, tmp_path, name):
    plain = forecast(runs / "plain", tmp_path / "forecast.csv", write(tmp_path / "new.csv", "plain"))
    for new in (name, "plain"):
        data = write(tmp_path / "new.csv", new)
        assert forecast(runs / name, tmp_path / "forecast.csv", data) == plain


def test_new_numbers_of_another_unit_are_refused(runs, tmp_path, capsys):
    (tmp_path / "euros.csv").write_text(
        write(tmp_path / "dollars.csv", "dollars").read_text().replace("$", "€")
    )
    assert lstm(["predict", str(runs / "dollars"), str(tmp_path / "euros.csv")]) == 3
    assert "but the training data have the unit '$'" in capsys.readouterr().err


def test_new_numbers_without_a_unit_and_of_another_size_need_one_option(runs, tmp_path, capsys):
    rows = (f"{day};{value / 1000:.5f}\n" for day, value in zip(DAYS, LOAD, strict=True))
    (tmp_path / "small.csv").write_text("date;y\n" + "".join(rows))
    new = ["predict", str(runs / "dollars"), str(tmp_path / "small.csv"), "-o", str(tmp_path / "f.csv")]
    assert lstm(new) == 3
    err = capsys.readouterr().err
    assert "has no unit, but the training data have the unit '$'" in err
    assert "use --units if the numbers are in '$'" in err
    assert lstm([*new, "--units"]) == 0


def test_new_numbers_without_a_unit_are_read_with_a_warning(runs, tmp_path, capsys):
    data = write(tmp_path / "new.csv", "english")
    output = ["-o", str(tmp_path / "f.csv")]
    assert lstm(["predict", str(runs / "dollars"), str(data), *output]) == 0
    assert "90 new numbers without a unit, such as '1,500.00', read in '$'" in capsys.readouterr().err


def test_flags_of_predict_describe_new_data_of_another_format(runs, tmp_path):
    plain = forecast(runs / "plain", tmp_path / "forecast.csv", write(tmp_path / "new.csv", "plain"))
    data = write(tmp_path / "new.csv", "german")
    flags = FORMATS["german"][1]
    for run in ("plain", "dollars"):
        assert forecast(runs / run, tmp_path / "forecast.csv", data, *flags) == plain


def test_check_names_a_sentinel_once_and_the_option_removes_it(tmp_path, capsys):
    values = [-200 if row % 6 == 3 else row % 9 / 2 + 0.5 for row in range(60)]
    rows = (f"{day},{value}\n" for day, value in zip(DAYS, values, strict=False))
    (tmp_path / "a.csv").write_text("date,y\n" + "".join(rows))
    assert lstm(["check", str(tmp_path / "a.csv"), "--target", "y"]) == 0
    out, _ = capsys.readouterr()
    assert out.count("-200 ") == 1 + out.count("--na-value=-200 ")
    assert "-200 is in 10 of 60 cells" in out
    assert "outlier" not in out
    assert lstm(["check", str(tmp_path / "a.csv"), "--target", "y", "--na-value=-200"]) == 0
    out, _ = capsys.readouterr()
    assert "10 missing values" in out
    assert "D313" not in out
