"""Values that are too large to be scaled, and differences that are too small to be seen."""

from collections.abc import Sequence

import numpy as np

from lstm_cli.data.cells import named
from lstm_cli.data.dataset import Schema, TrainingStatistics
from lstm_cli.data.in_order import in_order
from lstm_cli.data.ordering import wording_of
from lstm_cli.data.scaling import Scaler
from lstm_cli.data.series import Grid
from lstm_cli.data.spans import spans
from lstm_cli.data.table import Table
from lstm_cli.errors import DataError

LARGEST = 1e150  # its square, summed over all rows, is still a number


def refuse_immense(table: Table) -> None:
    """Raises DataError for values whose squares are beyond what can be held: they have no standard deviation."""

    def immense(span: slice) -> bool:
        cells = table.values[span].reshape(-1)
        return bool(
            np.fmax.reduce(cells, initial=0.0) > LARGEST or np.fmin.reduce(cells, initial=0.0) < -LARGEST
        )

    every = list(spans(len(table.lines)))
    for span, found in zip(every, in_order(immense, every), strict=True):
        if found:
            row, column = (int(place) for place in np.argwhere(np.abs(table.values[span]) > LARGEST)[0])
            raise _immense(table, span.start + row, column)


def _immense(table: Table, row: int, column: int) -> DataError:
    return DataError(
        f"{wording_of(table).at(table.lines[row])}, column {named(table.columns[column])}: "
        f"{table.values[row, column]:.15g} is too large to be scaled, which ends at {LARGEST:g}",
        hint="mend that line, or write the column in a larger unit",
    )


def too_far(table: Table, column: int, scaler: str) -> DataError:
    """A value of a column leaves 32-bit floats once it is scaled."""
    row = int(np.nanargmax(np.abs(table.values[:, column])))
    wider = "" if scaler == "standard" else "use --scaler standard, or "
    return DataError(
        f"{wording_of(table).at(table.lines[row])}, column {named(table.columns[column])}: "
        f"{table.values[row, column]:.15g} is too large for 32-bit floats with --scaler {scaler}",
        hint=f"{wider}mend that line, or write the column in a larger unit",
    )


def tell_unseen(
    schema: Schema, names: Sequence[str], training: TrainingStatistics, scaler: Scaler, source: str
) -> list[str]:
    """A warning for each target whose values differ, though no longer once they are 32-bit floats."""
    warnings, width = [], len(schema.targets)
    with np.errstate(over="ignore"):
        ends = [
            ((end - scaler.center[:, :width]) / scaler.scale[:, :width]).astype(np.float32)
            for end in (training.least, training.greatest)
        ]
    unseen = (ends[0] == ends[1]) & (training.least < training.greatest)
    for column in np.flatnonzero(unseen.any(axis=0)):
        one = int(np.argmax(unseen[:, column]))
        of = f" of series {named(names[one])}" if schema.series_name is not None else ""
        warnings.append(
            f"{source}: the values of {named(schema.targets[column])}{of} lie from "
            f"{training.least[one, column]:.15g} to {training.greatest[one, column]:.15g}, too close for 32-bit "
            "floats to tell apart, so they count as one (--scaler standard, or another unit, may show them)"
        )
    return warnings


def tell_still(
    schema: Schema, grid: Grid, training: TrainingStatistics, rows: np.ndarray, source: str
) -> list[str]:
    """A warning for each target that varies, but in no training row of any series.

    rows: [S] how many each has.
    """
    warnings, names = [], grid.names
    for column in np.flatnonzero((training.least == training.greatest).all(axis=0)):
        if not _varies(grid, int(column)):  # which is told as such
            continue
        one = int(np.argmax(rows))
        of = f" of series {named(names[one])}" if schema.series_name is not None else ""
        warnings.append(
            f"{source}: the {int(rows[one]):,} training rows{of} all hold {training.least[one, column]:.15g} in "
            f"{named(schema.targets[column])}, so a model learns nothing from them (--start, --val and --test say "
            "which rows are trained on)"
        )
    return warnings


def _varies(grid: Grid, column: int) -> bool:
    """Whether a column has two values in one series."""
    begins = np.append(0, np.cumsum(grid.counts + grid.ahead))
    for begin, end in zip(begins[:-1].tolist(), begins[1:].tolist(), strict=True):
        values = grid.piece(begin, end)[:, column]
        if np.fmin.reduce(values) < np.fmax.reduce(values):
            return True
    return False
