"""Tests of panel splits: all series are split at one time, so training rows come before validation and test rows."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_steps import LINEAR

from lstm_cli.config import EvaluateConfig, PrepareConfig, QuantizeConfig
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.panel_times import PanelSplits
from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.errors import DataError
from lstm_cli.events import ignore_events
from lstm_cli.linear.validation_blocks import earlier_splits
from lstm_cli.rundir import open_run
from lstm_cli.steps.check import check
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.quantize import quantize
from lstm_cli.steps.train import train

CONFIG = PrepareConfig(target=("sales",), series=("shop",), horizon=7, lookback=14)
FIRST = np.datetime64("2024-01-01")
# Shop: its first and its last day. The union is days 0 to 199: 40 for testing from day 160, 20 before from day 140.
SHOPS = {"old": (0, 199), "young": (90, 199), "closed": (0, 119), "closing": (20, 149), "new": (135, 199)}


def write(path: Path, shops: dict[str, tuple[int, int]] = SHOPS, *, garbage_from: int = 1_000) -> str:
    lines = ["day,shop,sales"]
    for number, (name, (first, last)) in enumerate(shops.items()):
        noise = np.random.default_rng(number).normal(size=1_000)
        for day in range(first, last + 1):
            sales = 10.0**number * (20 + 5 * np.sin(day * 2 * np.pi / 7) + noise[day])
            sales = sales if day < garbage_from else 123.0 + 7 * (day % 5)
            lines.append(f"{FIRST + day},{name},{sales:.4f}")
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def loaded(run: Path) -> Dataset:
    with open_run(run) as opened:
        return load_dataset(opened)


def days_of(dataset: Dataset, split: str) -> np.ndarray:
    """Return the days of all targets in the windows of a split, counted from the first day of the panel."""
    windows = split_windows(dataset, split)
    table = dataset.series
    rows = windows.origins - table.offset[windows.series]
    first = table.origin_us[windows.series] // 86_400_000_000 - FIRST.astype("datetime64[D]").astype(np.int64)
    days: np.ndarray = (first + rows)[:, None] + np.arange(dataset.schema.horizon)
    return days


@pytest.mark.parametrize(
    ("val", "test"), [("0.1", "0.2"), ("20", "40"), ("2024-05-20", "2024-06-09"), ("20", "2024-06-09")]
)
def test_every_training_row_is_earlier_than_every_validation_row(val: str, test: str, tmp_path: Path) -> None:
    config = replace(CONFIG, val=val, test=test)
    report = prepare(write(tmp_path / "a.csv"), tmp_path / "run", config, ignore_events)
    dataset = loaded(tmp_path / "run")
    assert dataset.series.names == ("old", "young", "closed", "closing")
    assert dataset.series.train_end.tolist() == [140, 50, 120, 120]
    assert dataset.series.val_end.tolist() == [160, 70, 120, 130]
    assert [warning for warning in report.warnings if "'new'" in warning and "2024-05-20" in warning]
    train_days, val_days, test_days = (days_of(dataset, split) for split in ("train", "val", "test"))
    assert (train_days.max(), val_days.min(), val_days.max(), test_days.min()) == (139, 140, 159, 160)
    assert set(split_windows(dataset, "val").series.tolist()) == {0, 1, 3}
    assert set(split_windows(dataset, "test").series.tolist()) == {0, 1}


def test_check_prepare_and_evaluate_agree(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv")
    ours = check(source, CONFIG, ignore_events)
    theirs = prepare(source, tmp_path / "run", CONFIG, ignore_events)
    assert (ours.windows, ours.split_rows) == (theirs.windows, theirs.split_rows)
    assert theirs.split_rows == {"train": 140 + 50 + 120 + 120, "val": 20 + 20 + 0 + 10, "test": 40 + 40}
    assert theirs.windows["test"] == 2 * (40 - 7 + 1)
    train(tmp_path / "run", LINEAR, ignore_events)
    report = evaluate(tmp_path / "run", EvaluateConfig(threads=1), ignore_events)
    assert report.windows == theirs.windows["test"]
    assert [name for name, scores in report.per_series.items() if scores["mae"] is None] == [
        "closed",
        "closing",
    ]
    assert {one["series"] for one in report.worst} == {"old", "young"}
    table = Path(report.picture).parent / "per_series.csv"
    assert "\nclosed,,,,,," in table.read_text()
    val = evaluate(tmp_path / "run", EvaluateConfig(threads=1, split="val"), ignore_events)
    assert val.windows == theirs.windows["val"] == 2 * (20 - 7 + 1) + (10 - 7 + 1)
    assert quantize(tmp_path / "run", QuantizeConfig(max_loss=10.0), ignore_events).run


def model_files(folder: Path, *, garbage_from: int) -> dict[str, bytes]:
    """Train, and return the model files and the other files that `predict` reads."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    prepare(write(folder / "a.csv", garbage_from=garbage_from), folder / "run", CONFIG, ignore_events)
    train(folder / "run", replace(LINEAR, refit=True), ignore_events)
    files = (folder / "run" / "model" / "0001").iterdir()
    return {
        path.name: path.read_bytes()
        for path in files
        if path.suffix != ".jsonl" and path.name != "series.json"
    }


def test_garbage_after_the_border_changes_nothing_of_the_model(tmp_path: Path) -> None:
    whole = model_files(tmp_path / "a", garbage_from=1_000)
    assert model_files(tmp_path / "b", garbage_from=160) == whole
    assert model_files(tmp_path / "c", garbage_from=159) != whole  # the refit knows the last validation row


def test_garbage_from_validation_on_changes_nothing_that_is_fitted_on_training_rows(tmp_path: Path) -> None:
    result = []
    for garbage_from in (1_000, 140):
        run = tmp_path / f"run{garbage_from}"
        prepare(write(tmp_path / "a.csv", garbage_from=garbage_from), run, CONFIG, ignore_events)
        data = run / "data" / "0001"
        names = ("scaler.json", "training.json", "schema.json")
        result.append({name: (data / name).read_bytes() for name in names})
    assert result[0] == result[1]


def test_the_blocks_before_validation_are_divided_at_one_time_too(tmp_path: Path) -> None:
    prepare(write(tmp_path / "a.csv"), tmp_path / "run", CONFIG, ignore_events)
    dataset = loaded(tmp_path / "run")
    blocks = earlier_splits(dataset)
    assert blocks
    for back, block in enumerate(blocks, start=1):
        splits = PanelSplits.from_splits(block.schema, block.series)
        assert splits is not None
        assert (splits.train_end, splits.val_end) == (140 - 20 * back, 160 - 20 * back)


def test_a_backtest_of_a_panel_has_one_time_for_all_series(tmp_path: Path) -> None:
    prepare(write(tmp_path / "a.csv"), tmp_path / "run", CONFIG, ignore_events)
    train(tmp_path / "run", LINEAR, ignore_events)
    reused, retrained = (
        evaluate(tmp_path / "run", EvaluateConfig(threads=1, backtest=2, reuse=reuse), ignore_events).backtest
        for reuse in (True, False)
    )
    assert reused is not None
    assert retrained is not None
    for result in (reused, retrained):  # days 160 and 180
        assert [fold["cut"] for fold in result["folds"]] == ["2024-06-09T00:00:00", "2024-06-29T00:00:00"]
        assert [fold["windows"] for fold in result["folds"]] == [2 * (20 - 7 + 1)] * 2


def test_a_fold_without_a_window_is_refused(tmp_path: Path) -> None:
    """On day 95, the first of 15 folds has no shop: the old one ended, and the new one is too short."""
    source = write(tmp_path / "a.csv", {"old": (0, 91), "new": (88, 199)})
    prepare(source, tmp_path / "run", replace(CONFIG, val="20", test="40"), ignore_events)
    train(tmp_path / "run", LINEAR, ignore_events)
    with pytest.raises(DataError, match=r"no series has a test window at the cut-off 2024-04-05") as caught:
        evaluate(tmp_path / "run", EvaluateConfig(threads=1, backtest=15), ignore_events)
    assert "--backtest" in caught.value.hint


def test_series_that_share_no_time_keep_splits_of_their_own(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", {"first": (0, 99), "second": (100, 249)})
    report = prepare(source, tmp_path / "run", CONFIG, ignore_events)
    series = loaded(tmp_path / "run").series
    assert (series.train_end.tolist(), series.val_end.tolist()) == ([70, 105], [80, 120])
    assert report.ended == ()
    assert [warning for warning in report.warnings if "no two series share a time" in warning]
    dates = replace(CONFIG, val="2024-05-20", test="2024-06-09")
    findings = check(source, dates, ignore_events).findings
    assert not [finding for finding in findings if "share a time" in finding["text"]]


def test_rows_without_times_keep_splits_of_their_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = [f"{shop},{rng.normal():.4f}" for shop, rows in (("A", 100), ("B", 200)) for _ in range(rows)]
    (tmp_path / "a.csv").write_text("\n".join(["shop,sales", *lines]) + "\n")
    report = prepare(str(tmp_path / "a.csv"), tmp_path / "run", CONFIG, ignore_events)
    assert loaded(tmp_path / "run").series.val_end.tolist() == [80, 160]
    assert [warning for warning in report.warnings if "so each series is split" in warning]
    assert report.ended == ()


def test_one_series_has_no_warning(tmp_path: Path) -> None:
    report = prepare(write(tmp_path / "a.csv", {"one": (0, 99)}), tmp_path / "run", CONFIG, ignore_events)
    assert report.warnings == ()
    assert loaded(tmp_path / "run").series.train_end.tolist() == [70]
