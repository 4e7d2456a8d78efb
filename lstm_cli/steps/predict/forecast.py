"""Forecast of the steps after the last row: by the model, and by the baseline for short series."""

from functools import partial

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.forecast.bounds import clip_scaled, inverse_transform, inverse_transform_intervals
from lstm_cli.data.forecast.fed_back import forecast_blocks
from lstm_cli.data.forecast.inputs import (
    covariates_ahead,
    forecast_times,
    known_ahead_inputs,
    last_windows,
    whole_horizons,
)
from lstm_cli.data.forecast.output import Forecast
from lstm_cli.errors import DataError
from lstm_cli.evaluation.intervals import SIDES, Intervals
from lstm_cli.findings import MODEL, Finding, in_file
from lstm_cli.inference.trained_model import TrainedModel, load_intervals
from lstm_cli.rundir import Run, command
from lstm_cli.steps.predict.data import ForecastData, Warn

BATCH_SERIES = 256  # series per batch; a larger batch does not fit into the cache of a core


def load_intervals_or_warn(run: Run, warn: Warn) -> Intervals | None:
    """Return the prediction intervals of a run; None with a warning if it has none."""
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


def make_forecast(
    data: ForecastData,
    model: TrainedModel,
    graph: bytes,
    intervals: Intervals | None,
    *,
    steps: int,
    threads: int | None,
    warn: Warn,
) -> Forecast:
    """Return the forecast of all series: first those of the model, then those of the baseline.

    Args:
        data: rows before the forecast.
        model: trained model.
        graph: ONNX graph of the model.
        intervals: prediction intervals; None leaves them out.
        steps: steps of the forecast, fewer or more than the trained horizon.
        threads: CPU threads; None: all cores.
        warn: receives findings.

    Raises:
        DataError: a future covariate is missing, the forecast is not finite, its times are too late, or two of its
            columns have one name.
    """
    schema, short = data.dataset.schema, data.short
    shape = (len(short.names), steps, data.dataset.targets)
    names, times = short.names, forecast_times(schema, short, steps)
    values = (
        np.zeros(shape) if not names else model.bounds.clip(short.forecast(steps=steps, season=schema.season))
    )
    ends = np.full((len(SIDES), *shape), np.nan)  # the errors of the baseline on short series are not known
    if data.dataset.series.names:
        names = (*data.dataset.series.names, *names)
        times = np.concatenate([forecast_times(schema, data.dataset.series, steps), times])
        ahead = _known_ahead(data, steps, warn)
        modelled, modelled_ends = _run_model(
            data, model, graph, intervals, ahead, steps=steps, threads=threads
        )
        values = np.concatenate([modelled, values])
        ends = np.concatenate([modelled_ends, ends], axis=1)
    forecast = Forecast(
        schema=schema,
        names=names,
        times_us=times,
        values=values,
        interval_ends=None if intervals is None else ends,
        interval_suffixes=() if intervals is None else SIDES,
    )
    _require_unique_columns(forecast, data.source)
    return forecast


def _known_ahead(data: ForecastData, steps: int, warn: Warn) -> np.ndarray:
    """Return the known-ahead inputs of whole horizons, [S, blocks * H, K]."""
    dataset = data.dataset
    horizon = dataset.schema.horizon
    filled = whole_horizons(dataset.schema, steps)
    source, own_file = data.covariates or data.source, bool(data.covariates)
    inputs = known_ahead_inputs(dataset, source, steps=steps, filled=filled, own_file=own_file)
    if filled > steps and dataset.schema.future and not covariates_ahead(dataset, filled)[1].all():
        text = (
            f"the model forecasts {horizon} steps at once, and the future covariates are missing from step "
            f"{steps + 1} on: they keep their last values there, which may change the forecast "
            f"(give {filled} steps with --future-data)"
        )
        warn(Finding.at(in_file(source), "M105", text, flags=("--future-data",)))
    return inputs


def _run_model(
    data: ForecastData,
    model: TrainedModel,
    graph: bytes,
    intervals: Intervals | None,
    ahead: np.ndarray,
    *,
    steps: int,
    threads: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the forecast [S, steps, C] and its interval ends [4, S, steps, C] in the file's units; NaN without."""
    from lstm_cli.inference.session import open_session

    session, dataset, bounds = open_session(graph, threads=threads), data.dataset, model.bounds
    values = np.empty((len(ahead), steps, dataset.targets))
    ends = np.full((len(SIDES), *values.shape), np.nan)
    windows = last_windows(dataset, model.lookback)
    size = min(BATCH_SERIES, windows.batch_size)
    for first in range(0, len(ahead), size):
        rows = slice(first, first + size)
        batch = windows[rows]
        scaled = forecast_blocks(
            batch,
            ahead[rows],
            lambda window: session(window.past, window.future, window.mask),
            clip=partial(clip_scaled, dataset, series=batch.series, bounds=bounds),
        )[:, :steps]
        values[rows] = inverse_transform(dataset, scaled, batch.series, bounds)
        if intervals is not None:
            scaled_ends = intervals.interval_ends(scaled, batch.past, batch.mask)
            ends[:, rows] = inverse_transform_intervals(dataset, scaled_ends, batch.series, bounds)
    _require_finite(values, dataset, data.source)
    return values, ends


def _require_finite(values: np.ndarray, dataset: Dataset, source: str) -> None:
    """Raise DataError for a forecast [S, steps, C] that is not finite."""
    if np.isfinite(values).all():
        return
    series = int(np.argwhere(~np.isfinite(values))[0][0])
    raise DataError(
        f"the forecast of {dataset.series.names[series] or 'the series'} is not finite",
        hint="check the values at the end of the data",
        rule="D808",
        at=in_file(source),
    )


def _require_unique_columns(forecast: Forecast, source: str) -> None:
    """Raise DataError if an interval column has the name of another column of the forecast."""
    name = forecast.name_clash()
    if name is not None:
        raise DataError(
            f"the interval column '{name}' has a duplicate name: another column is named '{name}', too",
            hint="add --no-intervals, or rename the column and run prepare again",
            rule="D809",
            at=in_file(source),
            flags=("--no-intervals",),
        )
