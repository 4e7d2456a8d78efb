"""Tests of the plot of `lstm evaluate`: the windows that are shown, its copy, and the drawing."""

import re
from pathlib import Path

import numpy as np
import pytest

from lstm_cli.config import EvaluateConfig
from lstm_cli.errors import OutputError, UsageError
from lstm_cli.evaluation import scoring
from lstm_cli.events import ignore_events
from lstm_cli.plots.terminal import Terminal
from lstm_cli.rundir import open_run
from lstm_cli.steps.dry_run import plan_evaluate
from lstm_cli.steps.evaluate import evaluate
from lstm_cli.steps.evaluate.plot import scored_panels
from lstm_cli.steps.evaluate.score_model import score_subject, scoring_subject


def test_the_panels_are_the_best_median_worst_and_newest_window_by_mase(scored: Path) -> None:
    with open_run(scored) as run:
        result = score_subject(scoring_subject(run, EvaluateConfig(precision="fp32")), ignore_events)
    subject = result.subject
    panels = scored_panels(result)
    dataset, windows = subject.dataset, subject.windows
    batch = windows[:]
    units = dataset.inverse_transform_targets(subject.model_only(batch)["model"], batch.series)
    truth = dataset.inverse_transform_targets(batch.target, batch.series)
    missed = np.abs(np.maximum(units, 0) - truth).mean(axis=1)[:, 0]
    mase = missed / scoring.metric_scale(dataset).seasonal_error[batch.series, 0]
    order = np.argsort(mase)
    shown = [int(order[0]), int(order[(len(order) - 1) // 2]), int(order[-1]), 19]  # 20 windows of each shop
    assert len(panels) == 4
    for panel, index, name in zip(panels, shown, ("best", "median", "worst", "newest"), strict=True):
        figures = re.fullmatch(
            rf"{name} of 40 test windows, MASE (\S+), MAE (\S+)\n([AB]) from (\S+)", panel.title
        )
        assert figures is not None, panel.title
        assert float(figures[1]) == pytest.approx(mase[index], rel=5e-3)
        assert float(figures[2].replace(",", "")) == pytest.approx(missed[index], rel=5e-3)
        assert figures[3] == dataset.series.names[batch.series[index]]
        assert figures[4] == str(panel.times[len(panel.history)])[:10]
        assert panel.truth is not None
        np.testing.assert_allclose(panel.truth, truth[index, :, 0], rtol=1e-5)
        np.testing.assert_allclose(panel.forecast, units[index, :, 0], rtol=1e-3)


def test_plot_is_a_copy_of_the_picture_of_the_run_also_of_stored_scores(run: Path, tmp_path: Path) -> None:
    (tmp_path / "old.png").write_bytes(b"old")
    first = evaluate(run, EvaluateConfig(plot=str(tmp_path / "old.png")), ignore_events)
    stored = Path(first.picture).read_bytes()
    assert (tmp_path / "old.png").read_bytes() == stored
    again = evaluate(run, EvaluateConfig(plot=str(tmp_path / "new.png")), ignore_events)
    assert (again.up_to_date, again.plot) == (True, str(tmp_path / "new.png"))
    assert (tmp_path / "new.png").read_bytes() == stored
    assert evaluate(run, EvaluateConfig(), ignore_events).plot is None
    svg = evaluate(run, EvaluateConfig(plot=str(tmp_path / "new.svg")), ignore_events)
    assert svg.up_to_date
    assert b"best of 40 test windows" in (tmp_path / "new.svg").read_bytes().replace(b"&#160;", b" ")


def test_stored_scores_are_drawn_in_the_terminal(scored: Path) -> None:
    terminal = Terminal(width=70, colors=False)
    evaluate(scored, EvaluateConfig(plot="-"), ignore_events, terminal=terminal)
    titles = re.findall(r"^(\w+) of 40 test windows, MASE", "".join(terminal.drawn), flags=re.MULTILINE)
    assert titles == ["best", "median", "worst", "newest"]


def test_a_plot_that_is_refused_scores_nothing(run: Path, tmp_path: Path) -> None:
    manifest = (run / "run.json").read_bytes()
    for plot, message, error in (
        ("a.jpg", "is not the name of a PNG, SVG or PDF file", UsageError),
        (str(tmp_path / "absent" / "a.png"), "folder not found", OutputError),
        (str(run / "a.png"), "is in the run directory", UsageError),
    ):
        with pytest.raises(error, match=message):
            evaluate(run, EvaluateConfig(plot=plot), ignore_events)
        with pytest.raises(error, match=message):
            plan_evaluate(run, EvaluateConfig(plot=plot), force=False)
    assert (run / "run.json").read_bytes() == manifest


def test_a_plot_that_cannot_be_written_leaves_the_scores(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OutputError("cannot write: disk full")

    monkeypatch.setattr("lstm_cli.steps.shared.plot_output.replace_file", fail)
    with pytest.raises(OutputError, match="disk full"):
        evaluate(run, EvaluateConfig(plot=str(tmp_path / "a.png")), ignore_events)
    assert evaluate(run, EvaluateConfig(), ignore_events).up_to_date


def test_the_plan_names_the_plot(scored: Path, tmp_path: Path) -> None:
    plot = str(tmp_path / "a.pdf")
    assert plot in plan_evaluate(scored, EvaluateConfig(plot=plot), force=False).writes
