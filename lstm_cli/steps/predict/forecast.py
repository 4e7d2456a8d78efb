"""Forecast of the steps after the last row: by the model, and by the baseline for short series."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch
from lstm_cli.data.forecast.bounds import clip_scaled, inverse_transform, inverse_transform_intervals
from lstm_cli.data.forecast.fed_back import ModelRuns, block_windows, run_model
from lstm_cli.data.forecast.inputs import (
    covariates_ahead,
    forecast_times,
    known_ahead_inputs,
    last_windows,
    whole_horizons,
)
from lstm_cli.data.forecast.output import SAMPLE_COLUMN, Forecast
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding, in_file
from lstm_cli.inference.trained_model import TrainedModel
from lstm_cli.steps.predict.data import ForecastData, Warn
from lstm_cli.steps.predict.forecaster import Forecaster
from lstm_cli.steps.predict.requested_quantiles import RequestedQuantiles
from lstm_cli.steps.predict.shard import ShardSlices, indices_of


def make_forecast(
    data: ForecastData,
    forecaster: Forecaster,
    requested: RequestedQuantiles,
    slices: ShardSlices,
    *,
    steps: int,
    warn: Warn,
) -> Forecast:
    """Return the forecast of the series of a shard: first those of the model, then those of the baseline.

    Args:
        data: rows before the forecast, of all series.
        forecaster: opened model.
        requested: quantiles of the forecast.
        slices: series of the shard.
        steps: steps of the forecast, fewer or more than the trained horizon.
        warn: receives findings.

    Raises:
        DataError: a future covariate is missing, the forecast is not finite, its times are too late, or two of its
            columns have one name.
    """
    windows = forecast_windows(data, forecaster.model, requested, slices, steps=steps, warn=warn)
    return run_model(windows, lambda batch: forecaster.session(batch.past, batch.future, batch.mask))


def forecast_windows(
    data: ForecastData,
    model: TrainedModel,
    requested: RequestedQuantiles,
    slices: ShardSlices,
    *,
    steps: int,
    warn: Warn,
) -> "ModelRuns[Forecast]":
    """Yield the windows of `make_forecast`, receive their forecast from the session, and return the whole forecast.

    So the windows of several forecasts can go through the session in one batch.

    Args:
        data: rows before the forecast, of all series.
        model: trained model.
        requested: quantiles of the forecast.
        slices: series of the shard.
        steps: steps of the forecast.
        warn: receives findings.
    """
    schema = data.dataset.schema
    forecast_times(schema, data.short, steps)  # all shards refuse times that are too late
    short = data.short.select(indices_of(slices.short))
    shape = (len(short.names), steps, data.dataset.targets)
    names, times = short.names, forecast_times(schema, short, steps)
    values = (
        np.zeros(shape) if not names else model.bounds.clip(short.forecast(steps=steps, season=schema.season))
    )
    # The errors of the baseline on short series are not known.
    probabilities = (*requested.probabilities, *requested.recorded_probabilities)
    quantiles = np.full((len(probabilities), *shape), np.nan)
    if data.dataset.series.names:
        names = (*data.dataset.series.names[slices.modelled], *names)
        times = np.concatenate([forecast_times(schema, data.dataset.series, steps)[slices.modelled], times])
        ahead = known_ahead(data, steps, warn)
        modelled, modelled_quantiles = yield from _model_windows(
            data, model, requested, probabilities, slices, ahead, steps=steps
        )
        values = np.concatenate([modelled, values])
        quantiles = np.concatenate([modelled_quantiles, quantiles], axis=1)
    forecast = Forecast(
        schema=schema,
        names=names,
        times_us=times,
        values=values,
        quantiles=quantiles[: len(requested.suffixes)],
        suffixes=requested.suffixes,
        recorded=quantiles[len(requested.suffixes) :],
    )
    require_unique_columns(forecast, data.source)
    return forecast


def known_ahead(data: ForecastData, steps: int, warn: Warn) -> np.ndarray:
    """Return the known-ahead inputs of whole horizons, [S, blocks * H, K].

    Args:
        data: rows before the forecast.
        steps: steps of the forecast.
        warn: receives findings.

    Raises:
        DataError: a future covariate is missing.
    """
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


def _model_windows(
    data: ForecastData,
    model: TrainedModel,
    requested: RequestedQuantiles,
    probabilities: Sequence[float],
    slices: ShardSlices,
    ahead: np.ndarray,
    *,
    steps: int,
) -> "ModelRuns[tuple[np.ndarray, np.ndarray]]":
    """Yield the windows; return the forecast [S, steps, C] and its quantiles [Q, S, steps, C] in the file's units."""
    dataset, ahead = computed_series(data.dataset, ahead, slices)
    bounds = model.bounds
    values = np.empty((len(ahead), steps, dataset.targets))
    intervals = requested.intervals or requested.recorded
    calibrated = intervals and intervals.for_series(dataset.series.names)
    quantiles = np.empty((len(probabilities), *values.shape))
    for batch, future, clip in series_batches(dataset, model, ahead, size=slices.batch):
        blocks = yield from block_windows(batch, future, clip=clip)
        scaled, rows = blocks[:, :steps], batch.series
        values[rows] = inverse_transform(dataset, scaled, rows, bounds)
        if calibrated is not None:
            scaled_quantiles = calibrated.quantiles(probabilities, scaled, batch)
            quantiles[:, rows] = inverse_transform_intervals(dataset, scaled_quantiles, rows, bounds)
    values, quantiles = values[slices.kept], quantiles[:, slices.kept]
    require_finite(values, dataset.series.names[slices.kept], data.source)
    return values, quantiles


def computed_series(dataset: Dataset, ahead: np.ndarray, slices: ShardSlices) -> tuple[Dataset, np.ndarray]:
    """Return the dataset and the known-ahead inputs of the series that a shard computes.

    Args:
        dataset: dataset of all series.
        ahead: known-ahead inputs of all series, [S, blocks * H, K].
        slices: series of the shard.
    """
    computed = indices_of(slices.computed)
    if len(computed) == len(ahead):
        return dataset, ahead
    return dataset.select(computed), ahead[computed]


def series_batches(
    dataset: Dataset, model: TrainedModel, ahead: np.ndarray, *, size: int
) -> Iterator[tuple[Batch, np.ndarray, Callable[[np.ndarray], np.ndarray]]]:
    """Yield the last windows of all series in batches, with what `forecast_blocks` needs.

    This is the known-ahead inputs [B, blocks * H, K], and the bounds of a scaled forecast as a function.

    Args:
        dataset: rows before the forecast.
        model: trained model.
        ahead: known-ahead inputs of whole horizons, [S, blocks * H, K].
        size: series per batch.
    """
    windows = last_windows(dataset, model.lookback)
    for first in range(0, len(ahead), size):
        rows = slice(first, first + size)
        batch = windows[rows]
        yield batch, ahead[rows], partial(clip_scaled, dataset, series=batch.series, bounds=model.bounds)


def require_finite(values: np.ndarray, names: Sequence[str], source: str) -> None:
    """Raise DataError for a forecast that is not finite.

    Args:
        values: [S, steps, C].
        names: names of the series.
        source: name of the rows in messages.
    """
    if np.isfinite(values).all():
        return
    series = int(np.argwhere(~np.isfinite(values))[0][0])
    raise DataError(
        f"the forecast of {names[series] or 'the series'} is not finite",
        hint="check the values at the end of the data",
        rule="D808",
        at=in_file(source),
    )


def require_unique_columns(forecast: Forecast, source: str) -> None:
    """Raise DataError if a sample, interval or quantile column has the name of another column of the forecast."""
    name = forecast.name_clash()
    if name is not None:
        kind, advice, flag = "interval", "add --no-intervals", "--no-intervals"
        if forecast.samples and name == SAMPLE_COLUMN:
            kind, advice, flag = "sample", "leave out --samples", "--samples"
        elif name.rpartition("_")[2].startswith("q"):
            kind, advice, flag = "quantile", "leave this quantile out of --quantiles", "--quantiles"
        raise DataError(
            f"the {kind} column '{name}' has a duplicate name: another column is named '{name}', too",
            hint=f"{advice}, or rename the column and run prepare again",
            rule="D809",
            at=in_file(source),
            flags=(flag,),
        )
