"""Sample paths of the forecast of each series, for `--samples`."""

import hashlib
from dataclasses import dataclass, fields

import numpy as np

from lstm_cli.config.predict import PredictConfig
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.data.dataset.windows import Batch
from lstm_cli.data.forecast.bounds import Bounds, inverse_transform_intervals
from lstm_cli.data.forecast.fed_back import forecast_blocks
from lstm_cli.data.forecast.inputs import forecast_times
from lstm_cli.data.forecast.output import Forecast
from lstm_cli.errors import MissingArtifact
from lstm_cli.evaluation.quantiles.dependence import Dependence
from lstm_cli.evaluation.quantiles.model import CalibratedQuantiles
from lstm_cli.evaluation.quantiles.normal_scores import ALWAYS, from_scores, knot_probabilities, knot_scores
from lstm_cli.findings import MODEL, Finding
from lstm_cli.inference.trained_model import load_dependence, load_intervals
from lstm_cli.rundir import Run, command
from lstm_cli.steps.predict.data import ForecastData, Warn
from lstm_cli.steps.predict.forecast import (
    computed_series,
    known_ahead,
    require_finite,
    require_unique_columns,
    series_batches,
)
from lstm_cli.steps.predict.forecaster import Forecaster
from lstm_cli.steps.predict.shard import ShardSlices

KNOT_CELLS = 4_000_000  # knots x series x steps x targets at a time
NOISE_CELLS = 1_000_000  # samples x steps x targets at a time


@dataclass(frozen=True, kw_only=True)
class RequestedSamples:
    """Sample paths of a forecast, and what they are drawn from."""

    count: int  # of each series
    seed: int
    intervals: CalibratedQuantiles  # calibrated quantile model
    dependence: Dependence


def load_samples(run: Run, config: PredictConfig, warn: Warn) -> RequestedSamples:
    """Return the sample paths that the options request.

    Args:
        run: run with a model.
        config: settings of `predict`, with a number of samples.
        warn: receives findings.

    Raises:
        MissingArtifact: the model was trained without what the sample paths are drawn from.
    """
    assert config.samples is not None
    intervals, dependence = load_intervals(run), load_dependence(run)
    if intervals is None or dependence is None:
        raise MissingArtifact(
            f"the model of {run.path} was trained by a release without sample paths",
            hint=f"run '{command('train', run.path)} --force' to add them",
            flag="--samples",
        )
    lowest, highest = intervals.supported
    if round(lowest - ALWAYS[0], 9) > 0 or round(ALWAYS[-1] - highest, 9) > 0:
        text = (
            f"the calibration of {run.path} supports the quantiles {lowest:.4g} to {highest:.4g}, so the extremes of "
            "the sample paths are not certain (more validation rows support more)"
        )
        warn(Finding(rule="M131", kind=MODEL, text=text, flags=("--samples",)))
    return RequestedSamples(
        count=config.samples, seed=config.seed or 0, intervals=intervals, dependence=dependence
    )


def make_sample_paths(
    data: ForecastData,
    forecaster: Forecaster,
    requested: RequestedSamples,
    slices: ShardSlices,
    *,
    steps: int,
    warn: Warn,
) -> Forecast:
    """Return the sample paths of the series of a shard, series by series, in the file's units.

    Args:
        data: rows before the forecast, of all series that are not short.
        forecaster: opened model.
        requested: number and source of the sample paths.
        slices: series of the shard.
        steps: steps of the forecast, fewer or more than the trained horizon.
        warn: receives findings.

    Raises:
        DataError: a future covariate is missing, a sample path is not finite, its times are too late, or two of its
            columns have one name.
    """
    count = requested.count
    times = forecast_times(data.dataset.schema, data.dataset.series, steps)[slices.modelled]
    dataset, ahead = computed_series(data.dataset, known_ahead(data, steps, warn), slices)
    kept = slices.kept
    calibrated = requested.intervals.for_series(dataset.series.names)
    probabilities = knot_probabilities(calibrated)
    values = np.empty((slices.series, count, steps, dataset.targets))
    size = max(1, KNOT_CELLS // (len(probabilities) * steps * dataset.targets))
    for batch, future, clip in series_batches(dataset, forecaster.model, ahead, size=slices.batch):
        blocks = forecast_blocks(
            batch,
            future,
            lambda window: forecaster.session(window.past, window.future, window.mask),
            clip=clip,
        )
        scaled = blocks[:, :steps]
        for first in range(0, len(scaled), size):
            rows = slice(first, first + size)
            part = Batch(**{each.name: getattr(batch, each.name)[rows] for each in fields(Batch)})
            knots = calibrated.quantiles(probabilities, scaled[rows], part)
            for index, series in enumerate(part.series.tolist()):
                if kept.start <= series < kept.stop:
                    out = values[series - kept.start]
                    _draw(out, dataset, series, knots[:, index], forecaster.model.bounds, requested)
    names = dataset.series.names[kept]
    require_finite(values.reshape(len(names), count * steps, dataset.targets), names, data.source)
    forecast = Forecast(
        schema=dataset.schema,
        names=tuple(name for name in names for _ in range(count)),
        times_us=np.repeat(times, count, axis=0),
        values=values.reshape(-1, steps, dataset.targets),
        quantiles=np.empty((0, len(names) * count, steps, dataset.targets)),
        samples=count,
    )
    require_unique_columns(forecast, data.source)
    return forecast


def _draw(
    out: np.ndarray,
    dataset: Dataset,
    series: int,
    knots: np.ndarray,
    bounds: Bounds,
    requested: RequestedSamples,
) -> None:
    """Fill `out` [N, steps, C] with the sample paths of a series, a block of paths at a time.

    Args:
        out: receives the sample paths in the file's units.
        dataset: data of the forecast.
        series: index of the series.
        knots: [K, steps, C] quantiles at the knots, scaled.
        bounds: bounds of the forecast.
        requested: number and source of the sample paths.
    """
    _, steps, targets = out.shape
    scores = knot_scores(knot_probabilities(requested.intervals))
    rng = series_generator(requested.seed, dataset.series.names[series])
    size = max(1, NOISE_CELLS // (steps * targets))
    for first in range(0, len(out), size):
        block = out[first : first + size]
        noise = requested.dependence.noise(rng, samples=len(block), steps=steps, targets=targets)
        paths = from_scores(noise, knots, scores)
        block[:] = inverse_transform_intervals(dataset, [paths], np.full(len(block), series), bounds)[0]


def series_generator(seed: int, name: str) -> np.random.Generator:
    """Return the random numbers of a series. They do not depend on the other series of the forecast."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return np.random.default_rng([seed, int.from_bytes(digest, "little")])
