"""Step `quantize`: a smaller model, kept only if its error grows by at most `--max-loss`."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lstm_cli.config import QuantizeConfig
from lstm_cli.config.extras import require_installed
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.windows import Batch, Windows, split_windows
from lstm_cli.errors import DataError, QuantizationLoss
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
from lstm_cli.rundir import is_up_to_date, writing
from lstm_cli.steps.shared.cached_report import replay_report
from lstm_cli.steps.shared.grown_data import require_fresh_or_grown
from lstm_cli.steps.shared.memory_estimate import ALL_WINDOWS, require_scoring
from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import plain_value, to_plain
from lstm_cli.tasks.settle import require_verb
from lstm_cli.wording import count_noun

TIMED_WINDOWS = 256  # windows per timed batch
ROUNDS = 15  # timed calls of each model


@dataclass(frozen=True, kw_only=True)
class QuantizeReport(HtmlReport):
    """Report of `quantize`. The dicts have the keys `fp32` and `quantized`."""

    run: str
    to: str
    size: dict[str, int]  # bytes
    latency_ms: dict[str, float]  # median time of one batch
    batch: int  # windows per timed batch
    mae_scaled: dict[str, float | None]  # on the validation windows
    loss: float  # relative growth of the validation error
    max_loss: float
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()  # the warnings as data; 0.1.0 kept none
    # On the validation windows; empty without intervals, and None in a report of a release that did not measure them.
    wql: dict[str, float | None] | None = None  # weighted quantile loss
    coverage: dict[str, dict[str, float | None]] | None = None  # percent in the 80 % and the 95 % interval
    up_to_date: bool | None = None  # True: nothing changed, and this is the stored report

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("wql", "coverage", "up_to_date"))


def quantize(
    run: Path,
    config: QuantizeConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
) -> QuantizeReport:
    """Quantize the run's model and compare the errors and quantiles of both models on the validation windows.

    If `refresh` added rows after the training of the model, these windows are those of the newest rows.

    Args:
        run: run directory.
        config: settings of `quantize`.
        listen: receives events.
        force: quantize even if nothing changed.
        lock_wait: seconds to wait for another process.
        sources: source of each setting, recorded in the run.

    Raises:
        QuantizationLoss: the error grows by more than config.max_loss; the previous quantized model is kept.
        MissingArtifact, StaleArtifact: no model of the current data, or of the data before the rows of `refresh`.
        DataError: no window has measured targets, as after an outage.
    """
    from lstm_cli.inference.session import open_session

    with writing(run, step="quantize", lock_wait=lock_wait, sources=sources) as writer:
        assert writer.run is not None
        require_verb(writer.run, "quantize")
        has_grown = require_fresh_or_grown(writer.run)
        if not force and is_up_to_date(writer.run, "quantize", config=asdict(config)):
            return replay_report(QuantizeReport, writer.run, "quantize")
        require_installed("lstm quantize", "onnx")
        folder = writer.new("quantized")
        model = load_model(writer.run)
        require_scoring(writer.run, model, windows=ALL_WINDOWS, doing="scoring")
        graph, _ = load_graph(writer.run, "fp32")
        listen(Progressed(stage="quantizing", done=0))
        small = _quantized(graph, model, config.to, folder.scratch())
        dataset = rescale_to_model(load_dataset(writer.run), model)
        # A refitted model has seen the validation rows. So both scores are those of the model before the refit.
        judged = load_validated(writer.run)
        judged_small = _quantized(judged, model, config.to, folder.scratch()) if model.refitted else small
        windows = split_windows(dataset, "val", model.lookback)
        if has_grown:
            rows = count_noun(int((dataset.series.val_end - dataset.series.train_end).max()), "row")
            text = f"the data are newer than the model: both models are compared on the newest {rows}"
            listen(Note(text=text))
        if not len(windows):
            raise _no_window(run)
        sessions = {
            name: scoring.model_forecaster(open_session(bytes_, threads=None), model.lookback, name=name)
            for name, bytes_ in (("fp32", judged), ("quantized", judged_small))
        }
        intervals = load_intervals(writer.run)
        scores = _scores(
            windows, sessions, model, intervals and intervals.for_series(dataset.series.names), listen
        )
        if scores["mae_scaled"]["fp32"] is None:
            raise _no_window(run)
        loss = _growth(scores["mae_scaled"]["fp32"], scores["mae_scaled"]["quantized"])
        batch = windows.sample(min(TIMED_WINDOWS, windows.batch_size))[:]
        report = QuantizeReport(
            run=str(run),
            to=config.to,
            size={"fp32": len(graph), "quantized": len(small)},
            latency_ms=_latency(sessions, batch),
            batch=len(batch.series),
            loss=loss,
            max_loss=config.max_loss,
            warnings=(),
            findings=(),
            **scores,
        )
        if not loss <= config.max_loss:
            raise QuantizationLoss(
                f"the validation error of the {config.to} model grows by {loss:.2%}, more than {config.max_loss:.2%}",
                hint="keep the fp32 model, try --to fp16, or raise --max-loss",
            )
        folder.write_bytes("model.onnx", small)
        comparison = {"to": config.to, "size": report.size, **scores, "loss": loss}
        # The latency is left out: the same model must give the same bytes.
        folder.write_json("comparison.json", plain_value(comparison))
        reads = {name: writer.run.artifact(name).digest for name in ("data", "model")}
        writer.commit(config=asdict(config), reads=reads, report=report.to_json())
    return report


def _no_window(run: Path) -> DataError:
    return DataError(
        f"the validation rows of {run} have no window with measured targets to compare the models on",
        hint="quantize again when the newest rows have measured targets",
        rule="D621",
    )


def _quantized(graph: bytes, model: TrainedModel, to: str, scratch: Path) -> bytes:
    from lstm_cli.inference.quantization import to_fp16, to_int8

    if to == "int8":
        return to_int8(graph, scratch=scratch, lstm_only=model.name == "segment")
    return to_fp16(graph)


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


def _growth(before: float | None, after: float | None) -> float:
    if before is None or after is None or not np.isfinite(after):
        return float("inf") if after is None or not np.isfinite(after) else 0.0
    return (after - before) / before if before > 0 else float(after > 0)


def _latency(sessions: dict[str, scoring.Forecaster], batch: Batch) -> dict[str, float]:
    """Return the median milliseconds of one batch. Calls alternate, so a busy machine slows both models."""
    times: dict[str, list[float]] = {name: [] for name in sessions}
    for _ in range(ROUNDS):
        for name, forecast in sessions.items():
            began = time.perf_counter()
            forecast(batch)
            times[name].append(1000 * (time.perf_counter() - began))
    return {name: round(float(np.median(durations)), 3) for name, durations in times.items()}
