"""Forecast of the steps after the last row: by the model, and by the baseline for short series."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch
from lstm_cli.data.forecast.bounds import clip_scaled, inverse_transform, inverse_transform_intervals
from lstm_cli.data.forecast.fed_back import forecast_blocks
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
from lstm_cli.steps.predict.requested_quantiles import RequestedQuantiles
from lstm_cli.steps.predict.shard import ShardSlices, indices_of


def make_forecast(
    data: ForecastData,
    model: TrainedModel,
    graph: bytes,
    requested: RequestedQuantiles,
    slices: ShardSlices,
    *,
    steps: int,
    threads: int | None,
    warn: Warn,
) -> Forecast:
    """Return the forecast of the series of a shard: first those of the model, then those of the baseline.

    Args:
        data: rows before the forecast, of all series.
        model: trained model.
        graph: ONNX graph of the model.
        requested: quantiles of the forecast.
        slices: series of the shard.
        steps: steps of the forecast, fewer or more than the trained horizon.
        threads: CPU threads; None: all cores.
        warn: receives findings.

    Raises:
        DataError: a future covariate is missing, the forecast is not finite, its times are too late, or two of its
            columns have one name.
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
        modelled, modelled_quantiles = _run_model(
            data, model, graph, requested, probabilities, slices, ahead, steps=steps, threads=threads
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


def _run_model(
    data: ForecastData,
    model: TrainedModel,
    graph: bytes,
    requested: RequestedQuantiles,
    probabilities: Sequence[float],
    slices: ShardSlices,
    ahead: np.ndarray,
    *,
    steps: int,
    threads: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the forecast [S, steps, C] and its quantiles [Q, S, steps, C] in the file's units."""
    dataset, ahead = computed_series(data.dataset, ahead, slices)
    bounds = model.bounds
    values = np.empty((len(ahead), steps, dataset.targets))
    intervals = requested.intervals or requested.recorded
    calibrated = intervals and intervals.for_series(dataset.series.names)
    quantiles = np.empty((len(probabilities), *values.shape))
    for batch, scaled in scaled_forecasts(
        dataset, model, graph, ahead, steps=steps, size=slices.batch, threads=threads
    ):
        rows = batch.series
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


def scaled_forecasts(
    dataset: Dataset,
    model: TrainedModel,
    graph: bytes,
    ahead: np.ndarray,
    *,
    steps: int,
    size: int,
    threads: int | None,
) -> Iterator[tuple[Batch, np.ndarray]]:
    """Yield the last windows of all series in batches, each with its scaled forecast [B, steps, C].

    Args:
        dataset: rows before the forecast.
        model: trained model.
        graph: ONNX graph of the model.
        ahead: known-ahead inputs of whole horizons, [S, blocks * H, K].
        steps: steps of the forecast, fewer or more than the trained horizon.
        size: series per batch.
        threads: CPU threads; None: all cores.
    """
    from lstm_cli.inference.session import open_session

    if not len(ahead):
        return
    session = open_session(graph, threads=threads)
    windows = last_windows(dataset, model.lookback)
    for first in range(0, len(ahead), size):
        rows = slice(first, first + size)
        batch = windows[rows]
        scaled = forecast_blocks(
            batch,
            ahead[rows],
            lambda window: session(window.past, window.future, window.mask),
            clip=partial(clip_scaled, dataset, series=batch.series, bounds=model.bounds),
        )
        yield batch, scaled[:, :steps]


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
