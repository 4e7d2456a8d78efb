"""Tests of `lstm predict --samples`."""

import csv
import dataclasses
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from small_steps import LINEAR, PREPARE

from lstm_cli import system_memory
from lstm_cli.cli.main import run as lstm
from lstm_cli.config import PredictConfig, PrepareConfig
from lstm_cli.errors import DataError, DeviceError, MissingArtifact, UsageError
from lstm_cli.evaluation.quantiles.intervals import Intervals
from lstm_cli.events import ignore_events
from lstm_cli.inference import trained_model
from lstm_cli.steps.dry_run import plan_predict
from lstm_cli.steps.predict import PredictReport, predict, sample_paths
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

STEPS = 7
SYMMETRIC = Intervals(
    half=np.tile([[3.0], [6.0]], STEPS),
    floor=np.array([0.05]),
    season=7,
    lookback=14,
    optimism=1.0,
    horizons=50.0,
)


@pytest.fixture(scope="module")
def made(panel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with bounds that some sample paths reach. Tests must not change it."""
    run = tmp_path_factory.mktemp("samples") / "run"
    prepare(str(panel), run, dataclasses.replace(PREPARE, past=(), future=()), ignore_events)
    train(run, dataclasses.replace(LINEAR, min=38.0, max=1150.0), ignore_events)
    return run


def forecast(run: Path, new: str | None = None, **options: Any) -> tuple[PredictReport, list[list[str]]]:
    """Return the report, and the lines of the CSV."""
    out = io.BytesIO()
    report = predict(run, new, PredictConfig(threads=1, **options), ignore_events, stdout=out)
    return report, list(csv.reader(out.getvalue().decode().splitlines()))


def paths_of(lines: list[list[str]], series: str) -> np.ndarray:
    """Return the sample paths [N, steps] of a series."""
    rows = [line for line in lines[1:] if line[1 if lines[0][1] == "shop" else 0] == series]
    count = max(int(row[2]) for row in rows)
    return np.array([float(row[3]) for row in rows]).reshape(count, -1)


def test_rows_are_by_series_then_sample_then_time(made: Path) -> None:
    report, (header, *rows) = forecast(made, samples=3)
    assert header == ["shop", "day", "sample", "sales"]
    days = [str(np.datetime64("2024-05-10") + step) for step in range(STEPS)]
    assert [row[:3] for row in rows] == [
        [shop, day, str(sample)] for shop in ("A", "B") for sample in (1, 2, 3) for day in days
    ]
    assert (report.samples, report.seed, report.rows, report.series) == (3, 0, 42, 2)
    assert (report.levels, report.quantiles) == ((), ())
    assert report.findings == ()


def test_the_seed_fixes_the_paths(made: Path) -> None:
    first = forecast(made, samples=5)[1]
    assert forecast(made, samples=5, seed=0)[1] == first
    other = forecast(made, samples=5, seed=1)
    assert other[0].seed == 1
    assert [row[:3] for row in other[1]] == [row[:3] for row in first]
    assert (paths_of(other[1], "A") != paths_of(first, "A")).mean() > 0.8


def test_a_seed_without_samples_is_refused(made: Path) -> None:
    with pytest.raises(UsageError, match="--seed works only with --samples"):
        forecast(made, seed=1)
    with pytest.raises(UsageError, match="--seed works only with --samples"):
        plan_predict(made, None, PredictConfig(seed=1))


def test_the_paths_of_a_series_do_not_depend_on_other_series(made: Path) -> None:
    both, alone = forecast(made, samples=5)[1], forecast(made, samples=5, only=("B",))[1]
    np.testing.assert_allclose(paths_of(alone, "B"), paths_of(both, "B"), rtol=1e-5)
    scaled = [np.argsort(paths_of(both, shop)[:, 0]).tolist() for shop in ("A", "B")]
    assert scaled[0] != scaled[1]  # each series has its own random numbers


def test_blocks_of_paths_are_the_same_paths(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = paths_of(forecast(made, samples=8)[1], "A")
    monkeypatch.setattr(sample_paths, "NOISE_CELLS", 3 * STEPS)
    monkeypatch.setattr(sample_paths, "KNOT_CELLS", 1)
    np.testing.assert_allclose(paths_of(forecast(made, samples=8)[1], "A"), whole, rtol=1e-5)


def test_many_paths_have_the_quantiles_of_the_forecast_within_the_bounds(made: Path) -> None:
    wanted = (0.05, 0.1, 0.5, 0.9, 0.95)
    lines = forecast(made, samples=4000)[1]
    _, (_, *rows) = forecast(made, intervals=False, quantiles=wanted)
    for shop in ("A", "B"):
        quantiles = np.array([row[3:] for row in rows if row[0] == shop], dtype=float).T
        paths = paths_of(lines, shop)
        assert paths.min() >= 38
        assert paths.max() <= 1150
        width = (quantiles[-1] - quantiles[0]).max()
        assert np.abs(np.quantile(paths, wanted, axis=0) - quantiles).max() < 0.06 * width
    assert (paths_of(lines, "A").min(), paths_of(lines, "B").max()) == (38, 1150)


@pytest.mark.parametrize("format", ["json", "parquet"])
def test_each_format_has_the_same_rows(made: Path, tmp_path: Path, format: str) -> None:
    header, *rows = forecast(made, samples=2)[1]
    output = tmp_path / f"paths.{format}"
    predict(made, None, PredictConfig(threads=1, output=str(output), samples=2), ignore_events)
    if format == "json":
        read = json.loads(output.read_text())
        assert {type(row["sample"]) for row in read} == {int}
    else:
        read = pyarrow.parquet.read_table(output).to_pylist()
        assert {type(row["sample"]) for row in read} == {int}
    assert [list(row) for row in read] == [header] * len(rows)
    assert [(row["shop"], str(row["day"])[:10], str(row["sample"])) for row in read] == [
        tuple(row[:3]) for row in rows
    ]
    np.testing.assert_allclose([row["sales"] for row in read], [float(row[3]) for row in rows], rtol=1e-6)


@pytest.mark.parametrize("steps", [3, 16])
def test_fewer_and_more_steps(made: Path, steps: int) -> None:
    report, lines = forecast(made, samples=300, horizon=steps)
    paths = paths_of(lines, "B")
    assert paths.shape == (300, steps)
    assert [finding["rule"] for finding in report.findings] == (["M103"] if steps > STEPS else [])
    if steps > STEPS:
        assert paths[:, -1].std() >= 0.9 * paths[:, STEPS - 1].std()


def test_unmeasured_errors_beyond_the_horizon_warn(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_paths, "load_intervals", lambda run: SYMMETRIC)
    report, _ = forecast(made, samples=2, horizon=9)
    assert "so the sample paths widen" in report.warnings[1]
    assert report.findings[1]["flags"] == ("--samples",)


def test_a_calibration_that_supports_little_warns(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Intervals, "supported", (0.1, 0.9))
    monkeypatch.setattr(sample_paths, "load_intervals", lambda run: SYMMETRIC)
    report, _ = forecast(made, samples=2)
    assert [finding["rule"] for finding in report.findings] == ["M131"]
    assert "supports the quantiles 0.1 to 0.9" in report.warnings[0]


def test_a_column_named_sample_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = "".join(
        f"{np.datetime64('2024-01-01') + row},{a:.3f},{b:.3f}\n"
        for row, (a, b) in enumerate(rng.random((90, 2)))
    )
    (tmp_path / "c.csv").write_text("day,y,sample\n" + rows)
    run = tmp_path / "run"
    prepare(
        str(tmp_path / "c.csv"),
        run,
        PrepareConfig(target=("y", "sample"), horizon=3, lookback=7),
        ignore_events,
    )
    train(run, LINEAR, ignore_events)
    with pytest.raises(DataError, match="the sample column 'sample' has a duplicate name") as refused:
        forecast(run, samples=2)
    assert (refused.value.rule, refused.value.flags) == ("D809", ("--samples",))
    assert forecast(run)[1][0][:2] == ["day", "y"]


def test_a_model_of_an_older_release_has_no_paths(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(made, tmp_path / "run"))
    monkeypatch.setattr(trained_model, "STEP_CORRELATIONS", "not written by older releases")
    for attempt in (forecast, lambda run, **given: plan_predict(run, None, PredictConfig(**given))):
        with pytest.raises(MissingArtifact, match="a release without sample paths") as refused:
            attempt(run, samples=2)
        assert refused.value.hint == f"run 'lstm train {run} --force' to add them"
    assert lstm(["predict", str(run), "--samples", "2", "-q"]) == 4
    assert forecast(run)[1][0][-1] == "sales_hi95"
    capsys.readouterr()


def test_a_plain_forecast_does_not_read_the_dependence(made: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(made, tmp_path / "run"))
    usual = forecast(run)[1]
    (run / "model" / "0001" / "step_correlations.npy").unlink()
    assert forecast(run)[1] == usual


def test_short_series_are_left_out(panel: Path, tmp_path: Path) -> None:
    """Leave out what only the baseline forecasts: it has no sample paths."""
    short = [f"2024-05-{day:02},C,{day},5,0" for day in range(1, 10)]
    source = tmp_path / "panel.csv"
    source.write_text(panel.read_text() + "\n".join(short) + "\n")
    run = tmp_path / "run"
    prepare(str(source), run, dataclasses.replace(PREPARE, past=(), future=()), ignore_events)
    train(run, LINEAR, ignore_events)
    report, (_, *rows) = forecast(run, samples=2)
    assert {row[0] for row in rows} == {"A", "B"}
    assert [finding["rule"] for finding in report.findings] == ["D830"]
    assert "1 of 3 series have too few rows for the model: 'C'" in report.warnings[0]
    assert (report.series, report.baseline_series) == (2, ())
    with pytest.raises(DataError, match="too few rows for the model") as refused:
        forecast(run, samples=2, only=("C",))
    assert refused.value.rule == "D831"
    assert forecast(run, only=("C",))[0].baseline_series == ("C",)


def test_more_paths_than_memory_are_refused_and_planned(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (
        plan_predict(made, None, PredictConfig(samples=samples)).memory["need"] for samples in (10, 10_000)
    )
    assert many - few > (10_000 - 10) * 2 * STEPS * 8
    monkeypatch.setattr(
        system_memory.require_memory,
        "__kwdefaults__",
        {"mapped": 0, "have": lambda mapped=0: 75_000_000},
    )
    forecast(made, samples=10)
    with pytest.raises(DeviceError, match="drawing sample paths") as refused:
        forecast(made, samples=10_000, horizon=100)
    assert "--samples" in (refused.value.hint or "")
