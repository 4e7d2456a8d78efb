import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pytest
from small_steps import LINEAR, PREPARE, write_panel

from lstm_cli.config import PredictConfig, PrepareConfig
from lstm_cli.data.numbers.decimals import number_texts
from lstm_cli.errors import CorruptArtifact, DataError, MissingArtifact, StaleArtifact, UsageError
from lstm_cli.events import WarningRaised, ignore_events
from lstm_cli.inference.trained_model import load_model
from lstm_cli.rundir import ArtifactReader, open_run
from lstm_cli.steps.predict import predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import fit_and_commit, train

FP32 = PredictConfig(precision="fp32")
COLUMNS = ("sales", "sales_lo80", "sales_hi80", "sales_lo95", "sales_hi95")


def forecast(run: Path, new: str | None = None, config: PredictConfig = FP32) -> bytes:
    out = io.BytesIO()
    predict(run, new, config, ignore_events, stdout=out)
    return out.getvalue()


def lines_of(data: bytes) -> list[list[str]]:
    return [line.split(",") for line in data.decode().splitlines()]


def numbers(data: bytes) -> list[float]:
    return [float(cell) for row in lines_of(data)[1:] for cell in row[2:]]


def test_it_starts_one_step_after_the_last_row_of_each_series(run: Path) -> None:
    rows = lines_of(forecast(run))
    assert rows[0] == ["shop", "day", "sales", "sales_lo80", "sales_hi80", "sales_lo95", "sales_hi95"]
    days = [str(np.datetime64("2024-05-10") + step) for step in range(7)]
    assert [row[:2] for row in rows[1:]] == [[shop, day] for shop in "AB" for day in days]
    values = np.array([float(row[2]) for row in rows[1:]]).reshape(2, 7)
    assert (abs(values[0] - 50) < 30).all()  # each in its own units
    assert (abs(values[1] - 900) < 540).all()


def test_new_data_equal_to_the_runs_give_the_same_bytes(run: Path, panel: Path, tmp_path: Path) -> None:
    expected = forecast(run, str(panel))
    # The run's own data went through 32-bit floats before their logarithm was taken.
    np.testing.assert_allclose(numbers(forecast(run)), numbers(expected), rtol=1e-5)
    lines = panel.read_text().splitlines()
    cells = [line.split(",") for line in lines]
    shuffled = tmp_path / "shuffled.csv"  # columns in another order and one more
    shuffled.write_text(
        "\n".join(",".join([row[4], row[3], "x", *row[:3]]) for row in cells).replace("x", "extra", 1) + "\n"
    )
    assert forecast(run, str(shuffled)) == expected
    train(
        run, dataclasses.replace(LINEAR, log_transform="off"), ignore_events
    )  # scaled as the run's data are
    assert forecast(run, str(shuffled)) == forecast(run)


def test_standard_input_is_read(run: Path, panel: Path) -> None:
    out = io.BytesIO()
    predict(run, "-", FP32, ignore_events, stdin=io.BytesIO(panel.read_bytes()), stdout=out)
    assert out.getvalue() == forecast(run, str(panel))


def test_a_past_covariate_after_the_origin_cannot_leak(run: Path, panel: Path, tmp_path: Path) -> None:
    """Prices after the last sale do not change the forecast, but the known-ahead promo does."""
    lines = panel.read_text().splitlines()
    cells = [line.split(",") for line in lines]
    leaky, known = tmp_path / "leaky.csv", tmp_path / "known.csv"
    leaky.write_text(
        "\n".join(",".join([*row[:3], "77" if not row[2] else row[3], row[4]]) for row in cells) + "\n"
    )
    known.write_text("\n".join(",".join([*row[:4], "5" if not row[2] else row[4]]) for row in cells) + "\n")
    assert forecast(run, str(leaky)) == forecast(run, str(panel))
    assert forecast(run, str(known)) != forecast(run, str(panel))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace("price", "cost", 1), "price"),
        (lambda text: "\n".join(text.splitlines()[:1] + text.splitlines()[1::2]) + "\n", "frequency"),
        (lambda text: "\n".join(line for line in text.splitlines() if ",,," not in line) + "\n", "promo"),
    ],
    ids=["a renamed column", "another step", "no known-ahead rows"],
)
def test_new_data_that_do_not_fit_are_refused_with_what_differs(run, panel, tmp_path, change, says) -> None:
    new = tmp_path / "new.csv"
    new.write_text(change(panel.read_text()))
    with pytest.raises(DataError, match=says):
        forecast(run, str(new))


def test_overlapping_values_that_differ_and_far_values_warn(run: Path, panel: Path, tmp_path: Path) -> None:
    lines = panel.read_text().splitlines()
    row = lines[20].split(",")
    lines[20] = ",".join([*row[:2], str(float(row[2]) * 1000), *row[3:]])
    new = tmp_path / "new.csv"
    new.write_text("\n".join(lines) + "\n")
    warnings: list[str] = []
    predict(
        run,
        str(new),
        FP32,
        lambda event: warnings.append(event.finding.text) if isinstance(event, WarningRaised) else None,
        stdout=io.BytesIO(),
    )
    assert any("1 value differs" in text and "2024-01-20" in text for text in warnings)
    assert any("far outside" in text for text in warnings)


@pytest.mark.parametrize("name", ["forecast.csv.gz", "forecast.XLSX", "forecast.feather"])
def test_an_ending_of_another_format_is_refused(run: Path, tmp_path: Path, name: str) -> None:
    output = str(tmp_path / name)
    with pytest.raises(UsageError, match="are not written") as caught:
        predict(run, None, dataclasses.replace(FP32, output=output), ignore_events)
    assert "the ending .parquet" in caught.value.hint
    assert not list(tmp_path.glob("forecast*"))
    predict(run, None, dataclasses.replace(FP32, output=output, format="csv"), ignore_events)
    assert Path(output).read_bytes() == forecast(run)


@pytest.mark.parametrize("format", ["json", "parquet"])
def test_other_formats_hold_the_same_rows(run: Path, tmp_path: Path, format: str) -> None:
    rows = lines_of(forecast(run))[1:]
    output = tmp_path / f"forecast.{format}"
    report = predict(run, None, dataclasses.replace(FP32, output=str(output)), ignore_events)
    assert (report.format, report.rows) == (format, 14)
    if format == "json":
        result = json.loads(output.read_text(), parse_float=str, parse_int=str)
        assert [[row["shop"], row["day"], *(row[name] for name in COLUMNS)] for row in result] == rows
    else:
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(output).to_pydict()
        assert table["shop"] == [row[0] for row in rows]
        assert [str(day.date()) for day in table["day"]] == [row[1] for row in rows]
        for place, name in enumerate(COLUMNS, start=2):
            np.testing.assert_allclose(table[name], [float(row[place]) for row in rows], rtol=1e-7)


def test_auto_takes_the_quantised_model_while_it_is_fresh(run: Path) -> None:
    config = PredictConfig()
    assert predict(run, None, config, ignore_events, stdout=io.BytesIO()).precision == "int8"
    train(run, LINEAR, ignore_events)
    assert predict(run, None, config, ignore_events, stdout=io.BytesIO()).precision == "fp32"


def test_a_model_of_earlier_data_forecasts_with_one_warning(run: Path, tmp_path: Path) -> None:
    """Forecasts continue after a nightly prepare."""
    assert load_model(open_run(run)).scaler.log_transformed
    prepare(str(write_panel(tmp_path / "new.csv", rows=131, ahead=9)), run, PREPARE, ignore_events)
    warnings: list[str] = []
    out = io.BytesIO()
    predict(run, None, FP32, lambda event: warnings.append(event.finding.text), stdout=out)
    assert len(warnings) == 1
    assert "out of date: the data changed after training" in warnings[0]
    assert lines_of(out.getvalue())[1][:2] == ["A", "2024-05-11"]
    # The data are scaled as for the model, so the forecast equals that of the file given again.
    assert np.allclose(numbers(forecast(run, str(tmp_path / "new.csv"))), numbers(out.getvalue()), rtol=1e-5)


def test_a_model_of_another_horizon_is_refused(run: Path, panel: Path) -> None:
    prepare(str(panel), run, dataclasses.replace(PREPARE, horizon=6), ignore_events)
    with pytest.raises(StaleArtifact, match="horizon"):
        forecast(run)


def test_it_writes_nothing_in_the_run(run: Path) -> None:
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in run.rglob("*") if path.is_file()}
    forecast(run)
    assert {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in run.rglob("*") if path.is_file()
    } == before


def test_a_run_without_a_model_and_a_damaged_one_are_refused(run: Path, panel: Path, tmp_path: Path) -> None:
    prepare(str(panel), tmp_path / "fresh", PREPARE, ignore_events)
    with pytest.raises(MissingArtifact, match="no trained model"):
        forecast(tmp_path / "fresh")
    graph = next((run / "model").iterdir()) / "model.onnx"
    data = bytearray(graph.read_bytes())
    data[len(data) // 2] ^= 1
    graph.write_bytes(data)
    with pytest.raises(CorruptArtifact, match=r"model\.onnx"):
        forecast(run)


def test_a_forecast_of_month_ends_has_month_ends(tmp_path: Path) -> None:
    months = [np.datetime64("2012-01", "M") + row for row in range(144)]
    days = [(month + 1).astype("datetime64[D]") - 1 for month in months]
    rows = "".join(f"{day},{100 + row + 20 * np.sin(row * np.pi / 6):.3f}\n" for row, day in enumerate(days))
    (tmp_path / "m.csv").write_text("month,y\n" + rows)
    prepare(str(tmp_path / "m.csv"), tmp_path / "run", PrepareConfig(), ignore_events)
    train(tmp_path / "run", LINEAR, ignore_events)
    result = [row[0] for row in lines_of(forecast(tmp_path / "run"))[1:]]
    assert result[:3] == ["2024-01-31", "2024-02-29", "2024-03-31"]
    assert len(result) == 12


def test_formula_like_names_get_an_apostrophe_and_numbers_do_not(tmp_path: Path) -> None:
    rows = "".join(f"{np.datetime64('2024-01-01') + row},@shop,{-row % 7 - 9}\n" for row in range(120))
    (tmp_path / "f.csv").write_text("day,shop,=y()\n" + rows)
    config = PrepareConfig(target=("=y()",), series=("shop",), horizon=3, lookback=7)
    prepare(str(tmp_path / "f.csv"), tmp_path / "run", config, ignore_events)
    train(tmp_path / "run", LINEAR, ignore_events)
    result = lines_of(forecast(tmp_path / "run"))
    assert result[0][:4] == ["shop", "day", "'=y()", "'=y()_lo80"]
    assert result[1][0] == "'@shop"
    assert result[1][2].startswith("-")


def test_the_intervals_lie_around_the_forecast_each_in_its_series_units(run: Path) -> None:
    """B's sales are 18 times A's, with noise in proportion, and never negative."""
    cells = np.array([[float(cell) for cell in row[2:]] for row in lines_of(forecast(run))[1:]])
    middle, low, high, lowest, highest = cells.reshape(2, 7, 5).transpose(2, 0, 1)
    assert ((lowest < low) & (low < middle) & (middle < high) & (high < highest)).all()
    assert (lowest >= 0).all()
    width = (high - low).mean(axis=1)
    assert 5 < width[1] / width[0] < 60


def test_the_bounds_hold_for_the_intervals(panel: Path, tmp_path: Path) -> None:
    prepare(str(panel), tmp_path / "run", PREPARE, ignore_events)
    train(tmp_path / "run", dataclasses.replace(LINEAR, min=40.0, max=60.0), ignore_events)
    cells = np.array([[float(cell) for cell in row[2:]] for row in lines_of(forecast(tmp_path / "run"))[1:]])
    assert cells.min() >= 40
    assert cells.max() == 60


def test_intervals_can_be_left_out_and_leave_the_forecast_as_it_is(run: Path) -> None:
    plain = lines_of(forecast(run, config=dataclasses.replace(FP32, intervals=False)))
    assert plain == [row[:3] for row in lines_of(forecast(run))]


def test_a_model_without_intervals_forecasts_without_them_and_one_warning(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = [row[:3] for row in lines_of(forecast(run))]
    files = ArtifactReader.files.fget  # type: ignore[attr-defined]
    monkeypatch.setattr(
        ArtifactReader,
        "files",
        property(lambda reader: {name: f for name, f in files(reader).items() if name != "intervals.json"}),
    )
    warnings: list[str] = []
    out = io.BytesIO()
    predict(run, None, FP32, lambda event: warnings.append(event.finding.text), stdout=out)
    assert lines_of(out.getvalue()) == expected
    assert len(warnings) == 1
    assert "without prediction intervals" in warnings[0]
    assert f"lstm train {run}" in warnings[0]


def test_a_column_of_an_interval_that_has_the_name_of_another_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = "".join(
        f"{np.datetime64('2024-01-01') + row},{a:.3f},{b:.3f}\n"
        for row, (a, b) in enumerate(rng.random((90, 2)))
    )
    (tmp_path / "c.csv").write_text("day,y,y_hi95\n" + rows)
    run = tmp_path / "run"
    prepare(
        str(tmp_path / "c.csv"),
        run,
        PrepareConfig(target=("y", "y_hi95"), horizon=3, lookback=7),
        ignore_events,
    )
    train(run, LINEAR, ignore_events)
    with pytest.raises(DataError, match="'y_hi95'") as refused:
        forecast(run)
    assert "--no-intervals" in refused.value.hint
    plain = lines_of(forecast(run, config=dataclasses.replace(FP32, intervals=False)))
    assert plain[0] == ["day", "y", "y_hi95"]


def test_damaged_intervals_are_refused(run: Path) -> None:
    stored = next((run / "model").iterdir()) / "intervals.json"
    stored.write_text(stored.read_text().replace("0", "1", 1))
    with pytest.raises(CorruptArtifact, match=r"intervals\.json"):
        forecast(run)


def test_the_step_is_recorded_with_its_model(run: Path) -> None:
    entry = open_run(run).entry("train")
    assert entry["read"]["data"]["sha256"] == open_run(run).digest("data")
    assert entry["config"]["hidden"] == [8]


def test_missing_cells_of_new_data_are_reported(run: Path, panel: Path, tmp_path: Path) -> None:
    lines = panel.read_text().splitlines()
    cells = lines[100].split(",")
    lines[100] = ",".join([*cells[:2], "", *cells[3:]])
    new = tmp_path / "new.csv"
    new.write_text("\n".join(lines) + "\n")
    warnings: list[str] = []
    predict(run, str(new), FP32, lambda event: warnings.append(event.finding.text), stdout=io.BytesIO())
    assert any("1 missing value, first 'sales' at 2024-04-09" in text for text in warnings)


def test_a_small_change_on_a_high_level_is_not_rounded_away() -> None:
    """Forecasts have as many decimals as the file."""
    assert number_texts(np.array([5e10 + 3.25, -1 / 3]), decimals=2) == ["50000000003.25", "-0.33333334"]


def test_a_model_of_another_device_forecasts_here(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is read later depends on the device in run.json."""
    before, after = io.BytesIO(), io.BytesIO()
    train(run, LINEAR, ignore_events, force=True)
    predict(run, None, FP32, ignore_events, stdout=before)
    monkeypatch.setattr(fit_and_commit, "_device", lambda config: ("cuda:0 (another machine's)", 1))
    train(run, LINEAR, ignore_events, force=True)
    assert open_run(run).producer_entry("model")["device"] == "cuda:0 (another machine's)"
    predict(run, None, FP32, ignore_events, stdout=after)
    assert after.getvalue() == before.getvalue() != b""
