"""Step `predict`: forecasts of the H steps after the last row. It needs no torch and writes nothing in the run."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lstm_cli.config import PredictConfig
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.ended_series import apply_ended
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.forecast.bounds import inverse_transform, inverse_transform_intervals
from lstm_cli.data.forecast.inputs import forecast_times, known_ahead_inputs, last_windows
from lstm_cli.data.forecast.output import Forecast, encode_forecast, output_format
from lstm_cli.data.times.formats import show_time
from lstm_cli.errors import DataError, StaleArtifact
from lstm_cli.evaluation.intervals import SIDES, Intervals
from lstm_cli.events import Listener, WarningRaised
from lstm_cli.findings import MODEL, Finding, in_file
from lstm_cli.inference.trained_model import (
    TrainedModel,
    load_graph,
    load_intervals,
    load_model,
    rescale_to_model,
)
from lstm_cli.rundir import Run, check_output, command, open_run, replace_file, stale_sources
from lstm_cli.steps.shared.memory_estimate import require_forecast
from lstm_cli.steps.shared.report_json import finding_fields, to_plain

BATCH_SERIES = 256  # series per batch; a larger batch does not fit into the cache of a core


@dataclass(frozen=True, kw_only=True)
class PredictReport:
    """Report of `predict`."""

    run: str
    output: str
    format: str
    precision: str
    rows: int
    series: int
    horizon: int
    lookback: int  # steps; the lookback of `prepare`
    reads_rows: int  # rows that the model reads; parts may read more than the lookback
    time_start: str  # of the forecast, in the time format of the file
    time_end: str
    ended: tuple[str, ...]  # names of ended series, skipped unless --ended include
    seconds: dict[str, float]  # by stage: read, model, write
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()  # the warnings as data; 0.1.0 kept none

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self)


def predict(
    run: Path,
    new: str | None,
    config: PredictConfig,
    listen: Listener,
    *,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
) -> PredictReport:
    """Forecast the H steps after the last row and write them to config.output.

    Args:
        run: run directory.
        new: file with newer rows, `-` for standard input; None for the run's own data.
        config: settings of `predict`; output `-` is standard output.
        listen: receives events.
        stdin: stream behind `-`.
        stdout: stream for output `-`.

    Raises:
        MissingArtifact: the run has no model.
        StaleArtifact: the run's data have other columns or another frequency than the model.
        DataError: new rows do not fit the model, or a series ended and config.ended is `refuse`.
        OutputError, UsageError: the output cannot be written.
    """
    began = time.perf_counter()
    if config.output != "-":
        check_output(config.output, run=run, source=new)
    format = output_format(config.output, config.format)
    if format == "parquet":
        from lstm_cli.config.extras import require_installed

        require_installed("a forecast in Parquet", "pyarrow")
    findings: list[Finding] = []

    def warn(finding: Finding) -> None:
        findings.append(finding)
        listen(WarningRaised(finding=finding))

    with open_run(run) as opened:
        model = load_model(opened)
        require_forecast(model, doing="the forecast")
        graph, precision = load_graph(opened, config.precision)
        intervals = _intervals(opened, warn) if config.intervals else None
        if new is None:
            dataset, source = _own_data(opened, model, warn), str(run)
        else:
            dataset, source = (
                _new_data(new, opened, model, config, stdin, warn),
                "standard input" if new == "-" else new,
            )
    dataset, ended, ended_finding = apply_ended(dataset, source, config.ended)
    if ended_finding is not None:
        warn(ended_finding)
    _warn_padded(dataset, model, source, warn)
    ready = time.perf_counter()
    forecast = _forecast(dataset, model, graph, intervals, source, config.threads)
    forecast_done = time.perf_counter()
    data = encode_forecast(forecast, format)
    if config.output == "-":
        assert stdout is not None
        stdout.write(data)
        stdout.flush()
    else:
        replace_file(config.output, [data])
    ends = [forecast.times_us.min(), forecast.times_us.max()]
    return PredictReport(
        run=str(run),
        output=config.output,
        format=format,
        precision=precision,
        rows=forecast.values.shape[0] * forecast.values.shape[1],
        series=len(forecast.names),
        horizon=dataset.schema.horizon,
        lookback=model.schema.lookback,
        reads_rows=model.lookback,
        time_start=forecast.shown_time(ends[0]),
        time_end=forecast.shown_time(ends[1]),
        ended=ended.names,
        seconds={
            "read": round(ready - began, 4),
            "model": round(forecast_done - ready, 4),
            "write": round(time.perf_counter() - forecast_done, 4),
        },
        **finding_fields(findings),
    )


def _intervals(run: Run, warn: Callable[[Finding], None]) -> Intervals | None:
    intervals = load_intervals(run)
    if intervals is None:
        warn(
            Finding(
                rule="M101",
                kind=MODEL,
                text=f"the model of {run.path} was trained without prediction intervals, so the forecast has none "
                f"('{command('train', run.path)}' adds them)",
            )
        )
    return intervals


def _own_data(run: Run, model: TrainedModel, warn: Callable[[Finding], None]) -> Dataset:
    """Return the run's data in the scaling of the model."""
    dataset = load_dataset(run)
    if not stale_sources(run, "model"):
        return rescale_to_model(dataset, model)
    changed = _differences(model, dataset)
    if changed:
        raise StaleArtifact(
            f"the model of {run.path} is out of date: the data have other {changed}",
            hint=f"train again: '{command('train', run.path)}'",
        )
    retrain = f"'{command('train', run.path)}' trains it again"
    warn(
        Finding(
            rule="M102",
            kind=MODEL,
            text=f"the model of {run.path} is out of date: the data changed after training ({retrain})",
        )
    )
    return rescale_to_model(dataset, model)


def _differences(model: TrainedModel, dataset: Dataset) -> str:
    """Return what differs between the data and the model as a phrase, empty if nothing does."""
    old, new = model.schema, dataset.schema
    pairs = {
        "targets": (old.targets, new.targets),
        "covariates": ((old.past, old.future, old.calendar), (new.past, new.future, new.calendar)),
        "frequency": (old.step, new.step),
        "horizon": (old.horizon, new.horizon),
        "series": (old.series_name, new.series_name),
    }
    return " and ".join(name for name, (before, after) in pairs.items() if before != after)


def _new_data(
    new: str,
    run: Run,
    model: TrainedModel,
    config: PredictConfig,
    stdin: BinaryIO | None,
    warn: Callable[[Finding], None],
) -> Dataset:
    from lstm_cli.data.forecast.new_data import ModelSchema, read_new_data

    known = ModelSchema(
        schema=model.schema,
        series=model.series,
        scaler=model.scaler,
        training=model.training,
        rows_read=model.lookback,
    )
    dataset, findings = read_new_data(new, known, text=config.text, stdin=stdin)
    for finding in findings:
        warn(finding)
    if run.has("data"):
        _warn_changed_values(new, dataset, load_dataset(run), warn)
    return dataset


def _warn_padded(dataset: Dataset, model: TrainedModel, source: str, warn: Callable[[Finding], None]) -> None:
    """Warn once about series with fewer rows than the model reads. Their windows are padded."""
    count, reads, lookback = dataset.series.count, model.lookback, model.schema.lookback
    short = np.flatnonzero(count < reads)
    if not len(short):
        return
    from lstm_cli.data.locations import quote_names
    from lstm_cli.text import count_noun

    needs = f"than the {reads:,} that the model reads (lookback {lookback:,})"
    padded = "padded at the front (no option for this; more rows may change the forecast)"
    if len(count) == 1:
        text = f"{count_noun(int(count[0]), 'row')}, fewer {needs}: the window is {padded}"
        warn(Finding.at(in_file(source), "D810", text))
        return
    names = quote_names([dataset.series.names[index] for index in short])
    text = f"{len(short):,} of {len(count):,} series have fewer rows {needs}: {names}; their windows are {padded}"
    warn(Finding.at(in_file(source), "D810", text, count=len(short)))


def _warn_changed_values(source: str, new: Dataset, old: Dataset, warn: Callable[[Finding], None]) -> None:
    """Warn once if new rows and the run's data differ at the same times."""
    if (
        old.schema.targets != new.schema.targets
        or old.schema.step != new.schema.step
        or old.schema.time_name is None
    ):
        return
    index_of = {name: index for index, name in enumerate(old.series.names)}
    differing, first = 0, None
    width = new.targets
    for series, name in enumerate(new.series.names):
        if name not in index_of:
            continue
        known = index_of[name]
        times = new.schema.step.times(np.arange(new.series.count[series]), int(new.series.origin_us[series]))
        index, fits = old.schema.step.index(times, int(old.series.origin_us[known]))
        rows = np.flatnonzero(fits & (index >= 0) & (index < old.series.count[known]))
        if not len(rows):
            continue
        new_rows = new.series.offset[series] + rows
        old_rows = old.series.offset[known] + index[rows]
        both = new.measured[new_rows, :width] & old.measured[old_rows, :width]
        a = new.scaler.inverse_transform(new.values_scaled[new_rows, :width], series)
        b = old.scaler.inverse_transform(old.values_scaled[old_rows, :width], known)
        # Both were stored as 32-bit floats, so the tolerance is their rounding error.
        tolerance = 1e-5 * (np.abs(a) + np.abs(b) + old.scaler.scale[known, :width])
        differs = both & (np.abs(a - b) > tolerance)
        if differs.any() and first is None:
            first = times[rows[[int(np.argmax(differs.any(axis=1)))]]]
        differing += int(differs.sum())
    if differing and first is not None:
        when = show_time(first[0], new.schema.time_format)
        values = "value differs" if differing == 1 else "values differ"
        text = f"{differing} {values} from the run's data at the same times, first at {when}"
        warn(Finding.at(in_file(source), "D811", text, count=differing))


def _forecast(
    dataset: Dataset,
    model: TrainedModel,
    graph: bytes,
    intervals: Intervals | None,
    source: str,
    threads: int | None,
) -> Forecast:
    from lstm_cli.inference.session import open_session

    ahead = known_ahead_inputs(dataset, source)
    session = open_session(graph, threads=threads)
    parts, sides = [], []
    windows = last_windows(dataset, model.lookback)
    size = min(BATCH_SERIES, windows.batch_size)
    for first in range(0, len(ahead), size):
        batch = windows[first : first + size]
        scaled = session(batch.past, ahead[first : first + size], batch.mask)
        parts.append(inverse_transform(dataset, scaled, batch.series, model.bounds))
        if intervals is not None:
            ends = intervals.interval_ends(scaled, batch.past, batch.mask)
            sides.append(inverse_transform_intervals(dataset, ends, batch.series, model.bounds))
    values = np.concatenate(parts)
    if not np.isfinite(values).all():
        series = int(np.argwhere(~np.isfinite(values))[0][0])
        raise DataError(
            f"the forecast of {dataset.series.names[series] or 'the series'} is not finite",
            hint="check the values at the end of the data",
            rule="D808",
            at=in_file(source),
        )
    forecast = Forecast(
        schema=dataset.schema,
        names=dataset.series.names,
        times_us=forecast_times(dataset),
        values=values,
        interval_ends=np.concatenate(sides, axis=1) if sides else None,
        interval_suffixes=SIDES if sides else (),
    )
    name = forecast.name_clash()
    if name is not None:
        raise DataError(
            f"the interval column '{name}' has a duplicate name: another column is named '{name}', too",
            hint="add --no-intervals, or rename the column and run prepare again",
            rule="D809",
            at=in_file(source),
            flags=("--no-intervals",),
        )
    return forecast
