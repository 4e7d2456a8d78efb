"""Tests of `lstm predict` with series that the model was not trained on, short series, and `--only`."""

import csv
import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_steps import LINEAR

from lstm_cli.config import PredictConfig, PrepareConfig
from lstm_cli.data.dataset.load import load_dataset, load_short_series
from lstm_cli.errors import DataError, UsageError
from lstm_cli.events import WarningRaised, ignore_events
from lstm_cli.inference.trained_model import load_model, rescale_to_model
from lstm_cli.rundir import open_run
from lstm_cli.steps.predict import PredictReport, predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

CONFIG = PrepareConfig(target=("sales",), series=("shop",), horizon=3, lookback=14, pad=True)
FIRST = np.datetime64("2024-01-01")
WEEK = (3, 5, 6, 7, 9, 12, 4)


def rows(shop: str, level: float, first: int, last: int) -> list[str]:
    """Return the days of a shop from `first` to before `last`; each week is alike but for the noise."""
    noise = np.random.default_rng(len(shop)).normal(size=last)
    return [
        f"{FIRST + day},{shop},{level * (WEEK[day % 7] + 0.1 * noise[day]):.3f}" for day in range(first, last)
    ]


def write(path: Path, *shops: list[str]) -> str:
    path.write_text("\n".join(["day,shop,sales", *(row for shop in shops for row in shop)]) + "\n")
    return str(path)


@pytest.fixture(scope="module", params=["off", "on"], ids=["plain", "log transform"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of the shops A and B; shop D is too short for training."""
    folder = tmp_path_factory.mktemp("series")
    short = [
        f"{FIRST + day},D,{value}" for day, value in zip(range(111, 120), range(10, 100, 10), strict=True)
    ]
    source = write(folder / "panel.csv", rows("A", 10, 0, 120), rows("B", 300, 0, 120), short)
    prepare(source, folder / "run", CONFIG, ignore_events)
    train(folder / "run", dataclasses.replace(LINEAR, log_transform=request.param), ignore_events)
    return folder / "run"


def forecast(
    run: Path, new: str | None = None, **options: Any
) -> tuple[PredictReport, dict[str, list[list[str]]]]:
    """Return the report and the rows of each series, without the name."""
    out = io.BytesIO()
    report = predict(run, new, PredictConfig(threads=1, **options), ignore_events, stdout=out)
    result: dict[str, list[list[str]]] = {}
    for name, *row in csv.reader(out.getvalue().decode().splitlines()[1:]):
        result.setdefault(name, []).append(row)
    return report, result


def values(rows: list[list[str]]) -> np.ndarray:
    return np.array([[float(cell) for cell in row[1:]] for row in rows])


def test_a_new_series_has_its_own_scaling_and_the_shared_weights(made: Path, tmp_path: Path) -> None:
    """A shop that sells 40 times as much as A is forecast like A, times 40."""
    new = write(tmp_path / "new.csv", rows("A", 10, 0, 120), rows("N", 400, 0, 120))
    report, result = forecast(made, new)
    assert report.new_series == ("N",)
    assert [finding["rule"] for finding in report.findings] == ["D804"]
    assert "'N'; forecast with its own scaling" in report.warnings[0]
    assert [row[0] for row in result["N"]] == [str(FIRST + day) for day in (120, 121, 122)]
    # The scaling of A was fitted on its training rows, that of N on all its rows.
    np.testing.assert_allclose(values(result["N"]), 40 * values(result["A"]), rtol=0.02)


def test_all_series_may_be_new(made: Path, tmp_path: Path) -> None:
    report, result = forecast(made, write(tmp_path / "new.csv", rows("N", 400, 50, 120)))
    assert (list(result), report.new_series) == (["N"], ("N",))
    assert (np.abs(values(result["N"])[:, 0] / 400 - [WEEK[day % 7] for day in (120, 121, 122)]) < 1).all()


def test_a_name_that_is_near_a_known_one_is_named(made: Path, tmp_path: Path) -> None:
    report, _ = forecast(made, write(tmp_path / "new.csv", rows("Bb", 10, 0, 120)))
    assert "did you mean 'B'?" in report.warnings[0]


def test_the_scaling_of_a_new_series_equals_that_of_training(made: Path) -> None:
    """A run whose data has one series more gives it the scaling that a file with the series gets."""
    model = load_model(open_run(made))
    dataset = load_dataset(open_run(made))
    renamed = dataclasses.replace(dataset, series=dataclasses.replace(dataset.series, names=("A", "other")))
    scaled = rescale_to_model(renamed, model)
    begin, count = int(dataset.series.offset[1]), int(dataset.series.count[1])
    units = dataset.scaler.inverse_transform(dataset.values_scaled[begin : begin + count], 1)[:, 0]
    if model.scaler.log_transformed:
        units = np.log(units)
    assert scaled.scaler.center[1, 0] == pytest.approx(units.mean(), rel=1e-5)
    scale = model.scaler.scale[1, 0] if model.scaler.log_transformed else units.std()
    assert scaled.scaler.scale[1, 0] == pytest.approx(scale, rel=1e-5)
    expected = (units - scaled.scaler.center[1, 0]) / scaled.scaler.scale[1, 0]
    np.testing.assert_allclose(scaled.values_scaled[begin : begin + count, 0], expected, atol=1e-4)
    assert np.array_equal(scaled.scaler.center[0], model.scaler.center[0])


def test_a_short_series_of_the_run_gets_the_last_week_without_intervals(made: Path) -> None:
    report, result = forecast(made)
    assert list(result) == ["A", "B", "D"]
    assert result["D"] == [  # 10, 20, …, 90: the last seven days are 30 to 90
        ["2024-04-30", "30.000", "", "", "", ""],
        ["2024-05-01", "40.000", "", "", "", ""],
        ["2024-05-02", "50.000", "", "", "", ""],
    ]
    assert (report.baseline_series, report.series, report.rows) == (("D",), 3, 9)
    assert [finding["rule"] for finding in report.findings] == ["D806"]
    _, result = forecast(made, intervals=False, quantiles=(0.1,))
    assert [row[2] != "" for row in result["A"]] == [True] * 3
    assert [row[2] for row in result["D"]] == [""] * 3
    stored = open_run(made).report("prepare")
    assert "lstm predict gives them the baseline" in stored["warnings"][0]


def test_a_missing_interval_is_null_in_json_and_parquet(made: Path, tmp_path: Path) -> None:
    import pyarrow.parquet

    for format in ("json", "parquet"):
        output = tmp_path / f"forecast.{format}"
        forecast(made, output=str(output), format=format)
        if format == "json":
            last = json.loads(output.read_text())[-1]
        else:
            last = pyarrow.parquet.read_table(output).to_pylist()[-1]
        assert (last["shop"], last["sales"], last["sales_lo80"], last["sales_hi95"]) == ("D", 50, None, None)


def test_less_than_a_week_gives_the_last_value_and_a_missing_day_too(tmp_path: Path) -> None:
    shops = [rows("A", 10, 0, 120), rows("B", 300, 0, 120)]
    two_days = [f"{FIRST + 118},D,7", f"{FIRST + 119},D,9"]
    gap = [f"{FIRST + day},E,{day}" for day in (112, 113, 115, 116, 117, 118, 119)]
    run = tmp_path / "run"
    prepare(write(tmp_path / "a.csv", *shops, two_days, gap), run, CONFIG, ignore_events)
    short = load_short_series(open_run(run))
    assert short.names == ("D", "E")
    assert short.forecast(steps=4, season=7)[0, :, 0].tolist() == [9.0, 9.0, 9.0, 9.0]
    # The last seven days of E are 113, missing, 115, …, 119.
    assert short.forecast(steps=9, season=7)[1, :, 0].tolist() == [
        113,
        119,
        115,
        116,
        117,
        118,
        119,
        113,
        119,
    ]


def test_short_series_of_new_data_get_the_baseline(made: Path, tmp_path: Path) -> None:
    """A new series needs two weeks, because its scaling is fitted on them."""
    short, longer = rows("S", 1, 107, 119), rows("L", 1, 106, 120)
    short += [f"{FIRST + 119},S,5"]
    report, result = forecast(made, write(tmp_path / "new.csv", rows("A", 10, 0, 120), short, longer))
    last_week = [row.split(",")[2] for row in short[-7:-4]]
    assert [row[1:] for row in result["S"]] == [[value, "", "", "", ""] for value in last_week]
    assert (report.baseline_series, report.new_series) == (("S",), ("L",))


def test_only_forecasts_the_named_series_as_without_it(made: Path) -> None:
    _, everything = forecast(made)
    report, result = forecast(made, only=("B",))
    assert list(result) == ["B"]
    np.testing.assert_allclose(values(result["B"]), values(everything["B"]), rtol=1e-6)
    assert (report.series, report.warnings) == (1, ())
    _, result = forecast(made, only=("D", "A", "D"))
    assert list(result) == ["A", "D"]
    np.testing.assert_allclose(values(result["A"]), values(everything["A"]), rtol=1e-6)
    _, result = forecast(made, only=("D",))
    assert result == {"D": everything["D"]}


def test_an_unknown_name_is_refused_with_the_nearest(made: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "new.csv", rows("Aachen", 10, 0, 120), rows("Bonn", 300, 0, 120))
    with pytest.raises(DataError, match="series 'Aachn'") as refused:
        forecast(made, new, only=("Bonn", "Aachn"))
    assert (refused.value.rule, refused.value.hint) == ("D813", "did you mean 'Aachen'?")
    report, result = forecast(made, new, only=("Bonn",))
    assert (list(result), report.new_series) == (["Bonn"], ("Bonn",))


def test_a_series_that_ended_is_ended_although_it_is_named(made: Path, tmp_path: Path) -> None:
    new = write(tmp_path / "new.csv", rows("A", 10, 0, 100), rows("B", 300, 0, 120))
    with pytest.raises(DataError, match="No series is left") as refused:
        forecast(made, new, only=("A",))
    assert "--ended include" in refused.value.hint
    report, result = forecast(made, new, only=("A",), ended="include")
    assert result["A"][0][0] == str(FIRST + 100)
    assert report.ended == ("A",)


def test_a_run_of_one_series_refuses_only(tmp_path: Path) -> None:
    text = "\n".join(["day,sales", *(row.replace(",A,", ",") for row in rows("A", 10, 0, 120))])
    (tmp_path / "one.csv").write_text(text + "\n")
    prepare(str(tmp_path / "one.csv"), tmp_path / "run", PrepareConfig(horizon=3, lookback=7), ignore_events)
    train(tmp_path / "run", LINEAR, ignore_events)
    with pytest.raises(UsageError, match="--only 'A' needs a panel"):
        forecast(tmp_path / "run", only=("A",))


def test_a_nightly_prepare_with_a_new_series_forecasts_it(made: Path, tmp_path: Path) -> None:
    import shutil

    run = Path(shutil.copytree(made, tmp_path / "run"))
    source = write(tmp_path / "a.csv", rows("A", 10, 0, 121), rows("B", 300, 0, 121), rows("N", 400, 0, 121))
    prepare(source, run, CONFIG, ignore_events)
    warnings: list[str] = []
    predict(
        run,
        None,
        PredictConfig(threads=1),
        lambda event: warnings.append(event.finding.rule) if isinstance(event, WarningRaised) else None,
        stdout=io.BytesIO(),
    )
    assert warnings == ["M102", "D804"]
    _, own = forecast(run)
    _, new = forecast(run, source)
    np.testing.assert_allclose(values(own["N"]), values(new["N"]), rtol=1e-4)


def test_a_short_series_of_the_run_gets_the_baseline_from_its_file_too(made: Path, tmp_path: Path) -> None:
    """A series that training left out has rows enough for a new series, but not for one of the run."""
    short = rows("E", 40, 102, 120)
    source = write(tmp_path / "panel.csv", rows("A", 10, 0, 120), rows("B", 300, 0, 120), short)
    prepare(source, tmp_path / "run", CONFIG, ignore_events)
    train(tmp_path / "run", LINEAR, ignore_events)
    report, own = forecast(tmp_path / "run")
    assert report.baseline_series == ("E",)
    report, new = forecast(tmp_path / "run", source)
    assert report.baseline_series == ("E",)
    assert new["E"] == own["E"]
    later = write(tmp_path / "later.csv", rows("A", 10, 0, 121), rows("E", 40, 102, 121))
    assert forecast(tmp_path / "run", later)[0].baseline_series == ()


@pytest.mark.parametrize("name", ["S", "A"])
def test_a_short_series_alone_gets_the_baseline(made: Path, tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "new.csv", [f"{FIRST + 119 + day},{name},{day}" for day in range(3)])
    report, result = forecast(made, path)
    assert [finding["rule"] for finding in report.findings] == ["D806"]
    assert [row[1] for row in result[name]] == ["2.000"] * 3
