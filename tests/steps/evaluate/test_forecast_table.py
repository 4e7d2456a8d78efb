"""Tests of `evaluate --forecasts`: the table has the windows, the values of the file and the errors of the report."""

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from small_steps import LINEAR, PREPARE

from lstm_cli.config import EvaluateConfig
from lstm_cli.data.forecast import window_table
from lstm_cli.errors import GateFailed, OutputError, UsageError
from lstm_cli.events import Event, Note, ignore_events
from lstm_cli.steps.dry_run import plan_evaluate
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.evaluate.report import EvaluateReport
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

SHOPS = {"=A": 50.0, 'B,"x"': 900.0}  # a formula, and a name that CSV must quote
ROWS, HORIZON = 130, 7
MISSING = {"=A": (110, 118, 119), 'B,"x"': (126,)}  # rows without sales, all in the test split


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a panel of two shops with two targets, dates as day/month/year and missing values."""
    rng = np.random.default_rng(3)
    path = tmp_path_factory.mktemp("table") / "panel.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["day", "shop", "sales", "visits"])
        for shop, level in SHOPS.items():
            for row in range(ROWS):
                day = (np.datetime64("2024-01-01") + row).item()
                wave = 1 + 0.3 * np.sin(row * 2 * np.pi / 7) + 0.02 * rng.normal()
                sales = "" if row in MISSING[shop] else f"{level * wave:.2f}"
                writer.writerow([day.strftime("%d/%m/%Y"), shop, sales, round(3 * level * wave)])
    return path


@pytest.fixture(scope="module")
def linear_run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of the panel with a linear model. Tests must not change it."""
    run = tmp_path_factory.mktemp("table") / "run"
    config = {"target": ("sales", "visits"), "past": (), "future": (), "missing": "interpolate"}
    prepare(str(data), run, type(PREPARE)(**{**vars(PREPARE), **config}), ignore_events)
    train(run, LINEAR, ignore_events)
    return run


@pytest.fixture
def own_run(linear_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(linear_run, tmp_path / "run"))


def tabulated(run: Path, path: Path, *, listen: Any = ignore_events, **options: Any) -> EvaluateReport:
    return evaluate(run, EvaluateConfig(threads=1, forecasts=str(path), **options), listen)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def numbers(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row[name] or "nan") for row in rows])


def mean_error(rows: list[dict[str, str]], name: str = "forecast") -> float:
    return float(np.nanmean(np.abs(numbers(rows, "truth") - numbers(rows, name))))


def test_the_errors_of_the_table_are_those_of_the_report(own_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "forecasts.csv"
    report = tabulated(own_run, path)
    rows = read_rows(path)
    assert report.to_json()["forecasts"] == {"path": str(path), "rows": len(rows)}
    assert len(rows) == report.windows * 2 * HORIZON
    assert mean_error(rows) == pytest.approx(report.metrics["mae"], rel=1e-6)
    assert mean_error(rows, "seasonal_naive") == pytest.approx(
        report.baselines["seasonal_naive"]["mae"], rel=1e-6
    )
    for target, scores in report.per_target.items():
        assert mean_error([row for row in rows if row["target"] == target]) == pytest.approx(
            scores["mae"], rel=1e-6
        )
    for shop, scores in report.per_series.items():
        own = [row for row in rows if row["shop"].removeprefix("'") == shop]
        assert mean_error(own) == pytest.approx(scores["mae"], rel=1e-6)
    for step in report.per_step:
        own = [row for row in rows if int(row["step"]) == step["step"]]
        assert mean_error(own) == pytest.approx(step["mae"], rel=1e-6)
    measured = [row for row in rows if row["truth"]]
    truth = numbers(measured, "truth")
    for level, coverage in report.coverage.items():
        inside = (numbers(measured, f"lo{level}") <= truth) & (truth <= numbers(measured, f"hi{level}"))
        assert 100 * inside.mean() == pytest.approx(coverage)
    assert numbers(rows, "q10").tolist() == numbers(rows, "lo80").tolist()
    quantiles = np.stack([numbers(rows, f"q{tenths}0") for tenths in range(1, 10)])
    assert (np.diff(quantiles, axis=0) >= 0).all()


def test_each_row_has_the_text_of_the_file(own_run: Path, data: Path, tmp_path: Path) -> None:
    """Truth and times are those of the file. The origin is the row before the first step."""
    path = tmp_path / "forecasts.csv"
    tabulated(own_run, path)
    days = [line["day"] for line in read_rows(data)][:ROWS]
    source = {(line["shop"], line["day"]): line for line in read_rows(data)}
    rows = read_rows(path)
    assert list(rows[0])[:6] == ["shop", "target", "origin", "time", "step", "truth"]
    for row in rows:
        shop = row["shop"].removeprefix("'")
        assert row["shop"] == ("'=A" if shop == "=A" else 'B,"x"')
        text = source[shop, row["time"]][row["target"]]
        assert (
            (float(row["truth"]) == float(text) and len(row["truth"]) <= len(text))
            if text
            else not row["truth"]
        )
        assert days.index(row["time"]) == days.index(row["origin"]) + int(row["step"])
    assert sum(not row["truth"] for row in rows) > 0
    first = rows[: 2 * HORIZON]
    assert [row["target"] for row in first] == ["sales"] * HORIZON + ["visits"] * HORIZON
    assert [row["step"] for row in first] == [str(step) for step in range(1, HORIZON + 1)] * 2


def test_parquet_has_the_rows_of_the_csv(
    own_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window_table, "ROW_GROUP", 100)
    monkeypatch.setattr(window_table, "BLOCK_ROWS", 30)
    text, binary = tmp_path / "forecasts.csv", tmp_path / "forecasts.parquet"
    tabulated(own_run, text)
    tabulated(own_run, binary)
    file = pyarrow.parquet.ParquetFile(binary)
    assert file.num_row_groups > 2
    table = file.read().to_pylist()
    rows = read_rows(text)
    assert list(table[0]) == list(rows[0])
    assert len(table) == len(rows)
    for row, other in zip(rows, table, strict=True):
        assert row["shop"].removeprefix("'") == other["shop"]
        assert (row["target"], int(row["step"])) == (other["target"], other["step"])
        assert (row["origin"], row["time"]) == tuple(
            other[name].strftime("%d/%m/%Y") for name in ("origin", "time")
        )
        assert (row["truth"] == "") == (other["truth"] is None)
    for name in ("truth", "forecast", "lo95", "q70", "seasonal_naive"):
        exact = np.array([np.nan if row[name] is None else row[name] for row in table])
        np.testing.assert_allclose(numbers(rows, name), exact, rtol=1e-11)


def test_a_stride_keeps_every_nth_window_of_each_series(own_run: Path, tmp_path: Path) -> None:
    tabulated(own_run, tmp_path / "all.csv")
    tabulated(own_run, tmp_path / "some.csv", stride=HORIZON)
    every, some = read_rows(tmp_path / "all.csv"), read_rows(tmp_path / "some.csv")
    for shop in ("'=A", 'B,"x"'):
        origins = list(dict.fromkeys(row["origin"] for row in every if row["shop"] == shop))
        kept = list(dict.fromkeys(row["origin"] for row in some if row["shop"] == shop))
        assert kept == origins[::HORIZON]
        assert len(kept) > 1
    lines = {tuple(row.values()) for row in every}
    assert sum(tuple(row.values()) in lines for row in some) == len(some)


def test_scores_that_are_up_to_date_are_not_made_again(own_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "forecasts.csv"
    tabulated(own_run, path)
    first, manifest = path.read_bytes(), (own_run / "run.json").read_bytes()
    path.unlink()
    events: list[Event] = []
    report = tabulated(own_run, path, listen=events.append)
    assert report.up_to_date
    assert report.forecasts == {"path": str(path), "rows": first.count(b"\n") - 1}
    assert path.read_bytes() == first
    assert (own_run / "run.json").read_bytes() == manifest
    assert "computed again" in "".join(event.text for event in events if isinstance(event, Note))
    assert "forecasts" not in evaluate(own_run, EvaluateConfig(threads=1), ignore_events).to_json()


def test_the_table_is_written_before_a_condition_fails(own_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "forecasts.csv"
    with pytest.raises(GateFailed) as failed:
        tabulated(own_run, path, fail_if=("mae>0",), stride=5)
    assert failed.value.report.forecasts == {"path": str(path), "rows": len(read_rows(path))}


def test_a_full_disk_keeps_the_scores_and_the_old_table(
    own_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "forecasts.csv"
    path.write_text("old")

    def full(table: window_table.CsvTable, rows: window_table.TableRows) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(window_table.CsvTable, "_add", full)
    with pytest.raises(OutputError, match="disk full"):
        tabulated(own_run, path)
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir() if item.name.startswith(".")] == []
    assert evaluate(own_run, EvaluateConfig(threads=1), ignore_events).up_to_date


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("absent/f.csv", OutputError),
        ("run/f.csv", UsageError),
        (".", UsageError),
        ("f.json", UsageError),
        ("f.csv.gz", UsageError),
        ("f.xlsx", UsageError),
    ],
)
def test_a_path_that_cannot_be_written_is_refused_before_any_work(
    own_run: Path, tmp_path: Path, name: str, error: type[Exception]
) -> None:
    config = EvaluateConfig(forecasts=str(tmp_path / name))
    manifest = (own_run / "run.json").read_bytes()
    for call in (
        lambda: evaluate(own_run, config, ignore_events),
        lambda: plan_evaluate(own_run, config, force=False),
    ):
        with pytest.raises(error):
            call()
    assert (own_run / "run.json").read_bytes() == manifest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "d", "forecasts": "d/per_step.csv"}, "-o and --forecasts both write d/per_step.csv"),
        ({"output": "d", "plot": "e/../d/forecasts.png"}, "-o and --plot both write e/../d/forecasts.png"),
        ({"forecasts": "e/f", "plot": "e/f"}, "--forecasts and --plot both write e/f"),
    ],
)
def test_two_options_for_the_same_file_are_refused(
    own_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("d", "e"):
        Path(folder).mkdir()
    config = EvaluateConfig(threads=1, **options)  # type: ignore[arg-type]
    for call in (
        lambda: evaluate(own_run, config, ignore_events),
        lambda: plan_evaluate(own_run, config, force=False),
    ):
        with pytest.raises(UsageError, match=message):
            call()
    assert not any(any(Path(folder).iterdir()) for folder in ("d", "e"))


def test_a_dry_run_names_the_table_even_if_the_scores_are_up_to_date(own_run: Path, tmp_path: Path) -> None:
    config = EvaluateConfig(threads=1, forecasts=str(tmp_path / "f.csv"))
    assert plan_evaluate(own_run, config, force=False).writes[-1] == str(tmp_path / "f.csv")
    tabulated(own_run, tmp_path / "f.csv")
    plan = plan_evaluate(own_run, config, force=False)
    assert plan.up_to_date
    assert plan.writes == (str(tmp_path / "f.csv"),)


@pytest.mark.parametrize("options", [{"reuse": True}, {}])
def test_the_rows_of_each_cut_off_have_the_errors_of_its_fold(
    own_run: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    path = tmp_path / "forecasts.csv"
    report = tabulated(own_run, path, backtest=2, **options)
    assert report.backtest is not None
    rows = read_rows(path)
    cut_offs = list(dict.fromkeys(row["cut_off"] for row in rows))
    assert cut_offs[0] == ""
    assert mean_error([row for row in rows if not row["cut_off"]]) == pytest.approx(
        report.metrics["mae"], rel=1e-6
    )
    folds = report.backtest["folds"]
    assert len(folds) == len(cut_offs) - 1
    for fold, cut_off in zip(folds, cut_offs[1:], strict=True):
        own = [row for row in rows if row["cut_off"] == cut_off]
        year, month, day = fold["cut"][:10].split("-")
        assert cut_off == f"{day}/{month}/{year}"
        assert len(own) == fold["windows"] * 2 * HORIZON
        assert mean_error(own) == pytest.approx(fold["metrics"]["mae"], rel=1e-5)  # torch on another batch
        seasonal = fold["baselines"]["seasonal_naive"]["mae"]
        assert mean_error(own, "seasonal_naive") == pytest.approx(seasonal, rel=1e-6)
        assert (numbers(own, "lo80") <= numbers(own, "hi80")).all()


@pytest.mark.parametrize("options", [{}, {"backtest": 2, "reuse": True}])
def test_the_example_of_the_guide_prints_the_error_of_the_report(
    own_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: dict[str, Any],
) -> None:
    report = tabulated(own_run, tmp_path / "forecasts.csv", **options)
    guide = Path(__file__).parents[3] / "docs" / "how-to" / "evaluate.md"
    example = guide.read_text().partition("```python\nimport pandas")[2].partition("```")[0]
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    exec(f"import pandas{example}", {})
    assert float(capsys.readouterr().out.split()[0]) == pytest.approx(report.metrics["mae"], rel=1e-6)


def test_an_interrupted_table_leaves_nothing(own_run: Path, tmp_path: Path) -> None:
    from lstm_cli.errors import Interrupted

    path = tmp_path / "forecasts.csv"
    config = EvaluateConfig(threads=1, forecasts=str(path), backtest=2, reuse=True)
    with pytest.raises(Interrupted):
        evaluate(own_run, config, ignore_events, should_stop=lambda: 15)
    assert not path.exists()
