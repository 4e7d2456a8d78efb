"""Comparison of `quantize` for forecasts: both models on the validation windows."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lstm_cli.config import QuantizeConfig
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.windows import Windows, split_windows
from lstm_cli.errors import DataError
from lstm_cli.evaluation import metrics, scoring
from lstm_cli.evaluation.quantiles.interval_scores import interval_scores
from lstm_cli.evaluation.quantiles.model import CalibratedQuantiles
from lstm_cli.events import Listener, Note, Progressed
from lstm_cli.inference.trained_model import (
    TrainedModel,
    load_graph,
    load_intervals,
    load_model,
    load_validated,
    rescale_to_model,
)
from lstm_cli.rundir import ArtifactFolder, Run
from lstm_cli.steps.quantize.compare import (
    Comparison,
    ComparisonReport,
    median_latency,
    quantize_graph,
    relative_growth,
)
from lstm_cli.steps.shared.grown_data import require_fresh_or_grown
from lstm_cli.steps.shared.memory_estimate import ALL_WINDOWS, require_scoring
from lstm_cli.steps.shared.report_json import to_plain
from lstm_cli.wording import count_noun

TIMED_WINDOWS = 256  # windows per timed batch


@dataclass(frozen=True, kw_only=True)
class QuantizeReport(ComparisonReport):
    """Report of `quantize` for forecasts."""

    mae_scaled: dict[str, float | None]  # on the validation windows
    # On the validation windows; empty without intervals, and None in a report of a release that did not measure them.
    wql: dict[str, float | None] | None = None  # weighted quantile loss
    coverage: dict[str, dict[str, float | None]] | None = None  # percent in the 80 % and the 95 % interval

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("wql", "coverage", "up_to_date"))


def compare_forecasts(
    run: Run, config: QuantizeConfig, listen: Listener, folder: ArtifactFolder
) -> Comparison:
    """Return the quantized model, and the errors and quantiles of both models on the validation windows.

    If `refresh` added rows after the training of the model, these windows are those of the newest rows.

    Args:
        run: run with a model of its data.
        config: settings of `quantize`.
        listen: receives events.
        folder: new folder of the artifact, for temporary files.

    Raises:
        DataError: no window has measured targets, as after an outage.
    """
    from lstm_cli.inference.session import open_session

    has_grown = require_fresh_or_grown(run)
    model = load_model(run)
    require_scoring(run, model, windows=ALL_WINDOWS, doing="scoring")
    graph, _ = load_graph(run, "fp32")
    lstm_only = model.name == "segment"
    small = quantize_graph(graph, config.to, folder.scratch(), lstm_only=lstm_only)
    dataset = rescale_to_model(load_dataset(run), model)
    # A refitted model has seen the validation rows. So both scores are those of the model before the refit.
    judged, judged_small = load_validated(run), small
    if model.refitted:
        judged_small = quantize_graph(judged, config.to, folder.scratch(), lstm_only=lstm_only)
    windows = split_windows(dataset, "val", model.lookback)
    if has_grown:
        rows = count_noun(int((dataset.series.val_end - dataset.series.train_end).max()), "row")
        text = f"the data are newer than the model: both models are compared on the newest {rows}"
        listen(Note(text=text))
    if not len(windows):
        raise _no_window(run.path)
    sessions = {
        name: scoring.model_forecaster(open_session(bytes_, threads=None), model.lookback, name=name)
        for name, bytes_ in (("fp32", judged), ("quantized", judged_small))
    }
    intervals = load_intervals(run)
    scores = _scores(
        windows, sessions, model, intervals and intervals.for_series(dataset.series.names), listen
    )
    if scores["mae_scaled"]["fp32"] is None:
        raise _no_window(run.path)
    batch = windows.sample(min(TIMED_WINDOWS, windows.batch_size))[:]
    report = QuantizeReport(
        run=str(run.path),
        to=config.to,
        size={"fp32": len(graph), "quantized": len(small)},
        latency_ms=median_latency({name: partial(forecast, batch) for name, forecast in sessions.items()}),
        batch=len(batch.series),
        loss=relative_growth(scores["mae_scaled"]["fp32"], scores["mae_scaled"]["quantized"]),
        max_loss=config.max_loss,
        warnings=(),
        findings=(),
        **scores,
    )
    return Comparison(graph=small, report=report, scores=scores)


def _no_window(run: Path) -> DataError:
    return DataError(
        f"the validation rows of {run} have no window with measured targets to compare the models on",
        hint="quantize again when the newest rows have measured targets",
        rule="D621",
    )


def _scores(
    windows: Windows,
    sessions: Mapping[str, scoring.Forecaster],
    model: TrainedModel,
    intervals: CalibratedQuantiles | None,
    listen: Listener,
) -> dict[str, Any]:
    """Return the scaled MAE, the WQL and the coverage of each forecaster; the last two are empty without intervals.

    Args:
        windows: validation windows.
        sessions: forecasters of both models.
        model: facts about the model.
        intervals: calibrated quantile model of the fp32 forecast; None without intervals.
        listen: receives events.
    """
    dataset, bounds, scale = windows.dataset, model.bounds, scoring.metric_scale(windows.dataset)
    tallies = (
        {name: scoring.IntervalTally(dataset, intervals, bounds) for name in sessions}
        if intervals is not None
        else {}
    )

    sums = scoring.score(
        windows,
        scoring.combine_forecasters(*sessions.values()),
        bounds,
        on_forecast=scoring.tally_forecasts(tallies),
        progress=lambda done: listen(
            Progressed(stage="scoring", done=done, total=len(windows), unit="windows")
        ),
    )
    quantiles = {
        name: interval_scores(tally.sums, scale.deviation)
        for name, tally in tallies.items()
        if tally.sums is not None
    }
    return {
        "mae_scaled": {
            name: metrics.overall_scores(errors, scale)["mae_scaled"] for name, errors in sums.items()
        },
        "wql": {name: scores["wql"] for name, scores in quantiles.items()},
        "coverage": {name: scores["coverage"] for name, scores in quantiles.items()},
    }
