import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from small_steps import PREPARE, write_panel

from lstm_cli.config import PrepareConfig
from lstm_cli.data import load_windows
from lstm_cli.data.stored import load_dataset
from lstm_cli.errors import DataError, UsageError
from lstm_cli.events import silent
from lstm_cli.rundir import open_run
from lstm_cli.steps.prepare import prepare


def daily(path: Path, values: list[str], start: str = "2024-01-01") -> str:
    days = np.datetime64(start) + np.arange(len(values))
    path.write_text("day,y\n" + "".join(f"{day},{value}\n" for day, value in zip(days, values, strict=True)))
    return str(path)


def test_the_report_holds_what_the_contract_names(panel: Path, tmp_path: Path) -> None:
    report = prepare(str(panel), tmp_path / "run", PREPARE, silent).to_json()
    assert report["rows"] == 260
    assert report["series"] == 2
    assert (report["time_start"], report["time_end"]) == ("2024-01-01T00:00:00", "2024-05-09T00:00:00")
    assert (report["freq"], report["season"], report["lookback"], report["horizon"]) == ("D", 7, 14, 7)
    # 130 rows a shop: 13 validation, 26 test rows, 91 to train on.
    assert report["windows"] == {
        "train": 2 * (91 - 14 - 7 + 1),
        "val": 2 * (13 - 7 + 1),
        "test": 2 * (26 - 7 + 1),
    }
    measured = [line.split(",") for line in panel.read_text().splitlines()[1:]]
    assert report["target_sum"] == pytest.approx(sum(float(row[2]) for row in measured if row[2]))
    json.dumps(report, allow_nan=False)


def test_no_season_is_absent_from_the_report(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    source = daily(tmp_path / "a.csv", [f"{value:.3f}" for value in rng.normal(size=200)])
    report = prepare(source, tmp_path / "run", PrepareConfig(), silent).to_json()
    assert "season" not in report
    assert report["horizon"] == 1


def test_scaled_values_come_back_in_the_files_units(panel: Path, tmp_path: Path) -> None:
    prepare(str(panel), tmp_path / "run", PREPARE, silent)
    dataset = load_dataset(open_run(tmp_path / "run"))
    rows = [line.split(",") for line in panel.read_text().splitlines()[1:]]
    expected = np.array([float(row[2]) for row in rows if row[1] == "B" and row[2]])
    begin, count = dataset.series.offset[1], dataset.series.count[1]
    found = dataset.scaler.unscaled(dataset.values_scaled[begin : begin + count], 1)[:, 0]
    np.testing.assert_allclose(found, expected, rtol=3e-7 * 4)


def test_a_changed_test_value_changes_no_scaled_training_value(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    values = [f"{value:.4f}" for value in rng.normal(10, 2, size=100)]
    other = [*values[:80], *(str(1000 + row) for row in range(20))]
    config = PrepareConfig(horizon=5, lookback=5)
    found = []
    for name, cells in (("one", values), ("two", other)):
        prepare(daily(tmp_path / f"{name}.csv", cells), tmp_path / name, config, silent)
        found.append(load_dataset(open_run(tmp_path / name)))
    np.testing.assert_array_equal(found[0].values_scaled[:80], found[1].values_scaled[:80])
    np.testing.assert_array_equal(found[0].scaler.center, found[1].scaler.center)
    # Only the training rows, 70 of 100, were seen: neither the 10 of validation.
    expected = np.mean([float(value) for value in values[:70]])
    assert found[0].scaler.center[0, 0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("missing", ["interpolate", "last", "season"])
def test_missing_cells_are_filled_and_marked(tmp_path: Path, missing: str) -> None:
    values = [str(10 + row % 7) for row in range(120)]
    values[40] = ""
    prepare(
        daily(tmp_path / "a.csv", values), tmp_path / "run", PrepareConfig(horizon=7, missing=missing), silent
    )
    dataset = load_dataset(open_run(tmp_path / "run"))
    assert (~dataset.measured[:, 0]).nonzero()[0].tolist() == [40]
    filled = dataset.scaler.unscaled(dataset.values_scaled[40:41], 0)[0, 0]
    expected = {"interpolate": (14 + 16) / 2, "last": 14, "season": 15}[missing]
    assert filled == pytest.approx(expected, rel=1e-6)


def test_refuse_names_the_cell_and_leaves_nothing(tmp_path: Path) -> None:
    values = [str(10 + row % 7) for row in range(120)]
    values[40] = ""
    source = daily(tmp_path / "a.csv", values)
    with pytest.raises(DataError, match=r"1 cells are missing, first 'y' at 2024-02-10"):
        prepare(source, tmp_path / "run", PrepareConfig(missing="refuse"), silent)
    assert not (tmp_path / "run").exists()


def test_a_short_series_is_skipped_by_name(tmp_path: Path) -> None:
    source = write_panel(tmp_path / "panel.csv", ahead=0)
    source.write_text(source.read_text() + "".join(f"2024-01-{day:02d},C,1,1,0\n" for day in range(1, 9)))
    report = prepare(str(source), tmp_path / "run", PREPARE, silent)
    assert report.series == 2
    assert any("'C'" in warning for warning in report.warnings)


def test_too_few_rows_are_refused_with_need_and_have(tmp_path: Path) -> None:
    source = daily(tmp_path / "a.csv", [str(row) for row in range(30)])
    with pytest.raises(DataError, match="30 usable rows are too few"):
        prepare(source, tmp_path / "run", PrepareConfig(horizon=20, lookback=20), silent)


def test_a_wrong_share_answers_before_the_file_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--test"):
        prepare(str(tmp_path / "absent.csv"), tmp_path / "run", PrepareConfig(test="1.5"), silent)


def test_test_rows_may_be_none(tmp_path: Path) -> None:
    source = daily(tmp_path / "a.csv", [str(10 + row % 7) for row in range(120)])
    report = prepare(source, tmp_path / "run", PrepareConfig(horizon=7, val="14", test="0"), silent)
    assert report.split_rows == {"train": 106, "val": 14, "test": 0}
    assert report.windows["test"] == 0


def test_splits_by_date_begin_at_that_row(tmp_path: Path) -> None:
    source = daily(tmp_path / "a.csv", [str(10 + row % 7) for row in range(120)])
    config = PrepareConfig(horizon=7, val="2024-03-01", test="2024-04-01")
    report = prepare(source, tmp_path / "run", config, silent)
    assert report.split_rows == {"train": 60, "val": 31, "test": 29}


def test_windows_for_a_notebook_are_views(tmp_path: Path) -> None:
    source = daily(tmp_path / "a.csv", [str(10 + row % 7) for row in range(120)])
    prepare(source, tmp_path / "run", PrepareConfig(horizon=7, lookback=14), silent)
    windows = load_windows(tmp_path / "run", "train")
    past, target = windows.arrays()
    assert past.shape == (84 - 14 - 7 + 1, 14, 1)
    assert target.shape == (84 - 14 - 7 + 1, 7, 1)
    assert np.shares_memory(past, windows.dataset.values_scaled)
    np.testing.assert_array_equal(past[14, :, 0], windows.dataset.values_scaled[14:28, 0])
    np.testing.assert_array_equal(target[0, :, 0], windows.dataset.values_scaled[14:21, 0])


def test_preparing_again_replaces_the_data_and_the_same_bytes_make_nothing_stale(
    run: Path, panel: Path
) -> None:
    before = open_run(run).digest("data")
    prepare(str(panel), run, PREPARE, silent)
    opened = open_run(run)
    assert opened.digest("data") == before
    assert opened.stale("model") == ()
    prepare(str(panel), run, dataclasses.replace(PREPARE, scaler="robust"), silent)
    assert open_run(run).stale("model") == ("data",)


def test_too_few_rows_for_a_season_forecast_one_step(tmp_path: Path) -> None:
    hours = (np.datetime64("2024-01-01T00") + np.arange(40)).astype("datetime64[m]")
    rng = np.random.default_rng(3)
    rows = "".join(f"{hour},{value:.3f}\n" for hour, value in zip(hours, rng.normal(size=40), strict=True))
    (tmp_path / "h.csv").write_text("time,y\n" + rows)
    assert prepare(str(tmp_path / "h.csv"), tmp_path / "run", PrepareConfig(), silent).horizon == 1
