"""Tests of `lstm predict --plot`: the panels, the file, and what is refused."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from png_pixels import pixels
from small_steps import LINEAR, PREPARE

from lstm_cli.config import PredictConfig
from lstm_cli.config.predict import Shard
from lstm_cli.errors import OutputError, UsageError
from lstm_cli.events import ignore_events
from lstm_cli.plots.forecast import Panel
from lstm_cli.plots.terminal import Terminal
from lstm_cli.steps.dry_run import plan_predict
from lstm_cli.steps.predict import plot as predict_plot
from lstm_cli.steps.predict import predict
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

Pictures = list[tuple[list[Panel], str]]


@pytest.fixture(scope="module")
def made(panel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of two shops without past covariates, so that it forecasts beyond its horizon."""
    run = tmp_path_factory.mktemp("plot") / "run"
    prepare(str(panel), run, replace(PREPARE, past=(), future=()), ignore_events)
    train(run, LINEAR, ignore_events)
    return run


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> Pictures:
    """Return the panels and the title of each picture of the test, which is not drawn."""
    kept: Pictures = []

    def keep(plot: str, panels: list[Panel], terminal: Terminal | None, *, title: str = "") -> None:
        kept.append((panels, title))

    monkeypatch.setattr(predict_plot, "write_forecast_plot", keep)
    return kept


def forecast(run: Path, new: str | None = None, **options: Any) -> tuple[Any, list[dict[str, str]]]:
    """Return the report, and the rows of the CSV."""
    out = io.BytesIO()
    report = predict(
        run, new, PredictConfig(threads=1, **{"plot": "plot.png"} | options), ignore_events, stdout=out
    )
    return report, list(csv.DictReader(io.StringIO(out.getvalue().decode())))


def test_a_panel_has_the_last_rows_and_the_forecast_of_the_file(
    made: Path, panel: Path, pictures: Pictures
) -> None:
    report, rows = forecast(made)
    ((first, second), title) = pictures[0]
    assert (report.plot, title) == ("plot.png", "")
    assert (first.title, second.title, first.target, first.time_name) == ("A", "B", "sales", "day")
    measured = [line.split(",") for line in panel.read_text().splitlines()[1:]]
    sales = [float(row[2]) for row in measured if row[1] == "A" and row[2]]
    np.testing.assert_allclose(first.history, sales[-14:], rtol=1e-5)  # two horizons of 7, two weeks
    own = [row for row in rows if row["shop"] == "A"]
    assert [str(time)[:10] for time in first.times[14:]] == [row["day"] for row in own]
    np.testing.assert_allclose(first.forecast, [float(row["sales"]) for row in own], atol=1e-3)
    assert [band.name for band in first.bands] == ["95 % interval", "80 % interval"]
    np.testing.assert_allclose(first.bands[1].low, [float(row["sales_lo80"]) for row in own], atol=1e-3)
    np.testing.assert_allclose(first.bands[0].high, [float(row["sales_hi95"]) for row in own], atol=1e-3)
    assert first.quantiles is None


def test_levels_quantiles_and_steps_are_those_of_the_options(made: Path, pictures: Pictures) -> None:
    forecast(made, level=(50.0,), quantiles=(0.3, 0.7), horizon=10)
    forecast(made, intervals=False, only=("B",), horizon=2)
    panels = pictures[0][0]
    assert [band.name for band in panels[0].bands] == ["50 % interval"]
    assert panels[0].quantiles is not None
    assert panels[0].quantiles.shape == (2, 10)
    assert (panels[0].quantiles[0] < panels[0].quantiles[1]).all()
    assert panels[0].quantiles_name == "quantiles 0.3, 0.7"
    (other,) = pictures[1][0]
    assert (other.title, len(other.forecast), len(other.bands)) == ("B", 2, 0)


def test_sample_paths_have_their_median_and_spread(made: Path, pictures: Pictures) -> None:
    _, rows = forecast(made, samples=30)
    forecast(made, samples=3)
    first, few = pictures[0][0][0], pictures[1][0][0]
    paths = np.array([float(row["sales"]) for row in rows if row["shop"] == "A"]).reshape(30, 7)
    assert first.paths is not None
    np.testing.assert_allclose(first.paths, paths, atol=1e-3)
    np.testing.assert_allclose(first.forecast, np.median(paths, axis=0), atol=1e-3)
    assert [band.name for band in first.bands] == ["95 % of the paths", "80 % of the paths"]
    np.testing.assert_allclose(first.bands[1].low, np.quantile(paths, 0.1, axis=0), atol=1e-3)
    assert few.bands == []


def test_a_picture_has_at_most_twelve_panels_and_counts_the_rest(
    made: Path, panel: Path, tmp_path: Path, pictures: Pictures
) -> None:
    lines = panel.read_text().splitlines()
    own = [line for line in lines[1:] if ",A," in line]
    many = [line.replace(",A,", f",S{number:02},") for number in range(20) for line in own]
    (tmp_path / "many.csv").write_text("\n".join([lines[0], *many]) + "\n")
    forecast(made, str(tmp_path / "many.csv"))
    forecast(made, str(tmp_path / "many.csv"), plot="-")
    assert [(len(panels), title) for panels, title in pictures] == [
        (12, "12 of 20 series"),
        (4, "4 of 20 series"),
    ]
    assert [panel.title for panel in pictures[0][0]][:2] == ["S00", "S01"]


def test_a_series_that_is_too_short_has_a_panel_without_intervals(
    made: Path, panel: Path, tmp_path: Path, pictures: Pictures
) -> None:
    lines = panel.read_text().splitlines()
    short = [line.replace(",A,", ",new,") for line in lines[1:] if ",A," in line and line.split(",")[2]][-3:]
    (tmp_path / "short.csv").write_text("\n".join([*lines, *short]) + "\n")
    _, rows = forecast(made, str(tmp_path / "short.csv"))
    drawn = pictures[0][0][-1]
    assert drawn.title == "new · baseline, because it has few rows"
    assert list(drawn.bands) == []
    np.testing.assert_allclose(drawn.forecast, [float(row["sales"]) for row in rows if row["shop"] == "new"])
    assert drawn.history[-1] == pytest.approx(float(short[-1].split(",")[2]))


def test_the_picture_is_a_png_with_the_same_bytes_and_the_rows_do_not_change(
    made: Path, tmp_path: Path
) -> None:
    without, again = io.BytesIO(), io.BytesIO()
    config = PredictConfig(threads=1)
    predict(made, None, config, ignore_events, stdout=without)
    for name in ("a.png", "b"):
        again = io.BytesIO()
        predict(made, None, replace(config, plot=str(tmp_path / name)), ignore_events, stdout=again)
    assert again.getvalue() == without.getvalue()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b").read_bytes()
    assert pixels((tmp_path / "a.png").read_bytes()).shape[1] == 1000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b"]


def test_a_drawing_goes_to_the_terminal(made: Path) -> None:
    terminal = Terminal(width=60, colors=False)
    out = io.BytesIO()
    predict(made, None, PredictConfig(threads=1, plot="-"), ignore_events, stdout=out, terminal=terminal)
    assert "o forecast" in terminal.drawn[0]
    assert b"forecast" not in out.getvalue()


def test_a_plot_that_cannot_be_written_leaves_the_forecast(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OutputError("cannot write: disk full")

    monkeypatch.setattr("lstm_cli.steps.shared.plot_output.replace_file", fail)
    config = PredictConfig(output=str(tmp_path / "f.csv"), plot=str(tmp_path / "f.png"))
    with pytest.raises(OutputError, match="disk full"):
        predict(made, None, config, ignore_events)
    assert (tmp_path / "f.csv").read_text().startswith("shop,day,sales")


def test_a_plot_that_is_refused_writes_nothing(made: Path, panel: Path, tmp_path: Path) -> None:
    output = tmp_path / "f.csv"
    for plot, message, error in (
        ("f.jpg", "is not the name of a PNG, SVG or PDF file", UsageError),
        (str(tmp_path / "absent" / "f.png"), "folder not found", OutputError),
        (str(tmp_path), "is a folder", UsageError),
        (str(made / "f.png"), "is in the run directory", UsageError),
        (str(tmp_path / "f"), "--plot and -o are both", UsageError),
    ):
        config = PredictConfig(output=str(tmp_path / "f") if plot.endswith("/f") else str(output), plot=plot)
        for step in (predict, plan_predict):
            arguments = (ignore_events,) if step is predict else ()
            with pytest.raises(error, match=message):
                step(made, None, config, *arguments)  # type: ignore[operator]
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UsageError, match="--plot and --shard cannot be combined"):
        PredictConfig(plot="a.png", shard=Shard(number=1, count=2))


def test_the_plan_names_the_plot(made: Path, tmp_path: Path) -> None:
    output, plot = str(tmp_path / "f.csv"), str(tmp_path / "f.svg")
    assert plan_predict(made, None, PredictConfig(output=output, plot=plot)).writes == (output, plot)
    assert plan_predict(made, None, PredictConfig(output=output, plot="-")).writes == (output,)
