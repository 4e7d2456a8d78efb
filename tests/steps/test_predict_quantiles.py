"""Tests of `lstm predict --level` and `--quantiles`."""

import csv
import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pytest
from small_steps import LINEAR, PREPARE

from lstm_cli.cli.main import run as lstm
from lstm_cli.config import PredictConfig, PrepareConfig
from lstm_cli.errors import DataError, MissingArtifact
from lstm_cli.evaluation.quantiles.intervals import Intervals
from lstm_cli.events import ignore_events
from lstm_cli.steps.dry_run import plan_predict
from lstm_cli.steps.predict import PredictReport, predict, requested_quantiles
from lstm_cli.steps.predict.requested_quantiles import interval_probabilities
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

DEFAULT = ["sales_lo80", "sales_hi80", "sales_lo95", "sales_hi95"]


@pytest.fixture(scope="module")
def made(panel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run with bounds that some quantiles reach. Tests must not change it."""
    run = tmp_path_factory.mktemp("quantiles") / "run"
    prepare(str(panel), run, dataclasses.replace(PREPARE, past=(), future=()), ignore_events)
    train(run, dataclasses.replace(LINEAR, min=40.0, max=1100.0), ignore_events)
    return run


@pytest.fixture(autouse=True)
def symmetric(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each run symmetric intervals with half widths of 3 and 6 spreads, as in a run of 0.1.0."""
    intervals = Intervals(
        half=np.tile([[3.0], [6.0]], 7),
        floor=np.array([0.05]),
        season=7,
        lookback=14,
        optimism=1.0,
        horizons=50.0,
        growth=(1.2,),
    )
    monkeypatch.setattr(requested_quantiles, "load_intervals", lambda run: intervals)


def forecast(run: Path, **options: object) -> tuple[PredictReport, dict[str, list[str]]]:
    """Return the report, and the cells of each column of numbers."""
    out = io.BytesIO()
    report = predict(run, None, PredictConfig(threads=1, **options), ignore_events, stdout=out)  # type: ignore[arg-type]
    header, *rows = csv.reader(out.getvalue().decode().splitlines())
    return report, dict(list(zip(header, map(list, zip(*rows, strict=True)), strict=True))[2:])


def numbers(columns: dict[str, list[str]], *names: str) -> np.ndarray:
    return np.array([columns[name] for name in names], dtype=float)


def supporting(monkeypatch: pytest.MonkeyPatch, lowest: float, highest: float) -> None:
    monkeypatch.setattr(Intervals, "supported", (lowest, highest))


def test_quantiles_follow_the_intervals_in_ascending_order(made: Path) -> None:
    report, columns = forecast(made, quantiles=(0.9, 0.5, 0.025, 0.5))
    assert list(columns) == ["sales", *DEFAULT, "sales_q2.5", "sales_q50", "sales_q90"]
    assert columns["sales_q50"] == columns["sales"]
    assert columns["sales_q90"] == columns["sales_hi80"]
    assert columns["sales_q2.5"] == columns["sales_lo95"]
    assert (report.levels, report.quantiles) == ((80, 95), (0.025, 0.5, 0.9))


def test_levels_replace_the_default(made: Path) -> None:
    report, columns = forecast(made, level=(90.0, 12.5, 90.0))
    assert list(columns) == ["sales", "sales_lo12.5", "sales_hi12.5", "sales_lo90", "sales_hi90"]
    assert json.dumps(report.to_json()["levels"]) == "[12.5, 90]"
    _, same = forecast(made, intervals=False, quantiles=(0.05, 0.95))
    assert list(same) == ["sales", "sales_q5", "sales_q95"]
    assert (columns["sales_lo90"], columns["sales_hi90"]) == (same["sales_q5"], same["sales_q95"])


def test_without_intervals_and_quantiles_there_are_none(made: Path) -> None:
    report, columns = forecast(made, intervals=False)
    assert (list(columns), report.levels, report.quantiles) == (["sales"], (), ())


@pytest.mark.parametrize("level", [50, 80, 90, 95, 99.5, 99.9])
def test_the_ends_of_an_interval_are_decimals(level: float) -> None:
    low, high = interval_probabilities(level)
    assert (str(low), str(high)) == (f"{(100 - level) / 200:.6g}", f"{(100 + level) / 200:.6g}")


def test_quantiles_never_cross_and_obey_the_bounds(made: Path) -> None:
    rng = np.random.default_rng(0)
    wanted = np.unique(rng.uniform(0.025, 0.975, 200).round(4))
    _, columns = forecast(made, intervals=False, quantiles=tuple(map(float, wanted)), horizon=16)
    values = numbers(columns, *list(columns)[1:])
    assert len(values) == len(wanted)
    assert (np.diff(values, axis=0) >= 0).all()
    assert (values.min(), values.max()) == (40, 1100)


@pytest.mark.parametrize("format", ["json", "parquet"])
def test_each_format_has_the_same_columns(made: Path, tmp_path: Path, format: str) -> None:
    options = {"level": (90.0,), "quantiles": (0.1, 0.975)}
    _, columns = forecast(made, **options)
    assert list(columns) == ["sales", "sales_lo90", "sales_hi90", "sales_q10", "sales_q97.5"]
    forecast_file = tmp_path / f"forecast.{format}"
    predict(made, None, PredictConfig(threads=1, output=str(forecast_file), **options), ignore_events)  # type: ignore[arg-type]
    if format == "json":
        rows = json.loads(forecast_file.read_text(), parse_float=str, parse_int=str)
        assert list(rows[0])[2:] == list(columns)
        assert {name: [row[name] for row in rows] for name in columns} == columns
    else:
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(forecast_file).to_pydict()
        assert list(table)[2:] == list(columns)
        for name in columns:
            np.testing.assert_allclose(table[name], numbers(columns, name)[0], rtol=1e-6)


def test_each_target_has_its_quantiles_and_a_name_clash_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = "".join(
        f"{np.datetime64('2024-01-01') + row},{a:.3f},{b:.3f}\n"
        for row, (a, b) in enumerate(rng.random((90, 2)))
    )
    (tmp_path / "c.csv").write_text("day,y,y_q10\n" + rows)
    run = tmp_path / "run"
    config = PrepareConfig(target=("y", "y_q10"), horizon=3, lookback=7)
    prepare(str(tmp_path / "c.csv"), run, config, ignore_events)
    train(run, LINEAR, ignore_events)
    _, columns = forecast(run, intervals=False, quantiles=(0.9,))
    assert ["y", *columns] == ["y", "y_q90", "y_q10", "y_q10_q90"]
    with pytest.raises(DataError, match="the quantile column 'y_q10' has a duplicate name") as refused:
        forecast(run, quantiles=(0.1,))
    assert (refused.value.rule, refused.value.flags) == ("D809", ("--quantiles",))


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (("--level", "99"), "--level 99 is beyond", "use --level 95"),
        (("--level", "96", "--level", "50"), "--level 96 is beyond", "use --level 50 --level 95"),
        (("--quantiles", "0.5,0.99"), "--quantiles 0.99 is beyond", "use --quantiles 0.5,0.975"),
        (
            ("--no-intervals", "--quantiles", "0.001,0.5"),
            "--quantiles 0.001 is beyond",
            "use --quantiles 0.025,0.5",
        ),
    ],
)
def test_beyond_the_calibration_the_hint_has_the_nearest_values(made, capsys, words, error, hint) -> None:
    assert lstm(["predict", str(made), "-q", *words]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error[D820]: {error} what the calibration of {made} supports (")
    assert err.splitlines()[1] == f"hint: {hint}"
    assert lstm(["predict", str(made), "-q", *hint.split()[1:]]) == 0


def test_default_levels_are_given_even_if_they_are_not_supported(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = forecast(made)
    assert usual[0].findings == ()
    supporting(monkeypatch, 0.0625, 0.9321)
    report, columns = forecast(made)
    assert columns == usual[1]
    assert [finding["rule"] for finding in report.findings] == ["M121"]
    assert report.warnings[0].startswith("the 95 % interval is beyond")
    assert "(86.42 % at most)" in report.warnings[0]
    supporting(monkeypatch, 0.2, 0.8)
    assert forecast(made)[0].warnings[0].startswith("the 80 % and 95 % intervals are beyond")
    assert forecast(made, intervals=False)[0].findings == ()


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"level": (95.0,)}, "use --level 86.42"),
        ({"level": (80.0, 95.0)}, "use --level 80 --level 86.42"),
        ({"quantiles": (0.05, 0.95)}, "use --quantiles 0.0625,0.9321"),
    ],
)
def test_levels_that_are_named_are_refused_where_the_default_is_not(
    made: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, tuple[float, ...]], hint: str
) -> None:
    supporting(monkeypatch, 0.0625, 0.9321)
    for attempt in (forecast, lambda run, **given: plan_predict(run, None, PredictConfig(**given))):
        with pytest.raises(DataError, match="is beyond what the calibration") as refused:
            attempt(made, **options)  # type: ignore[operator]
        assert refused.value.hint == hint
    forecast(made, level=(86.42,), quantiles=(0.0625, 0.9321))


def test_a_calibration_with_long_decimals_has_a_hint_that_works(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supporting(monkeypatch, 1 / 30, 29 / 30)
    with pytest.raises(DataError) as refused:
        forecast(made, quantiles=(0.03, 0.97))
    assert refused.value.hint == "use --quantiles 0.0334,0.9666"
    forecast(made, quantiles=(0.0334, 0.9666), level=(93.33,))


def test_only_symmetric_intervals_warn_about_quantiles(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"intervals": False, "quantiles": (0.1,)}
    assert [finding["rule"] for finding in forecast(made, **options)[0].findings] == ["M120"]
    assert [finding["rule"] for finding in forecast(made, level=(90.0,))[0].findings] == ["M120"]
    monkeypatch.setattr(Intervals, "symmetric", False)
    assert forecast(made, **options)[0].findings == ()


def test_a_model_without_intervals_has_no_quantiles(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requested_quantiles, "load_intervals", lambda run: None)
    for options in ({"intervals": False, "quantiles": (0.1,)}, {"level": (80.0,)}):
        with pytest.raises(MissingArtifact, match="trained without prediction intervals") as refused:
            forecast(made, **options)
        assert refused.value.hint == f"run 'lstm train {made}' to add them"
    report, columns = forecast(made)
    assert ([finding["rule"] for finding in report.findings], list(columns)) == (["M101"], ["sales"])
    assert (report.levels, report.quantiles) == ((), ())
