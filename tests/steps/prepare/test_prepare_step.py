import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from small_steps import PREPARE, write_panel

from lstm_cli.config import PrepareConfig
from lstm_cli.data import load_windows
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.errors import DataError, UsageError
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run, stale_sources
from lstm_cli.steps.prepare import prepare


def daily(path: Path, values: list[str], start: str = "2024-01-01") -> str:
    days = np.datetime64(start) + np.arange(len(values))
    path.write_text("day,y\n" + "".join(f"{day},{value}\n" for day, value in zip(days, values, strict=True)))
    return str(path)


def test_the_report_holds_what_the_contract_names(panel: Path, tmp_path: Path) -> None:
    report = prepare(str(panel), tmp_path / "run", PREPARE, ignore_events).to_json()
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
    report = prepare(source, tmp_path / "run", PrepareConfig(), ignore_events).to_json()
    assert "season" not in report
    assert report["horizon"] == 1


def test_scaled_values_come_back_in_the_files_units(panel: Path, tmp_path: Path) -> None:
    prepare(str(panel), tmp_path / "run", PREPARE, ignore_events)
    dataset = load_dataset(open_run(tmp_path / "run"))
    rows = [line.split(",") for line in panel.read_text().splitlines()[1:]]
    expected = np.array([float(row[2]) for row in rows if row[1] == "B" and row[2]])
    begin, count = dataset.series.offset[1], dataset.series.count[1]
    result = dataset.scaler.inverse_transform(dataset.values_scaled[begin : begin + count], 1)[:, 0]
    np.testing.assert_allclose(result, expected, rtol=3e-7 * 4)


def test_a_changed_test_value_changes_no_scaled_training_value(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    values = [f"{value:.4f}" for value in rng.normal(10, 2, size=100)]
    other = [*values[:80], *(str(1000 + row) for row in range(20))]
    config = PrepareConfig(horizon=5, lookback=5)
    result = []
    for name, cells in (("one", values), ("two", other)):
        prepare(daily(tmp_path / f"{name}.csv", cells), tmp_path / name, config, ignore_events)
        result.append(load_dataset(open_run(tmp_path / name)))
    np.testing.assert_array_equal(result[0].values_scaled[:80], result[1].values_scaled[:80])
    np.testing.assert_array_equal(result[0].scaler.center, result[1].scaler.center)
    # Only the training rows, 70 of 100, were seen: neither the 10 of validation.
    expected = np.mean([float(value) for value in values[:70]])
    assert result[0].scaler.center[0, 0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("missing", ["interpolate", "last", "season"])
def test_missing_cells_are_filled_and_marked(tmp_path: Path, missing: str) -> None:
    values = [str(10 + row % 7) for row in range(120)]
    values[40] = ""
    prepare(
        daily(tmp_path / "a.csv", values),
        tmp_path / "run",
        PrepareConfig(horizon=7, missing=missing),
        ignore_events,
    )
    dataset = load_dataset(open_run(tmp_path / "run"))
    assert (~dataset.measured[:, 0]).nonzero()[0].tolist() == [40]
    filled = dataset.scaler.inverse_transform(dataset.values_scaled[40:41], 0)[0, 0]
    expected = {"interpolate": (14 + 16) / 2, "last": 14, "season": 15}[missing]
    assert filled == pytest.approx(expected, rel=1e-6)


def test_refuse_names_the_cell_and_leaves_nothing(tmp_path: Path) -> None:
    values = [str(10 + row % 7) for row in range(120)]
    values[40] = ""
    source = daily(tmp_path / "a.csv", values)
    with pytest.raises(DataError, match=r"1 missing value, first 'y' at 2024-02-10"):
        prepare(source, tmp_path / "run", PrepareConfig(missing="refuse"), ignore_events)
    assert not (tmp_path / "run").exists()


def test_a_short_series_is_skipped_by_name(tmp_path: Path) -> None:
    source = write_panel(tmp_path / "panel.csv", ahead=0)
    source.write_text(source.read_text() + "".join(f"2024-01-{day:02d},C,1,1,0\n" for day in range(1, 9)))
    report = prepare(str(source), tmp_path / "run", PREPARE, ignore_events)
    assert report.series == 2
    assert any("'C'" in warning for warning in report.warnings)


def test_too_few_rows_are_refused_with_need_and_have(tmp_path: Path) -> None:
    source = daily(tmp_path / "a.csv", [str(row) for row in range(30)])
    with pytest.raises(DataError, match="too short: 30 usable rows"):
        prepare(source, tmp_path / "run", PrepareConfig(horizon=20, lookback=20), ignore_events)


def test_a_wrong_share_answers_before_the_file_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--test"):
        prepare(str(tmp_path / "absent.csv"), tmp_path / "run", PrepareConfig(test="1.5"), ignore_events)


def test_test_rows_may_be_none(tmp_path: Path) -> None:
    source = daily(tmp_path / "a.csv", [str(10 + row % 7) for row in range(120)])
    report = prepare(source, tmp_path / "run", PrepareConfig(horizon=7, val="14", test="0"), ignore_events)
    assert report.split_rows == {"train": 106, "val": 14, "test": 0}
    assert report.windows["test"] == 0


def test_splits_by_date_begin_at_that_row(tmp_path: Path) -> None:
    source = daily(tmp_path / "a.csv", [str(10 + row % 7) for row in range(120)])
    config = PrepareConfig(horizon=7, val="2024-03-01", test="2024-04-01")
    report = prepare(source, tmp_path / "run", config, ignore_events)
    assert report.split_rows == {"train": 60, "val": 31, "test": 29}


def test_windows_for_a_notebook_are_views(tmp_path: Path) -> None:
    source = daily(tmp_path / "a.csv", [str(10 + row % 7) for row in range(120)])
    prepare(source, tmp_path / "run", PrepareConfig(horizon=7, lookback=14), ignore_events)
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
    prepare(str(panel), run, PREPARE, ignore_events, force=True)
    opened = open_run(run)
    assert opened.digest("data") == before
    assert stale_sources(opened, "model") == ()
    prepare(str(panel), run, dataclasses.replace(PREPARE, scaler="robust"), ignore_events)
    assert stale_sources(open_run(run), "model") == ("data",)


def test_too_few_rows_for_a_season_forecast_one_step(tmp_path: Path) -> None:
    hours = (np.datetime64("2024-01-01T00") + np.arange(40)).astype("datetime64[m]")
    rng = np.random.default_rng(3)
    rows = "".join(f"{hour},{value:.3f}\n" for hour, value in zip(hours, rng.normal(size=40), strict=True))
    (tmp_path / "h.csv").write_text("time,y\n" + rows)
    assert prepare(str(tmp_path / "h.csv"), tmp_path / "run", PrepareConfig(), ignore_events).horizon == 1


def write_hourly(path: Path, rows: dict[str, int], *, seed: int = 0) -> str:
    """Write a panel of hours with daily and weekly seasons, at levels from 1 to a million, with a common last row."""
    generator = np.random.default_rng(seed)
    lines = ["id,time,load"]
    for number, (name, count) in enumerate(rows.items()):
        hours = np.arange(count)
        shape = 3 + np.sin(2 * np.pi * hours / 24) + np.where(hours // 24 % 7 < 5, 0.7, -0.7)
        values = 10.0 ** (number % 7) * (shape + 0.2 * generator.normal(size=count))
        times = np.datetime64("2024-01-01T00") - count + hours
        lines += [
            f"{name},{str(time).replace('T', ' ')}:00,{value:.6g}"
            for time, value in zip(times, values, strict=True)
        ]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.mark.parametrize("test", ["0", "48"])
def test_a_panel_is_split_by_steps_of_each_series(tmp_path: Path, test: str) -> None:
    rows = {f"H{number}": 820 + 13 * number for number in range(20)} | {"short": 250, "new": 170, "tiny": 60}
    source = write_hourly(tmp_path / "hours.csv", rows)
    config = PrepareConfig(series=("id",), horizon=48, val="48", test=test)
    report = prepare(source, tmp_path / "run", config, ignore_events)
    assert report.seasons == (24, 168)
    assert report.season_reason.startswith("hourly data, autocorrelation 0.")
    assert report.lookback == 336
    # 60 rows hold a window to validate and perhaps one to test, but none to train on.
    assert report.series == 22
    assert any(
        "1 series left out, too short" in warning and "'tiny'" in warning for warning in report.warnings
    )
    assert report.windows["val"] == 22
    assert report.windows["test"] == (22 if test == "48" else 0)
    dataset = load_dataset(open_run(tmp_path / "run"))
    assert (dataset.series.count - dataset.series.val_end == int(test)).all()
    assert (dataset.series.val_end - dataset.series.train_end == 48).all()
    for split in ("train", "val"):
        windows = load_windows(tmp_path / "run", split)
        batch = windows[np.flatnonzero(windows.series >= 20)]
        assert batch.past.shape[1] == 336
        assert (batch.mask[:, -1] == 1).all()
        assert (batch.mask.sum(axis=1) < 336).any()  # short series are padded at the front
        assert set(windows.series.tolist()) == set(range(22))
    scaled = [dataset.values_scaled[begin : begin + 90] for begin in dataset.series.offset]
    assert max(np.abs(rows).max() for rows in scaled) < 10  # whatever the level, as scaled by its own rows


def test_many_series_of_all_lengths_and_levels(tmp_path: Path) -> None:
    """A panel of a thousand series, mostly short, keeps each series with its name and units."""
    generator = np.random.default_rng(0)
    counts = np.exp(generator.uniform(np.log(30), np.log(300), size=1000)).astype(int)
    lines, first = ["shop,day,sales"], {}
    for number, count in enumerate(counts):
        days = np.datetime64("2024-01-01") - count + np.arange(count)  # all end on one day
        level = 10 ** generator.uniform(-2, 6)
        values = level * (1 + 0.5 * np.sin(np.arange(count) * 2 * np.pi / 7) + 0.1 * generator.random(count))
        first[f"s{number}"] = float(f"{values[0]:.6g}")
        lines += [f"s{number},{day},{value:.6g}" for day, value in zip(days, values, strict=True)]
    (tmp_path / "shops.csv").write_text("\n".join(lines) + "\n")
    config = PrepareConfig(series=("shop",), horizon=7, val="7", test="7")
    report = prepare(str(tmp_path / "shops.csv"), tmp_path / "run", config, ignore_events)
    assert (report.series, report.seasons) == (1000, (7,))
    assert report.windows["val"] == report.windows["test"] == 1000
    dataset = load_dataset(open_run(tmp_path / "run"))
    begin = dataset.series.offset
    result = dataset.inverse_transform_targets(dataset.values_scaled[begin][:, None], np.arange(1000))[
        :, 0, 0
    ]
    np.testing.assert_allclose(result, [first[name] for name in dataset.series.names], rtol=1e-5)
    part = load_windows(tmp_path / "run", "train").sample(1500)
    assert len(np.unique(part.series)) == 1000


def test_seasons_are_given_in_any_order(tmp_path: Path) -> None:
    source = write_hourly(tmp_path / "hours.csv", {"A": 600})
    config = PrepareConfig(target=("load",), season=(168, 24), end="row:500")
    report = prepare(source, tmp_path / "run", config, ignore_events)
    assert (report.season, report.seasons, report.season_reason) == (24, (24, 168), "given by --season")
    assert open_run(tmp_path / "run").report("prepare")["seasons"] == [24, 168]


def test_a_rejected_season_is_explained(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(size=200)
    source = daily(tmp_path / "a.csv", [f"{value:.3f}" for value in noise])
    report = prepare(source, tmp_path / "run", PrepareConfig(), ignore_events)
    assert report.season_reason == "the training rows of daily data do not confirm 7"


@pytest.mark.parametrize(("how", "second"), [("first", 20.0), ("last", 40.0), ("mean", 30.0), ("sum", 60.0)])
def test_the_run_holds_the_combined_duplicates(tmp_path: Path, how: str, second: float) -> None:
    rng = np.random.default_rng(0)
    values = [10.0, 20.0, *rng.integers(1, 100, size=98).tolist()]
    source = daily(tmp_path / "a.csv", [str(value) for value in values])
    with Path(source).open("a") as file:
        file.write("2024-01-02,40\n")
    config = PrepareConfig(duplicates=how, lookback=7, horizon=2, season="none")
    report = prepare(source, tmp_path / "run", config, ignore_events)
    assert report.target_sum == pytest.approx(sum(values) - 20 + second)
    dataset = load_dataset(open_run(tmp_path / "run"))
    stored = dataset.scaler.inverse_transform(dataset.values_scaled, 0)
    np.testing.assert_allclose(stored[:3, 0], [10, second, values[2]], rtol=1e-5)


def test_settings_that_contradict_each_other_are_named() -> None:
    with pytest.raises(UsageError, match="--holidays 'DE' is given twice"):
        PrepareConfig(holidays=("DE", "DE"))
    with pytest.raises(UsageError, match="--static cannot be used with --wide"):
        PrepareConfig(wide=True, static=("a",))
