"""Tests of `lstm predict --horizon` and `--future-data`."""

import csv
import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_steps import LINEAR, PREPARE, write_panel

from lstm_cli.cli.main import run as lstm
from lstm_cli.config import PredictConfig
from lstm_cli.errors import DataError, UsageError
from lstm_cli.evaluation.quantiles.learned import LearnedQuantiles
from lstm_cli.events import ignore_events
from lstm_cli.inference.trained_model import load_intervals, load_model
from lstm_cli.rundir import open_run
from lstm_cli.steps.predict import PredictReport, predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.shared.memory_estimate import forecast_need
from lstm_cli.steps.train import train

FIRST_AHEAD = np.datetime64("2024-05-10")
Row = list[str]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with the known-ahead promo and the calendar, horizon 7. The panel has ten rows ahead."""
    folder = tmp_path_factory.mktemp("horizon")
    write_panel(folder / "panel.csv")
    prepare(str(folder / "panel.csv"), folder / "run", dataclasses.replace(PREPARE, past=()), ignore_events)
    train(folder / "run", LINEAR, ignore_events)
    return folder / "run"


def forecast(run: Path, new: str | None = None, **options: Any) -> tuple[PredictReport, list[Row]]:
    out = io.BytesIO()
    report = predict(run, new, PredictConfig(threads=1, **options), ignore_events, stdout=out)
    return report, list(csv.reader(out.getvalue().decode().splitlines()))[1:]


def values(rows: list[Row]) -> np.ndarray:
    return np.array([[float(cell) for cell in row[2:]] for row in rows])


def panel_rows(run: Path) -> list[Row]:
    return [line.split(",") for line in (run.parent / "panel.csv").read_text().splitlines()]


def write(path: Path, rows: list[Row]) -> str:
    path.write_text("\n".join(map(",".join, rows)) + "\n")
    return str(path)


def promo(first: int, last: int, shops: str = "AB") -> list[Row]:
    """Return rows of promo from step `first` of the forecast to before step `last`, without a target."""
    days = range(130 + first, 130 + last)
    return [
        ["shop", "promo", "day"],
        *(
            [shop, str(int(day % 9 == 0)), str(np.datetime64("2024-01-01") + day)]
            for shop in shops
            for day in days
        ),
    ]


def test_fewer_steps_are_the_first_ones(made: Path) -> None:
    _, whole = forecast(made)
    report, result = forecast(made, horizon=3)
    assert result == [*whole[:3], *whole[7:10]]
    assert (report.horizon, report.trained_horizon, report.rows, report.warnings) == (3, 7, 6, ())


def test_more_steps_are_those_of_a_model_that_reads_its_forecasts(made: Path, tmp_path: Path) -> None:
    """Steps 8 to 10 equal the forecast from a file in which the first seven steps are rows."""
    report, result = forecast(made, horizon=10)
    assert [row[1] for row in result[:10]] == [str(FIRST_AHEAD + step) for step in range(10)]
    assert [finding["rule"] for finding in report.findings] == ["M103", "M105"]
    known = {(row[1], row[0]): row[2] for row in forecast(made)[1]}
    rows = [[*row[:2], known.get((row[0], row[1]), row[2]), *row[3:]] for row in panel_rows(made)]
    _, later = forecast(made, write(tmp_path / "fed.csv", rows), horizon=3)
    np.testing.assert_allclose(values(result)[7:10, 0], values(later)[:3, 0], rtol=1e-4)
    np.testing.assert_allclose(values(result)[17:, 0], values(later)[3:, 0], rtol=1e-4)
    np.testing.assert_allclose(values(result)[:7], values(forecast(made)[1])[:7], rtol=1e-6)


def test_the_intervals_widen_as_measured(made: Path, tmp_path: Path) -> None:
    intervals = load_intervals(open_run(made))
    assert intervals is not None
    assert len(intervals.growth) > 0
    _, result = forecast(made, horizon=21, future_data=write(tmp_path / "f.csv", promo(0, 21)))
    _, low, high, lowest, highest = values(result).reshape(2, 21, 5).transpose(2, 0, 1)
    # The run is log-transformed, so that widths are relative.
    for width in (high / low, highest / lowest):
        assert (np.diff(width[:, 6:], axis=1) > -1e-4).all()


def test_a_run_that_measured_nothing_warns(
    made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    intervals = load_intervals(open_run(made))
    assert isinstance(intervals, LearnedQuantiles)
    unmeasured = dataclasses.replace(intervals.intervals, growth=())
    monkeypatch.setattr(
        "lstm_cli.steps.predict.requested_quantiles.load_intervals",
        lambda run: dataclasses.replace(intervals, intervals=unmeasured),
    )
    report, _ = forecast(made, horizon=9)
    assert "M104" in [finding["rule"] for finding in report.findings]
    assert not any(
        "M104" in finding["rule"] for finding in forecast(made, horizon=9, intervals=False)[0].findings
    )
    quantiles_alone, _ = forecast(made, horizon=9, intervals=False, quantiles=(0.1,))
    flags = {finding["rule"]: finding["flag"] for finding in quantiles_alone.findings}
    assert flags["M104"] == "--quantiles"
    assert "so the quantiles widen" in " ".join(quantiles_alone.warnings)


def test_too_few_rows_ahead_are_refused(made: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'promo' of series 'A' at 2024-05-20, step 11") as refused:
        forecast(made, horizon=11)
    assert "11 steps after the last target" in refused.value.hint
    with pytest.raises(DataError, match=r"f\.csv: missing value .* of series 'B' at 2024-05-20") as refused:
        forecast(
            made,
            horizon=11,
            future_data=write(tmp_path / "f.csv", [*promo(0, 11, "A"), *promo(0, 10, "B")[1:]]),
        )
    assert refused.value.hint == (
        "the file of --future-data needs rows with 'promo' for the 11 steps after the last target of each series, or "
        "use --horizon 10"
    )


def test_a_model_with_past_covariates_does_not_go_beyond_its_horizon(run: Path) -> None:
    with pytest.raises(UsageError, match="past covariates of the model are not known: 'price'") as refused:
        forecast(run, horizon=8)
    assert refused.value.hint == f"use 'lstm prepare DATA {run} --horizon 8' and train again"
    assert len(forecast(run, horizon=6)[1]) == 12


def test_a_horizon_below_one_is_refused(made: Path) -> None:
    assert lstm(["predict", str(made), "--horizon", "0"]) == 2


def test_covariates_of_another_file_equal_those_in_the_data(made: Path, tmp_path: Path) -> None:
    """Rows ahead that are taken out of the data and given in a file, in another order, change nothing."""
    _, expected = forecast(made)
    measured = write(tmp_path / "measured.csv", [row for row in panel_rows(made) if row[2]])
    future = promo(-5, 12)
    future = [future[0], *future[:0:-1]]
    with pytest.raises(DataError, match="promo"):
        forecast(made, measured)
    report, result = forecast(made, measured, future_data=write(tmp_path / "future.csv", future))
    assert [row[:2] for row in result] == [row[:2] for row in expected]
    np.testing.assert_allclose(values(result), values(expected), rtol=1e-5)
    assert [finding["rule"] for finding in report.findings] == ["D521"]  # the rows are sorted


def test_the_file_replaces_the_covariates_of_the_data(made: Path, tmp_path: Path) -> None:
    changed = [[row[0], "1" if row[2] == "2024-05-12" else row[1], row[2]] for row in promo(0, 7)]
    _, expected = forecast(made)
    _, result = forecast(made, future_data=write(tmp_path / "f.csv", changed))
    differs = ~np.isclose(values(result)[:, 0], values(expected)[:, 0], rtol=1e-5)
    assert differs.reshape(2, 7).any(axis=1).all()
    rows = [[*row[:4], "1" if row[0] == "2024-05-12" else row[4]] for row in panel_rows(made)]
    _, same = forecast(made, write(tmp_path / "new.csv", rows))
    np.testing.assert_allclose(values(result), values(same), rtol=1e-5)


def test_a_time_off_the_grid_and_far_values_are_named(made: Path, tmp_path: Path) -> None:
    noon = [promo(0, 1)[0], *([*row[:2], f"{row[2]} 12:00"] for row in promo(0, 7)[1:])]
    with pytest.raises(DataError, match=r"2024-05-10.* of series 'A' is not on the time grid") as refused:
        forecast(made, future_data=write(tmp_path / "f.csv", noon))
    assert refused.value.rule == "D812"
    far = [[row[0], "5000" if row[2] == "2024-05-12" else row[1], row[2]] for row in promo(0, 7)]
    report, _ = forecast(made, future_data=write(tmp_path / "f.csv", far))
    assert [finding["rule"] for finding in report.findings] == ["D807"]
    assert "line 4, column 'promo': 5000 is far outside" in report.warnings[0]


def test_text_settings_apply_to_the_file(made: Path, tmp_path: Path) -> None:
    path = Path(write(tmp_path / "f.csv", promo(0, 7)))
    path.write_text(path.read_text().replace(",", "|"), encoding="utf-8")
    assert forecast(made, future_data=str(path), delimiter="|")[1] == forecast(made)[1]


def test_a_model_without_future_covariates_does_not_read_the_file(tmp_path: Path, panel: Path) -> None:
    run = tmp_path / "run"
    prepare(str(panel), run, dataclasses.replace(PREPARE, future=(), past=()), ignore_events)
    train(run, LINEAR, ignore_events)
    with pytest.raises(UsageError, match="has no known-ahead covariates"):
        forecast(run, future_data="missing.csv")
    _, result = forecast(run, horizon=20)  # the calendar is known
    assert len(result) == 40


def test_both_files_cannot_be_standard_input(made: Path) -> None:
    with pytest.raises(UsageError, match="both standard input"):
        forecast(made, "-", future_data="-")


def test_rows_ahead_in_place_of_new_name_the_option(made: Path, tmp_path: Path) -> None:
    without = write(tmp_path / "without.csv", promo(0, 7))
    with pytest.raises(DataError, match="'sales', which the model needs, not found") as refused:
        forecast(made, without)
    assert f"--future-data {without}" in refused.value.hint
    empty = [["sales", *promo(0, 7)[0]], *(["", *row] for row in promo(0, 7)[1:])]
    path = write(tmp_path / "empty.csv", empty)
    with pytest.raises(DataError, match="'sales' is empty: none of its 14 rows") as refused:
        forecast(made, path)
    assert f"--future-data {path}" in refused.value.hint
    assert forecast(made, future_data=path)[1] == forecast(made)[1]


def test_fewer_steps_read_all_rows_of_a_file(made: Path, tmp_path: Path) -> None:
    # The model reads promo of whole horizons, so later rows of the file must not be lost.
    rows = promo(0, 7)
    changed = [rows[0], *([row[0], "1", row[2]] for row in rows[1:])]
    path = write(tmp_path / "f.csv", changed)
    _, whole = forecast(made, future_data=path)
    report, result = forecast(made, horizon=3, future_data=path)
    assert result == [*whole[:3], *whole[7:10]]
    assert report.findings == ()


def test_short_series_alone_need_no_covariates(tmp_path: Path) -> None:
    panel = write_panel(tmp_path / "panel.csv")
    with panel.open("a") as file:
        file.writelines(f"{np.datetime64('2024-05-05') + day},C,{day},1,0\n" for day in range(5))
    run = tmp_path / "run"
    prepare(str(panel), run, dataclasses.replace(PREPARE, past=(), pad=True), ignore_events)
    train(run, LINEAR, ignore_events)
    report, result = forecast(run, only=("C",), future_data=write(tmp_path / "f.csv", promo(0, 7)))
    assert report.baseline_series == ("C",)
    assert [float(row[2]) for row in result] == [4.0] * 7


def test_a_forecast_has_at_most_a_hundred_horizons(made: Path) -> None:
    with pytest.raises(
        UsageError, match="--horizon 701 is more than 100 trained horizons of 7 steps"
    ) as refused:
        forecast(made, horizon=701)
    assert "use --horizon 700 or less" in refused.value.hint
    assert "--horizon 701' and train again" in refused.value.hint


def test_the_steps_of_a_forecast_count_in_its_memory(made: Path) -> None:
    model = load_model(open_run(made))
    few, many = (forecast_need(model, steps=steps, quantiles=4) for steps in (7, 7_000_000))
    inputs = len(model.schema.future) + len(model.schema.derived)
    assert many.size - few.size == 2 * (7_000_000 - 7) * (5 * 8 + 4 * inputs)
    assert "--horizon" in many.hint


@pytest.mark.parametrize(
    "flags", [{}, {"decimal": ","}, {"delimiter": ";"}, {"decimal": ",", "delimiter": ";"}]
)
def test_each_file_has_a_format_of_its_own(made: Path, tmp_path: Path, flags: dict[str, str]) -> None:
    """NEW has semicolons and decimal commas, the covariates have commas and decimal points."""
    rows = panel_rows(made)
    new = tmp_path / "new.csv"
    new.write_text("\n".join(";".join(row).replace(".", ",") for row in rows if row[2]) + "\n")
    future = [["shop", "promo", "day"], *([row[0], f"{row[1]}.0", row[2]] for row in promo(0, 7)[1:])]
    path = write(tmp_path / "f.csv", future)
    if "decimal" in flags:
        np.testing.assert_allclose(
            values(forecast(made, str(new), future_data=path, **flags)[1]),
            values(forecast(made)[1]),
            rtol=1e-6,
        )
    else:
        with pytest.raises(DataError) as refused:
            forecast(made, str(new), future_data=path, **flags)
        assert "--decimal" in refused.value.hint
