"""The arrays of each stage of a step, in bytes: the arithmetic behind `needs`. It loads no torch."""

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

FLOAT, DOUBLE, BOOL, PLACE = 4, 8, 1, 8  # bytes
KINDS = 8  # of regressions, for each lookback
WORKERS = 2  # regressions and networks that are fitted side by side: of two cores
GATES = 6  # floats that a forecast keeps for each output of an LSTM layer: its input, four gates, itself
KEPT = 12  # the same of a training step (measured: forward 8.6, backward 12.2)
UNRETURNED = 60_000_000  # that a thread has freed and the C library keeps (measured)
REFITTED = 2  # the weights of a model, before and after the refit


@dataclass(frozen=True, kw_only=True)
class ArraySizes:
    """What the arrays of a data set and of its forecasts are made of."""

    rows: int  # T
    inputs: int  # F, with those of the calendar
    columns: int  # stored ones
    targets: int  # C
    horizon: int  # H
    segments: int  # of the longest lookback of a network

    @staticmethod
    def from_schema(schema: Schema, series: SeriesTable) -> "ArraySizes":
        """Return those of data as they stand in a run."""
        return ArraySizes(
            rows=int((series.count + series.ahead).sum()),
            inputs=len(schema.columns) + len(schema.calendar),
            columns=len(schema.columns),
            targets=len(schema.targets),
            horizon=schema.horizon,
            segments=segments(schema, _free_lookback(schema)),
        )

    def batch_size(self, reach: int) -> int:
        """Return how many windows of so many steps are scored at a time, as `Windows.at_once` has it."""
        cells = MAX_GATHERED_CELLS // max(1, reach * self.inputs)
        return max(1, min(BATCH, MAX_SCORED_ROWS // self.targets, cells))


@dataclass(frozen=True, kw_only=True)
class TrainingSizes(ArraySizes):
    """What the arrays of a training are made of too."""

    lookback: int  # L
    reach: int  # steps that the default model looks back
    regressions: tuple[int, ...]  # lookbacks K of the linear forecast
    train: int  # windows, at most
    val: int
    blocks: int  # of rows that the linear forecast is scored on

    @staticmethod
    def from_schema(schema: Schema, series: SeriesTable) -> "TrainingSizes":
        """Return those of data as they stand in a run."""
        from lstm_cli.linear.ensemble import linear_lookbacks
        from lstm_cli.linear.validation_blocks import ENOUGH_HORIZONS, MAX_BLOCKS, shift_splits

        regressions = linear_lookbacks(
            lookback=schema.lookback,
            rows=int(np.median(series.train_end)),
            horizon=schema.horizon,
            season=schema.season,
            fixed=schema.lookback_fixed,
        )
        far = 0 if schema.lookback_fixed else max((s for s in schema.seasons if s > MAX_LOOKBACK), default=0)
        needed = schema.lookback if schema.lookback_fixed and not schema.pad else 0
        earlier = shift_splits(schema, series, horizons=ENOUGH_HORIZONS, max_blocks=MAX_BLOCKS)
        return TrainingSizes(
            **vars(ArraySizes.from_schema(schema, series)),
            lookback=schema.lookback,
            reach=max(_free_lookback(schema), far, *regressions),
            regressions=regressions,
            train=int(np.maximum(series.train_end - needed, 0).sum()),
            val=int((series.val_end - series.train_end).sum()),
            blocks=1 + len(earlier),
        )


def _free_lookback(schema: Schema) -> int:
    """Return the steps that the free network of the default model reads."""
    return int((1 if schema.lookback_fixed else FREE_LOOKBACK_FACTOR) * schema.lookback)


def segments(schema: Schema, lookback: int) -> int:
    """About how many segments of a season or a part of it a network of the default model reads."""
    if 4 <= schema.season <= 48:
        return max(1, lookback // schema.season)
    part = 13 if schema.season > 48 else 4
    return max(1, min(lookback // part, lookback * MAX_SEGMENTS // max(1, schema.lookback)))


def data(sizes: ArraySizes, *, copies: int) -> int:
    """Return the stored values, once more with the calendar's columns, their mask, and copies of what networks read."""
    calendar = sizes.inputs if sizes.inputs > sizes.columns else 0
    stored = sizes.rows * (FLOAT * (sizes.columns + calendar) + BOOL * sizes.columns)
    return stored + copies * sizes.rows * FLOAT * (sizes.inputs + sizes.targets)


def linear(sizes: TrainingSizes) -> int:
    """Windows as rows, the regressions that are solved, and what each thread holds beside them."""
    from lstm_cli.linear.ridge import CHUNK_ROWS
    from lstm_cli.linear.validation_blocks import MAX_FIT_ROWS, MAX_SCORED_CELLS

    longest, horizon = max(sizes.regressions), sizes.horizon
    # Of each row the values and their mask, and of each step ahead the target, what was taken out, if measured.
    row = longest * (FLOAT + BOOL) + horizon * (2 * FLOAT + BOOL)
    fitted = min(MAX_FIT_ROWS, sizes.train * sizes.targets)
    judged = min(MAX_SCORED_CELLS // horizon, sizes.val * sizes.targets)
    solved = KINDS * sum(DOUBLE * steps * (steps + horizon) for steps in sizes.regressions)
    summing = min(CHUNK_ROWS, fitted) * (row + (longest + horizon) * (FLOAT + DOUBLE))
    solving = 5 * DOUBLE * longest**2
    scoring = judged * (3 * FLOAT * longest + 3 * DOUBLE * horizon)
    rows = (fitted + sizes.blocks * judged) * row
    beside = max(summing, solving, scoring)
    return rows + sizes.blocks * solved + WORKERS * (beside + min(beside, UNRETURNED))


def network_rows(sizes: ArraySizes, *, windows: int, hidden: int, kept: int) -> int:
    """Return what networks of the default model hold of so many windows: each target is a row."""
    return FLOAT * windows * sizes.targets * sizes.segments * hidden * kept


def weighing(sizes: TrainingSizes, *, parts: int) -> int:
    """Return the validation forecasts of the parts, which their weights rest on."""
    from lstm_cli.training.setup.hyperparameters import MAX_WEIGHT_CELLS, MAX_WEIGHT_ROWS

    cells = min(MAX_WEIGHT_CELLS, sizes.horizon * min(MAX_WEIGHT_ROWS, sizes.val * sizes.targets))
    return cells * (2 * FLOAT * parts + 2 * FLOAT + DOUBLE)


def gathered(sizes: ArraySizes, *, windows: int, reach: int) -> int:
    """Windows of so many steps: their places, inputs and mask, and what intervals make of the targets."""
    step = 2 * PLACE + FLOAT * (2 * sizes.inputs + 1) + 3 * DOUBLE * sizes.targets
    ahead = sizes.targets * 10 * DOUBLE  # forecasts of the parts, their errors, the ends of intervals
    return windows * (reach * step + sizes.horizon * ahead)


def maps(sizes: TrainingSizes) -> int:
    """Return the matrices of the linear forecast, as weights, as a graph and while one becomes the other."""
    return REFITTED * 2 * 4 * FLOAT * max(sizes.regressions) * sizes.horizon
