"""Sizes in bytes of the arrays of each stage of a step, for the memory estimate. Loads no torch."""

from dataclasses import dataclass

import numpy as np

from lstm_cli.data.dataset.dataset import Schema, SeriesTable
from lstm_cli.data.dataset.windows import (
    BATCH,
    FREE_LOOKBACK_FACTOR,
    MAX_GATHERED_CELLS,
    MAX_LOOKBACK,
    MAX_SCORED_ROWS,
    MAX_SEGMENTS,
)

FLOAT, DOUBLE, BOOL, INDEX = 4, 8, 1, 8  # bytes
REGRESSIONS = 12  # kinds and penalties of the regressions with one lookback
WORKERS = 2  # regressions or networks that are fitted in parallel
# Floats that are kept for each output of an LSTM layer: input, gates and output; measured for training.
FORECAST_FLOATS, TRAINING_FLOATS = 6, 12
MIN_TEXT = 6  # characters of a cell of text, at least
MAX_UNRETURNED_BYTES = 60_000_000  # freed bytes of a thread that the C library keeps (measured)
ERROR_SUMS = 7 * 4  # arrays per series, step and target: the model, its parts and the baselines
QUANTILE_SUMS = 4 * 8  # the model and the baselines
WEIGHT_COPIES = 2  # copies of the weights, before and after the refit


@dataclass(frozen=True, kw_only=True)
class ArraySizes:
    """Dimensions of the arrays of a data set and its forecasts."""

    rows: int  # T
    inputs: int  # F, with calendar columns
    columns: int  # stored columns
    targets: int  # C
    horizon: int  # H
    segments: int  # in the longest lookback of a network

    @staticmethod
    def from_schema(schema: Schema, series: SeriesTable) -> "ArraySizes":
        """Return the dimensions of the data of a run."""
        return ArraySizes(
            rows=int((series.count + series.ahead).sum()),
            inputs=len(schema.inputs),
            columns=len(schema.columns),
            targets=len(schema.targets),
            horizon=schema.horizon,
            segments=count_segments(schema, _free_lookback(schema)),
        )

    def batch_size(self, reach: int) -> int:
        """Return how many windows of `reach` steps are scored per batch, as in `Windows.batch_size`."""
        cells = MAX_GATHERED_CELLS // max(1, reach * self.inputs)
        return max(1, min(BATCH, MAX_SCORED_ROWS // self.targets, cells))


@dataclass(frozen=True, kw_only=True)
class TrainingSizes(ArraySizes):
    """Dimensions of the arrays of a training."""

    lookback: int  # L
    reach: int  # past steps that the default model reads
    regressions: tuple[int, ...]  # lookbacks K of the linear forecast
    train: int  # windows, at most
    val: int
    blocks: int  # validation blocks of the linear forecast

    @staticmethod
    def from_schema(schema: Schema, series: SeriesTable) -> "TrainingSizes":
        """Return the dimensions of the data of a run."""
        from lstm_cli.linear.ensemble import linear_lookbacks
        from lstm_cli.linear.validation_blocks import ENOUGH_HORIZONS, MAX_BLOCKS, shift_splits

        regressions = linear_lookbacks(
            lookback=schema.lookback,
            rows=int(np.median(series.train_end)),
            horizon=schema.horizon,
            season=schema.season,
            fixed=schema.lookback_fixed,
        )
        longest_season = (
            0
            if schema.lookback_fixed
            else max((season for season in schema.seasons if season > MAX_LOOKBACK), default=0)
        )
        needed = schema.lookback if schema.lookback_fixed and not schema.pad else 0
        earlier = shift_splits(schema, series, horizons=ENOUGH_HORIZONS, max_blocks=MAX_BLOCKS)
        return TrainingSizes(
            **vars(ArraySizes.from_schema(schema, series)),
            lookback=schema.lookback,
            reach=max(_free_lookback(schema), longest_season, *regressions),
            regressions=regressions,
            train=int(np.maximum(series.train_end - needed, 0).sum()),
            val=int((series.val_end - series.train_end).sum()),
            blocks=1 + len(earlier),
        )


def _free_lookback(schema: Schema) -> int:
    """Return the steps that the free network of the default model reads."""
    return int((1 if schema.lookback_fixed else FREE_LOOKBACK_FACTOR) * schema.lookback)


def count_segments(schema: Schema, lookback: int) -> int:
    """Return about how many segments a network of the default model reads from a lookback in steps."""
    if 4 <= schema.season <= 48:
        return max(1, lookback // schema.season)
    part = 13 if schema.season > 48 else 4
    return max(1, min(lookback // part, lookback * MAX_SEGMENTS // max(1, schema.lookback)))


def dataset_bytes(sizes: ArraySizes, *, copies: int) -> int:
    """Return the bytes of stored values, mask, copy with calendar columns, and `copies` of inputs and targets."""
    calendar = sizes.inputs if sizes.inputs > sizes.columns else 0
    stored = sizes.rows * (FLOAT * (sizes.columns + calendar) + BOOL * sizes.columns)
    return stored + copies * sizes.rows * FLOAT * (sizes.inputs + sizes.targets)


def linear_bytes(sizes: TrainingSizes) -> int:
    """Return the bytes of the linear forecast: rows, solved regressions and temporary arrays of each thread."""
    from lstm_cli.linear.ridge import CHUNK_ROWS
    from lstm_cli.linear.validation_blocks import MAX_FIT_ROWS, MAX_SCORED_CELLS

    longest, horizon = max(sizes.regressions), sizes.horizon
    # Bytes of a row: inputs and mask; for each step ahead the target, the removed level and the mask.
    row = longest * (FLOAT + BOOL) + horizon * (2 * FLOAT + BOOL)
    fitted = min(MAX_FIT_ROWS, sizes.train * sizes.targets)
    scored = min(MAX_SCORED_CELLS // horizon, sizes.val * sizes.targets)
    solved = REGRESSIONS * sum(FLOAT * steps * (1 + horizon) for steps in sizes.regressions)
    summing = min(CHUNK_ROWS, fitted) * (row + (longest + horizon) * (FLOAT + DOUBLE))
    solving = 2 * DOUBLE * longest * (longest + 2 * horizon)
    scoring = scored * (2 * FLOAT * longest + 3 * DOUBLE * horizon)
    rows = (fitted + sizes.blocks * scored) * row
    temporary = max(summing, solving, scoring)
    return rows + sizes.blocks * solved + WORKERS * (temporary + min(temporary, MAX_UNRETURNED_BYTES))


def network_bytes(sizes: ArraySizes, *, windows: int, hidden: int, kept: int) -> int:
    """Return the bytes that a network of the default model keeps for a batch; each target is a row.

    Args:
        sizes: dimensions of the data.
        windows: windows in the batch.
        hidden: units of the layer.
        kept: floats kept for each output, `FORECAST_FLOATS` or `TRAINING_FLOATS`.
    """
    return FLOAT * windows * sizes.targets * sizes.segments * hidden * kept


def weighting_bytes(sizes: TrainingSizes, *, parts: int) -> int:
    """Return the bytes of the validation forecasts from which the weights of the parts are fitted."""
    from lstm_cli.training.setup.hyperparameters import MAX_WEIGHT_CELLS, MAX_WEIGHT_ROWS

    cells = min(MAX_WEIGHT_CELLS, sizes.horizon * min(MAX_WEIGHT_ROWS, sizes.val * sizes.targets))
    return cells * (2 * FLOAT * parts + 2 * FLOAT + DOUBLE)


def batch_bytes(sizes: ArraySizes, *, windows: int, reach: int) -> int:
    """Return the bytes of a batch: indices, inputs and mask, and the arrays of the prediction intervals.

    Args:
        sizes: dimensions of the data.
        windows: windows in the batch.
        reach: past steps of a window.
    """
    step = 2 * INDEX + FLOAT * (2 * sizes.inputs + 1) + 3 * DOUBLE * sizes.targets
    ahead = sizes.targets * 10 * DOUBLE  # forecasts of the parts, their errors, interval ends
    return windows * (reach * step + sizes.horizon * ahead)


def score_bytes(sizes: ArraySizes, series: int) -> int:
    """Return the bytes of the scores of all forecasts of a panel, and of the quantiles of a part of the windows.

    Args:
        sizes: dimensions of the data.
        series: number of series.
    """
    from lstm_cli.evaluation.quantiles.baseline_quantiles import max_windows
    from lstm_cli.evaluation.quantiles.interval_scores import SCORED_QUANTILES
    from lstm_cli.evaluation.scoring import MAX_QUANTILE_CELLS

    ahead = sizes.horizon * sizes.targets
    sums = DOUBLE * series * ahead * (ERROR_SUMS + QUANTILE_SUMS)
    quantiles = (
        3 * DOUBLE * max(MAX_QUANTILE_CELLS, len(SCORED_QUANTILES) * ahead)
    )  # scaled, in units, stacked
    errors = 2 * FLOAT * ahead * min(sizes.rows, max_windows(sizes.horizon, sizes.targets))  # and sorted
    return sums + max(quantiles, errors)


def matrix_bytes(sizes: TrainingSizes) -> int:
    """Return the bytes of the linear forecast's matrices, as weights, as a graph and during the conversion."""
    return WEIGHT_COPIES * 2 * 4 * FLOAT * max(sizes.regressions) * sizes.horizon


def sample_bytes(rows: int, *, targets: int) -> int:
    """Return the bytes of sample paths: the numbers and their copy, times with their index, and the text of the output.

    Args:
        rows: series x samples x steps.
        targets: columns of numbers.
    """
    numbers, times = 2 * DOUBLE * targets, 2 * INDEX
    return rows * (numbers + times + MIN_TEXT * (2 + targets))
