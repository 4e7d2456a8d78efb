"""`predict`: the H steps after the last row. It needs no torch, writes nothing in the run, and starts fast."""

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
from lstm_cli.data.times.formats import format_times
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
from lstm_cli.steps.shared.report_json import option_values, to_plain

SERIES_AT_ONCE = 256  # series forecast together; more of them do not fit into the cache of a core


@dataclass(frozen=True, kw_only=True)
class PredictReport:
    """What was forecast, and how long each stage took."""

    run: str
    output: str
    format: str
    precision: str
    rows: int
    series: int
    horizon: int
    lookback: int  # steps, as prepare has it
    reads_rows: int  # that the model reads before a forecast: a part may look back further
    time_start: str  # of the forecast, as the file writes times
    time_end: str
    ended: tuple[str, ...]  # names of the series that ended, which were left out unless --ended include
    seconds: dict[str, float]  # read, model, write
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()  # the warnings as data; 0.1.0 kept none

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
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
    """Forecasts from the run's own data, or from `new` (a path, or `-`), into config.output (`-`: stdout).

    Raises MissingArtifact without a model, StaleArtifact where the run's data no longer fit it, DataError for
    new data that do not and for series that ended where `--ended refuse` says so, OutputError or UsageError for an
    output that cannot be written.
    """
    began = time.perf_counter()
    if config.output != "-":
        check_output(config.output, run=run, source=new)
    format = output_format(config.output, config.format)
    if format == "parquet":
        from lstm_cli.config.extras import require_installed

        require_installed("a forecast in Parquet", "pyarrow")
    found: list[Finding] = []

    def warn(finding: Finding) -> None:
        found.append(finding)
        listen(WarningRaised(finding=finding))

    with open_run(run) as opened:
        model = load_model(opened)
        require_forecast(model, doing="the forecast")
        graph, precision = load_graph(opened, config.precision)
        intervals = _intervals(opened, warn) if config.intervals else None
        if new is None:
            dataset, source = _own(opened, model, warn), str(run)
        else:
            dataset, source = (
                _new(new, opened, model, config, stdin, warn),
                "standard input" if new == "-" else new,
            )
    dataset, ended, without = apply_ended(dataset, source, config.ended)
    if without is not None:
        warn(without)
    _warn_padded(dataset, model, source, warn)
    ready = time.perf_counter()
    forecast = _forecast(dataset, model, graph, intervals, source, config.threads)
    made = time.perf_counter()
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
        time_start=forecast.written_times(np.array(ends[:1]))[0],
        time_end=forecast.written_times(np.array(ends[1:]))[0],
        ended=ended.names,
        seconds={
            "read": round(ready - began, 4),
            "model": round(made - ready, 4),
            "write": round(time.perf_counter() - made, 4),
        },
        **option_values(found),
    )


def _intervals(run: Run, warn: Callable[[Finding], None]) -> Intervals | None:
    found = load_intervals(run)
    if found is None:
        warn(
            Finding(
                rule="M101",
                kind=MODEL,
                text=f"the model of {run.path} was trained without intervals, so the forecast has none; "
                f"'{command('train', run.path)}' adds them",
            )
        )
    return found


def _own(run: Run, model: TrainedModel, warn: Callable[[Finding], None]) -> Dataset:
    """The run's data, scaled as the model knows them."""
    dataset = load_dataset(run)
    if not stale_sources(run, "model"):
        return rescale_to_model(dataset, model)
    differs = _differences(model, dataset)
    if differs:
        raise StaleArtifact(
            f"the data of {run.path} have other {differs} than its model was trained with",
            hint=f"run '{command('train', run.path)}' again",
        )
    renews = f"'{command('train', run.path)}' renews it"
    warn(
        Finding(
            rule="M102", kind=MODEL, text=f"the model of {run.path} was trained on earlier data; {renews}"
        )
    )
    return rescale_to_model(dataset, model)


def _differences(model: TrainedModel, dataset: Dataset) -> str:
    """What of the data no longer fits the model, as a phrase; empty where all does."""
    old, new = model.schema, dataset.schema
    pairs = {
        "targets": (old.targets, new.targets),
        "covariates": ((old.past, old.future, old.calendar), (new.past, new.future, new.calendar)),
        "time steps": (old.step, new.step),
        "horizon": (old.horizon, new.horizon),
        "series": (old.series_name, new.series_name),
    }
    return " and ".join(name for name, (before, after) in pairs.items() if before != after)


def _new(
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
    dataset, read = read_new_data(
        new, known, encoding=config.encoding, delimiter=config.delimiter, stdin=stdin
    )
    for finding in read:
        warn(finding)
    if run.has("data"):
        _differing_findings(new, dataset, load_dataset(run), warn)
    return dataset


def _warn_padded(dataset: Dataset, model: TrainedModel, source: str, warn: Callable[[Finding], None]) -> None:
    """Warn once where series have fewer rows than the model reads, so that their windows are padded."""
    count, reads, lookback = dataset.series.count, model.lookback, model.schema.lookback
    short = np.flatnonzero(count < reads)
    if not len(short):
        return
    from lstm_cli.data.locations import quote_names
    from lstm_cli.text import count_noun

    needs = f"than the {reads:,} that the model reads (lookback {lookback:,})"
    why = "padded at the front (no flag: more rows may give another forecast)"
    if len(count) == 1:
        text = f"{count_noun(int(count[0]), 'row')}, fewer {needs}: the window is {why}"
        warn(Finding.at(in_file(source), "D810", text))
        return
    names = quote_names([dataset.series.names[one] for one in short])
    text = (
        f"{len(short):,} of {len(count):,} series have fewer rows {needs}: {names}; their windows are {why}"
    )
    warn(Finding.at(in_file(source), "D810", text, count=len(short)))


def _differing_findings(source: str, new: Dataset, old: Dataset, warn: Callable[[Finding], None]) -> None:
    """One warning where rows that both hold have other values."""
    if (
        old.schema.targets != new.schema.targets
        or old.schema.step != new.schema.step
        or old.schema.time_name is None
    ):
        return
    at = {name: place for place, name in enumerate(old.series.names)}
    differing, first = 0, None
    width = new.targets
    for one, name in enumerate(new.series.names):
        if name not in at:
            continue
        place = at[name]
        index, fits = new.schema.step.index(new.series.origin_us[one : one + 1], old.series.origin_us[place])
        if not fits.all():
            continue
        shift = int(index[0])  # row r of the new series is row r + shift of the old one
        begin, end = max(0, -shift), min(int(new.series.count[one]), int(old.series.count[place]) - shift)
        if begin >= end:
            continue
        mine = slice(new.series.offset[one] + begin, new.series.offset[one] + end)
        theirs = slice(old.series.offset[place] + begin + shift, old.series.offset[place] + end + shift)
        both = new.measured[mine, :width] & old.measured[theirs, :width]
        a = new.scaler.inverse_transform(new.values_scaled[mine, :width], one)
        b = old.scaler.inverse_transform(old.values_scaled[theirs, :width], place)
        # Both went through 32-bit floats: what rounding can explain is no difference.
        room = 1e-5 * (np.abs(a) + np.abs(b) + old.scaler.scale[place, :width])
        apart = both & (np.abs(a - b) > room)
        if apart.any() and first is None:
            row = int(np.argmax(apart.any(axis=1))) + begin
            first = new.schema.step.times(np.array([row]), new.series.origin_us[one])
        differing += int(apart.sum())
    if differing and first is not None:
        when = format_times(first, new.schema.time_format)[0]
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
    size = min(SERIES_AT_ONCE, windows.batch_size)
    for first in range(0, len(ahead), size):
        batch = windows[first : first + size]
        scaled = session(batch.past, ahead[first : first + size], batch.mask)
        parts.append(inverse_transform(dataset, scaled, batch.series, model.bounds))
        if intervals is not None:
            ends = intervals.interval_ends(scaled, batch.past, batch.mask)
            sides.append(inverse_transform_intervals(dataset, ends, batch.series, model.bounds))
    values = np.concatenate(parts)
    if not np.isfinite(values).all():
        one = int(np.argwhere(~np.isfinite(values))[0][0])
        raise DataError(
            f"the forecast of {dataset.series.names[one] or 'the series'} is not finite",
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
    twice = forecast.name_clash()
    if twice is not None:
        raise DataError(
            f"an interval's column '{twice}' would have the name of another column",
            hint="--no-intervals leaves the intervals out; or rename the column and prepare again",
            rule="D809",
            at=in_file(source),
            flags=("--no-intervals",),
        )
    return forecast
