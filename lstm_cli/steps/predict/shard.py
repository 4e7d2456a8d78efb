"""Slice of the series that `--shard` forecasts.

The forecast of a series can depend on the batch that it is computed in: an int8 model scales its activations by batch,
and a matrix product can round differently for another number of rows. So a shard computes the batches of the whole
forecast. It drops the series of other shards at the edges. With at least one batch for each shard, the edges of shards
are edges of batches, and nothing is computed twice.
"""

from dataclasses import dataclass

import numpy as np

from lstm_cli.config.predict import PredictConfig, Shard
from lstm_cli.data.dataset.dataset import Schema
from lstm_cli.data.dataset.windows import batch_size
from lstm_cli.data.forecast.output import output_format
from lstm_cli.errors import UsageError
from lstm_cli.inference.trained_model import TrainedModel

BATCH_SERIES = 256  # series per batch; a larger batch does not fit into the cache of a core


@dataclass(frozen=True, kw_only=True)
class ShardSlices:
    """Series of a shard. Each slice counts from the first series."""

    modelled: slice  # of the series that the model forecasts
    computed: slice  # of the same series: whole batches around `modelled`
    short: slice  # of the series that get the baseline
    batch: int  # series per batch

    @property
    def series(self) -> int:
        """Return the number of series in the shard."""
        return self.modelled.stop - self.modelled.start + self.short.stop - self.short.start

    @property
    def kept(self) -> slice:
        """Return the slice of the computed series that are in the shard."""
        first = self.computed.start
        return slice(self.modelled.start - first, self.modelled.stop - first)


def require_csv(config: PredictConfig) -> None:
    """Raise UsageError for --shard with another format than CSV, whose files cannot be joined as text."""
    format = output_format(config.output, config.format)
    if config.shard is not None and format != "csv":
        raise UsageError(
            f"--shard {config.shard} writes only CSV, not {format}",
            hint="use -o FILE.csv, and convert the joined file",
            flag="--shard",
        )


def slice_series(
    shard: Shard | None, *, modelled: int, short: int, schema: Schema, model: TrainedModel
) -> ShardSlices:
    """Return the slices of a shard; without --shard, all series.

    The first shards have one series more (or one batch more) if the number is not divisible. So a run of one series
    is in shard 1.

    Args:
        shard: value of --shard.
        modelled: number of series that the model forecasts, which come first in the output.
        short: number of series that get the baseline.
        schema: schema of the forecast data.
        model: trained model.
    """
    size = min(BATCH_SERIES, batch_size(schema, model.lookback))
    total = modelled + short
    first, last = 0, total
    if shard is not None:
        batches = -(-total // size)
        unit, units = (size, batches) if batches >= shard.count else (1, total)
        first, last = (
            min(unit * _count_before(number, units, shard.count), total)
            for number in (shard.number - 1, shard.number)
        )
    own = slice(min(first, modelled), min(last, modelled))
    computed = slice(own.start // size * size, min(-(-own.stop // size) * size, modelled))
    return ShardSlices(
        modelled=own,
        computed=computed if own.stop > own.start else slice(own.start, own.start),
        short=slice(max(first - modelled, 0), max(last - modelled, 0)),
        batch=size,
    )


def _count_before(shards: int, units: int, count: int) -> int:
    """Return how many of the units are in the first `shards` of `count` shards."""
    return units // count * shards + min(shards, units % count)


def indices_of(chosen: slice) -> np.ndarray:
    """Return the indices in a slice."""
    return np.arange(chosen.start, chosen.stop)
