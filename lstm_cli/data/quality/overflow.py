"""Values that are too large to be scaled, and differences that are too small to be seen."""

from collections.abc import Sequence

import numpy as np

from lstm_cli.data.chunks import RowSlices, row_chunks
from lstm_cli.data.dataset.dataset import Schema, TrainingStatistics
from lstm_cli.data.dataset.scaling import Scaler, column_ranges
from lstm_cli.data.grid.sorting import location_formatter
from lstm_cli.data.locations import CellLocation, quote_name, series_text
from lstm_cli.data.parallel import ordered_map
from lstm_cli.data.reading.table import Table
from lstm_cli.errors import DataError
from lstm_cli.findings import Finding

MAX_VALUE = 1e150  # its square, summed over all rows, is still a number


def refuse_overflow(table: Table) -> None:
    """Raises DataError for values whose squares are beyond what can be held: they have no standard deviation."""

    def immense(span: slice) -> bool:
        cells = table.values[span].reshape(-1)
        return bool(
            np.fmax.reduce(cells, initial=0.0) > MAX_VALUE or np.fmin.reduce(cells, initial=0.0) < -MAX_VALUE
        )

    every = list(row_chunks(len(table.lines)))
    for span, found in zip(every, ordered_map(immense, every), strict=True):
        if found:
            row, column = (int(place) for place in np.argwhere(np.abs(table.values[span]) > MAX_VALUE)[0])
            raise _too_large_error(table, span.start + row, column)


def _too_large_error(table: Table, row: int, column: int) -> DataError:
    return DataError(
        f"{table.values[row, column]:.15g} is too large to be scaled, which ends at {MAX_VALUE:g}",
        hint="mend that line, or write the column in a larger unit",
        rule="D603",
        at=location_formatter(table).at(table.lines[row], table.columns[column]),
    )


def float32_overflow_error(table: Table, column: int, scaler: str) -> DataError:
    """A value of a column leaves 32-bit floats once it is scaled."""
    row = int(np.nanargmax(np.abs(table.values[:, column])))
    wider = "" if scaler == "standard" else "use --scaler standard, or "
    return DataError(
        f"{table.values[row, column]:.15g} is too large for 32-bit floats with --scaler {scaler}",
        hint=f"{wider}mend that line, or write the column in a larger unit",
        rule="D604",
        at=location_formatter(table).at(table.lines[row], table.columns[column]),
        flags=("--scaler",),
    )


def warn_float32_collapse(
    schema: Schema, names: Sequence[str], training: TrainingStatistics, scaler: Scaler, source: str
) -> list[Finding]:
    """Return a finding for each target whose values differ, though no longer once they are 32-bit floats."""
    found, width = [], len(schema.targets)
    with np.errstate(over="ignore"):
        scaled = [
            ((end - scaler.center[:, :width]) / scaler.scale[:, :width]).astype(np.float32)
            for end in (training.least, training.greatest)
        ]
    unseen = (scaled[0] == scaled[1]) & (training.least < training.greatest)
    for column in np.flatnonzero(unseen.any(axis=0)):
        one = int(np.argmax(unseen[:, column]))
        of = series_text(names[one], schema.series_name)
        found.append(
            Finding.at(
                CellLocation(source=source, column=schema.targets[column]).file_only,
                "D605",
                f"the values of {quote_name(schema.targets[column])}{of} lie from {training.least[one, column]:.15g} to "
                f"{training.greatest[one, column]:.15g}, too close for 32-bit floats to tell apart, so they count as "
                "one (--scaler standard, or another unit, may show them)",
                flags=("--scaler",),
            )
        )
    return found


def find_constant_training(
    schema: Schema,
    names: Sequence[str],
    training: TrainingStatistics,
    *,
    rows: np.ndarray,
    whole: Sequence[RowSlices],
    source: str,
) -> list[Finding]:
    """Return a finding for each target that varies, but in no training row of any series.

    rows: [S] how many training rows each has; whole: all rows of each, the targets.
    """
    still = (training.least == training.greatest).all(axis=0)
    if not still.any():
        return []
    found, one = [], int(np.argmax(rows))
    varies = np.any(
        [low < high for low, high in map(column_ranges, whole)], axis=0
    )  # else it is told as constant
    for column in np.flatnonzero(still & varies):
        found.append(
            Finding.at(
                CellLocation(source=source, column=schema.targets[column]).file_only,
                "D606",
                f"the {int(rows[one]):,} training rows{series_text(names[one], schema.series_name)} all hold "
                f"{training.least[one, column]:.15g} in {quote_name(schema.targets[column])}, so a model learns nothing "
                "from them (--start, --val and --test say which rows are trained on)",
                flags=("--start", "--val", "--test"),
            )
        )
    return found
