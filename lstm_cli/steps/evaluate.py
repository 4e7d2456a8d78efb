"""`evaluate`: every window of a split, scored beside the simple forecasts."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lstm_cli import gates, intervals, metrics, scoring
from lstm_cli.config import EvaluateConfig
from lstm_cli.data.clamp import Bounds, in_units
from lstm_cli.data.dataset import Dataset
from lstm_cli.data.stored import load_dataset
from lstm_cli.data.windows import Windows
from lstm_cli.errors import DataError, GateFailed
from lstm_cli.events import Listener, Progressed
from lstm_cli.metrics import Scores
from lstm_cli.rundir import Folder, writing
from lstm_cli.shipped import load_graph, load_intervals, load_linear, load_model
from lstm_cli.steps.reporting import plain

PANELS = 4  # forecasts in the picture
HELD = ("coverage", "width", "width_scaled", "wql")  # how the intervals held
HELD_FLAT = tuple(f"{name}_{level}" for name in HELD[:3] for level in intervals.LEVELS) + HELD[3:]


@dataclass(frozen=True, kw_only=True)
class EvaluateReport:
    """Scores of the model and of the simple forecasts over the same windows."""

    run: str
    model: str
    precision: str
    split: str
    windows: int
    metrics: Scores
    baselines: dict[str, Scores]  # naive, seasonal_naive (absent without a season), linear
    per_step: list[Scores]
    per_target: dict[str, Scores]
    per_series: dict[str, Scores]
    gates: list[dict[str, Any]]
    picture: str
    coverage: dict[str, float | None]  # percent of measured cells within the 80 % and the 95 % interval
    width: dict[str, float | None]  # of the intervals, the mean, in the file's units
    width_scaled: dict[str, float | None]  # of the training rows' deviation
    wql: (
        float | None
    )  # weighted quantile loss; None, and the three above empty, for a model without intervals
    mase_left_out: int  # series whose training rows give MASE no scale
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return plain(self)


def evaluate(
    run: Path, config: EvaluateConfig, listen: Listener, *, lock_wait: float = 0.0
) -> EvaluateReport:
    """Scores the run's model; writes tables and a picture.

    Raises GateFailed, with the report as its `report`, after all was written; StaleArtifact for a model made
    from other data; DataError for a split without windows.
    """
    from lstm_cli.runtime.session import open_session

    conditions = [gates.parse_gate(text) for text in config.fail_if]
    with writing(run, step="evaluate", lock_wait=lock_wait) as writer:
        assert writer.run is not None
        writer.run.require_fresh("model")
        graph, precision = load_graph(writer.run, config.precision)
        dataset, model, linear = load_dataset(writer.run), load_model(writer.run), load_linear(writer.run)
        fitted = load_intervals(writer.run)
        windows = scoring.scored_windows(dataset, config.split, model.lookback, linear)
        if not len(windows):
            hint = "use --split val" if config.split == "test" else "use --split test"
            raise DataError(f"{run} has no {config.split} rows to score", hint=hint)
        session = open_session(graph, threads=config.threads)
        forecasters = {
            "model": scoring.shortened(session, model.lookback),
            **scoring.simple_forecasters(dataset, linear),
        }
        tally = None if fitted is None else scoring.IntervalTally(dataset, fitted, model.bounds, of="model")
        sums = scoring.score(
            windows,
            forecasters,
            model.bounds,
            watch=tally or scoring.unwatched,
            progress=lambda done: listen(
                Progressed(stage="scoring", done=done, total=len(windows), unit="windows")
            ),
        )
        found = None if tally is None else tally.sums
        report = _report(run, config, precision, model.name, dataset, len(windows), sums, found, conditions)
        folder = writer.new("scores")
        report = _write(folder, report, dataset, windows, forecasters, model.bounds, fitted)
        read = ["data", "model", *(["quantized"] if precision != "fp32" else [])]
        reads = {name: writer.run.artifact(name).digest for name in read}
        writer.commit(config=asdict(config), reads=reads, report=report.to_json())
    failed = [gate for gate in report.gates if gate["failed"]]
    if failed:
        reasons = "; ".join(f"'{gate['condition']}' ({gate['reason']})" for gate in failed)
        error = GateFailed(f"not good enough: {reasons}", hint=f"the scores are kept in {folder.folder}")
        error.report = report  # type: ignore[attr-defined]
        raise error
    return report


def _report(
    run: Path,
    config: EvaluateConfig,
    precision: str,
    model: str,
    dataset: Dataset,
    windows: int,
    sums: Mapping[str, metrics.Errors],
    found: intervals.Held | None,
    conditions: list[gates.Gate],
) -> EvaluateReport:
    scale = scoring.scale_of(dataset)
    scores = {name: metrics.overall(found, scale) for name, found in sums.items()}
    own = scores.pop("model")
    ahead = metrics.per_step(sums["model"], scale)
    held: dict[str, Any] = {"coverage": {}, "width": {}, "width_scaled": {}, "wql": None}
    if found is not None:
        held = intervals.interval_scores(found, scale.deviation)
        steps = intervals.scores_per_step(found, scale.deviation)
        ahead = [row | beside for row, beside in zip(ahead, steps, strict=True)]
    return EvaluateReport(
        run=str(run),
        model=model,
        precision=precision,
        split=config.split,
        windows=windows,
        metrics=own,
        baselines=scores,
        per_step=[{"step": number, **row} for number, row in enumerate(ahead, start=1)],
        per_target=dict(zip(dataset.schema.targets, metrics.per_target(sums["model"], scale), strict=True)),
        per_series=dict(zip(dataset.series.names, metrics.per_series(sums["model"], scale), strict=True)),
        gates=[
            gates.check_gate(gate, own | {"wql": held["wql"]}, scores, held["coverage"])
            for gate in conditions
        ],
        picture="",
        **held,
        mase_left_out=metrics.without_scale(sums["model"], scale),
        warnings=(),
    )


def _write(
    folder: Folder,
    report: EvaluateReport,
    dataset: Dataset,
    windows: Windows,
    forecasters: Mapping[str, scoring.Forecaster],
    bounds: Bounds,
    fitted: intervals.Intervals | None,
) -> EvaluateReport:
    """Writes the tables and the picture; returns the report with the picture's place."""
    from dataclasses import replace

    folder.write_bytes("forecasts.png", _picture(dataset, windows, forecasters, bounds, fitted))
    report = replace(report, picture=str(folder.folder / "forecasts.png"))
    folder.write_bytes("per_step.csv", _table("step", [(row["step"], _flat(row)) for row in report.per_step]))
    folder.write_bytes("per_target.csv", _table("target", list(report.per_target.items())))
    folder.write_bytes("per_series.csv", _table("series", list(report.per_series.items())))
    figures = report.to_json()
    folder.write_json(
        "scores.json",
        {
            name: figures[name]
            for name in ("model", "precision", "split", "windows", "metrics", "baselines", *HELD)
        },
    )
    return report


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `per_step` with a column for each level of the intervals: coverage_80, width_95 and so on."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat |= (
            {f"{name}_{level}": figure for level, figure in value.items()}
            if isinstance(value, Mapping)
            else {name: value}
        )
    return flat


def _table(name: str, rows: Sequence[tuple[Any, Mapping[str, Any]]]) -> bytes:
    from lstm_cli.data.output import safe_text

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    figures = [*metrics.NAMES, *(figure for figure in HELD_FLAT if figure in rows[0][1])]
    writer.writerow([name, *figures])
    for key, scores in rows:
        writer.writerow(
            [safe_text(key) if isinstance(key, str) else key, *(scores[figure] for figure in figures)]
        )
    return text.getvalue().encode()


def _picture(
    dataset: Dataset,
    windows: Windows,
    forecasters: Mapping[str, scoring.Forecaster],
    bounds: Bounds,
    fitted: intervals.Intervals | None,
) -> bytes:
    """Four windows, spread over series, targets and time: history, truth, forecast with its intervals, baseline."""
    from lstm_cli.pictures.forecast import Panel, draw_forecast

    schema = dataset.schema
    beside = "seasonal_naive" if "seasonal_naive" in forecasters else "naive"
    panels = []
    for place, target in _shown(windows, dataset.targets):
        batch, one = windows[place], int(windows.series[place])
        shown = min(batch.past.shape[1], max(2 * schema.horizon, 2 * schema.season), int(batch.mask.sum()))
        origin = int(windows.origins[place] - dataset.series.offset[one])
        times = _times(dataset, one, origin - shown, origin + schema.horizon)
        named = [name for name in (dataset.series.names[one], schema.targets[target]) if name]
        scaled = {name: forecasters[name](batch) for name in ("model", beside)}
        drawn = {
            name: in_units(dataset, forecast, batch.series, bounds)[0, :, target]
            for name, forecast in scaled.items()
        }
        ends = (
            None
            if fitted is None
            else scoring.ends_in_units(dataset, fitted, scaled["model"], batch, bounds)[:, 0, :, target]
        )
        history = dataset.in_units(batch.past[:, -shown:, : dataset.targets], batch.series)
        truth = dataset.in_units(batch.target, batch.series)[0, :, target]
        panels.append(
            Panel(
                title=" · ".join([*named, f"from {str(times[shown])[:16].replace('T', ' ')}"]),
                times=times,
                history=history[0, :, target],
                truth=np.where(batch.observed[0, :, target], truth, np.nan),
                forecast=drawn["model"],
                baseline=drawn[beside],
                baseline_name=beside.replace("_", " "),
                ends=ends,
            )
        )
    return draw_forecast(panels)


def _shown(windows: Windows, targets: int) -> list[tuple[int, int]]:
    """Windows and targets of the picture's panels: evenly spaced over series and targets, and over time."""
    series, first, count = np.unique(windows.series, return_index=True, return_counts=True)
    shown = []
    for panel in range(PANELS):
        pair = panel * len(series) * targets // PANELS
        one, target = divmod(pair, targets)
        share = (panel + 1) / PANELS  # the last panel shows the newest window
        shown.append((int(first[one] + round(share * (count[one] - 1))), target))
    return sorted(set(shown))


def _times(dataset: Dataset, series: int, first: int, last: int) -> np.ndarray:
    """Row numbers, or datetime64 where the data have times."""
    rows = np.arange(first, last)
    if dataset.schema.time_name is None:
        return rows + 1
    return dataset.schema.step.times(rows, dataset.series.origin_us[series]).astype("datetime64[us]")
