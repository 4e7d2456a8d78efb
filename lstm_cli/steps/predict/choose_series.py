"""Series of a forecast, without ended ones, and the warnings about them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from lstm_cli.config import PredictConfig
from lstm_cli.data.dataset.ended_series import EndedSeries
from lstm_cli.inference.trained_model import TrainedModel
from lstm_cli.steps.predict.data import ForecastData, Warn
from lstm_cli.steps.predict.origin import warn_learned_rows
from lstm_cli.steps.predict.shard import ShardSlices, slice_series
from lstm_cli.steps.predict.warnings import warn_new_series, warn_padded, warn_short_series
from lstm_cli.steps.shared.memory_estimate import require_samples

if TYPE_CHECKING:
    from lstm_cli.data.forecast.origin import Origin


@dataclass(frozen=True, kw_only=True)
class ChosenSeries:
    """Series of a forecast."""

    data: ForecastData
    ended: EndedSeries
    slices: ShardSlices


def choose_series(
    data: ForecastData,
    model: TrainedModel,
    config: PredictConfig,
    warn: Warn,
    *,
    steps: int,
    own: bool,
    origin: "Origin | None" = None,
    stdin: BinaryIO | None = None,
) -> ChosenSeries:
    """Return the series that the options request, with the covariates of --future-data.

    Args:
        data: rows before the forecast.
        model: trained model.
        config: settings of `predict`.
        warn: receives findings.
        steps: steps of the forecast.
        own: the data are those of the run.
        origin: last row that the forecast knows; None: the last row of the data.
        stdin: stream behind `-`.

    Raises:
        DataError: a series is not found, a series ended and config.ended is `refuse`, no series is left, or the file of
            --future-data does not fit.
        UsageError: the data have no series column.
        DeviceError: the sample paths do not fit in memory.
    """
    if config.only:
        data = data.select(config.only)
    data, ended = data.without_ended(config.ended, warn)
    if config.future_data is not None:
        data = data.with_future_data(config, steps, stdin, warn)
    warn_learned_rows(data, model, origin, warn, own=own)
    warn_new_series(data, model, warn)
    if config.samples is None:
        warn_short_series(data, warn)
    else:
        data = data.without_short(warn)
    slices = slice_series(
        config.shard,
        modelled=len(data.dataset.series.names),
        short=len(data.short.names),
        schema=data.dataset.schema,
        model=model,
    )
    if config.samples is not None:
        require_samples(data.dataset.schema, slices.series, steps=steps, samples=config.samples)
    warn_padded(data, model, warn)
    return ChosenSeries(data=data, ended=ended, slices=slices)
