"""Tests of series that ended early: `check` and `prepare` name them, and `predict` skips them by default."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from small_steps import LINEAR

from lstm_cli.cli.main import run as lstm
from lstm_cli.config import PredictConfig, PrepareConfig
from lstm_cli.errors import DataError, UsageError
from lstm_cli.events import WarningRaised, ignore_events
from lstm_cli.steps.check import check
from lstm_cli.steps.predict import PredictReport, predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

CONFIG = PrepareConfig(
    target=("sales",), future=("promo",), series=("shop",), horizon=7, lookback=14, val="14", test="14"
)
FIRST = np.datetime64("2024-01-01")
# Shop: its last day with sales, counted from 0. The horizon is 7: day 112 is just not too early, day 111 is.
LAST = {"north": 119, "south": 112, "east": 111, "west": 60}


def write(path: Path, last: dict[str, int] = LAST) -> str:
    """Write shops from day 0. An open shop has seven more rows with promotions, and an ended shop has none."""
    lines = ["day,shop,sales,promo"]
    for number, (name, end) in enumerate(last.items()):
        noise = np.random.default_rng(number).normal(size=200)
        for day in range(end + 1 + (7 if end >= max(last.values()) - 7 else 0)):
            sales = (
                f"{10 + number + 3 * np.sin(day * 2 * np.pi / 7) + noise[day] / 9:.4f}" if day <= end else ""
            )
            lines.append(f"{FIRST + day},{name},{sales},{int(day % 5 == 0)}")
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of the four shops. Its data is panel.csv in the parent folder."""
    folder = tmp_path_factory.mktemp("ended")
    prepare(write(folder / "panel.csv"), folder / "run", CONFIG, ignore_events)
    train(folder / "run", LINEAR, ignore_events)
    return folder / "run"


@pytest.fixture
def forecast(made: Path, tmp_path: Path) -> Callable[..., tuple[PredictReport, dict[str, list[str]]]]:
    def of(new: str | None = None, **options: str) -> tuple[PredictReport, dict[str, list[str]]]:
        output = tmp_path / "forecast.csv"
        report = predict(made, new, PredictConfig(output=str(output), threads=1, **options), ignore_events)  # type: ignore[arg-type]
        with output.open(newline="") as file:
            days: dict[str, list[str]] = {}
            for row in csv.DictReader(file):
                days.setdefault(row["shop"], []).append(row["day"])
        return report, days

    return of


def test_a_series_that_is_left_out_counts_as_the_newest(
    forecast: Callable[..., tuple[PredictReport, dict[str, list[str]]]], tmp_path: Path
) -> None:
    header, *rows = Path(write(tmp_path / "all.csv")).read_text().splitlines()
    kept = [row for row in rows if ",east," in row or (",north," in row and row >= str(FIRST + 108))]
    new = tmp_path / "new.csv"
    new.write_text("\n".join([header, *kept]) + "\n")  # north has too few rows for a forecast
    report, result = forecast(str(new))
    assert (list(result), report.ended, report.baseline_series) == (["north"], ("east",), ("north",))
    with pytest.raises(DataError, match="ended more than 7 steps"):
        forecast(str(new), ended="refuse")
    with pytest.raises(
        DataError, match="promo"
    ):  # with include, the covariate is needed, and a closed shop has none
        forecast(str(new), ended="include")


def test_prepare_remembers_the_newest_row_of_a_series_that_it_leaves_out(tmp_path: Path) -> None:
    data = write(tmp_path / "panel.csv", {"north": 126, "east": 120})
    with Path(data).open("a") as file:
        file.writelines(f"{FIRST + day},late,5,0\n" for day in range(110, 133))
    prepared = prepare(data, tmp_path / "run", CONFIG, ignore_events)
    assert (prepared.series, prepared.ended) == (2, ("east",))  # 6 days before north, 12 before the late one


def days(first: int) -> list[str]:
    return [str(FIRST + first + step) for step in range(7)]


def test_check_and_prepare_name_them(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv")
    warnings: list[str] = []
    prepared = prepare(
        source,
        tmp_path / "run",
        CONFIG,
        lambda event: warnings.append(event.finding.text) if isinstance(event, WarningRaised) else None,
    )
    warning = (
        f"{source}: 2 of 4 series ended more than 7 steps (the horizon) before the newest measured row (2024-04-29): "
        "'east', 'west' (lstm predict skips them; --ended include forecasts them)"
    )
    assert warning in prepared.warnings
    assert warning in warnings
    assert prepared.ended == ("east", "west")
    checked = check(source, CONFIG, ignore_events).to_json()
    assert checked["ended"] == ["east", "west"]
    (finding,) = [item for item in checked["findings"] if item["text"] == warning]
    assert (finding["severity"], finding["count"], finding["flags"]) == ("warning", 2, ["--ended"])


def test_series_that_end_together_are_not_mentioned(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", {"north": 119, "south": 112})
    assert prepare(source, tmp_path / "run", CONFIG, ignore_events).warnings == ()
    assert check(source, CONFIG, ignore_events).ended == ()


def test_by_default_they_are_left_out_and_named(forecast) -> None:
    report, result = forecast()
    assert result == {"north": days(120), "south": days(113)}
    assert (report.series, report.rows, report.ended) == (2, 14, ("east", "west"))
    (warning,) = report.warnings
    assert "2 of 4 series ended" in warning
    assert warning.endswith("'east', 'west'. They are left out (--ended include forecasts them)")


def test_what_is_left_is_forecast_as_with_all(made: Path, tmp_path: Path) -> None:
    """Scaling is separate for each series, so two shops have equal forecasts alone and among four."""
    panel = made.parent / "panel.csv"
    promo = [
        f"{FIRST + day},{shop},,1"
        for shop, end in LAST.items()
        if end < 112
        for day in range(end + 1, end + 8)
    ]
    (tmp_path / "all.csv").write_text(panel.read_text() + "\n".join(promo) + "\n")
    written = []
    for ended in ("skip", "include"):
        output = tmp_path / f"{ended}.csv"
        predict(
            made,
            str(tmp_path / "all.csv"),
            PredictConfig(output=str(output), ended=ended, threads=1),
            ignore_events,
        )
        written.append(output.read_text().splitlines())
    skipped, included = written
    assert (len(skipped), len(included)) == (1 + 14, 1 + 28)
    kept = [line for line in included if not line.startswith(("east,", "west,"))]
    assert [line.split(",")[:2] for line in kept] == [line.split(",")[:2] for line in skipped]
    numbers = [
        np.array([line.split(",")[2:] for line in lines[1:]], dtype=float) for lines in (skipped, kept)
    ]
    np.testing.assert_allclose(*numbers, rtol=1e-5)


def test_included_ones_need_what_every_forecast_needs(forecast) -> None:
    with pytest.raises(DataError, match="missing value of future covariate 'promo' of series 'east'"):
        forecast(ended="include")


def test_of_new_data_the_newest_row_there_counts(forecast, tmp_path: Path) -> None:
    new = write(tmp_path / "new.csv", {"north": 70, "south": 70, "west": 60})
    report, result = forecast(new)
    assert result == {"north": days(71), "south": days(71)}
    assert report.ended == ("west",)
    assert report.warnings[-1].startswith(f"{new}: 1 of 3 series ended")
    report, result = forecast(write(tmp_path / "old.csv", {"west": 60}))
    assert (report.ended, result) == ((), {"west": days(61)})


@pytest.mark.parametrize("new", [False, True])
def test_refused_ones_are_exit_3(new: bool, made: Path, tmp_path: Path, capsys) -> None:
    source = [write(tmp_path / "new.csv")] if new else []
    output = tmp_path / "forecast.csv"
    code = lstm(["predict", str(made), *source, "--ended", "refuse", "-o", str(output)])
    err = capsys.readouterr().err
    assert code == 3
    assert not output.exists()
    assert "error[D624]: " in err
    assert "2 of 4 series ended" in err
    assert "hint: use --ended skip" in err


def test_the_setting_comes_from_everywhere(made: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    output = str(tmp_path / "forecast.csv")
    (tmp_path / "lstm.toml").write_text('[predict]\nended = "refuse"\n')
    in_file = ["--config", str(tmp_path / "lstm.toml")]
    assert lstm(["predict", str(made), "-o", output, *in_file]) == 3
    assert lstm(["predict", str(made), "-o", output, *in_file, "--ended", "skip", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ended"] == ["east", "west"]
    monkeypatch.setenv("LSTM_PREDICT_ENDED", "refuse")
    assert lstm(["predict", str(made), "-o", output]) == 3
    with pytest.raises(UsageError, match="--ended 'drop' is invalid: use one of skip, include, refuse"):
        PredictConfig(ended="drop")


def test_included_ones_are_forecast_from_their_own_last_rows(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv")
    prepare(
        source, tmp_path / "run", PrepareConfig(target=("sales",), series=("shop",), horizon=7), ignore_events
    )
    train(tmp_path / "run", LINEAR, ignore_events)
    output = tmp_path / "forecast.csv"
    report = predict(
        tmp_path / "run", None, PredictConfig(output=str(output), ended="include", threads=1), ignore_events
    )
    assert (report.series, report.ended) == (4, ("east", "west"))
    assert report.warnings[0].endswith("forecast from their own last rows (--ended skip leaves them out)")
    assert str(FIRST + 61) in output.read_text()
