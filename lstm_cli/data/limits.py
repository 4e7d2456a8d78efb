"""Values that are too large to be scaled, and differences that are too small to be seen."""

import numpy as np

from lstm_cli.data.cells import named
from lstm_cli.data.dataset import Dataset
from lstm_cli.data.ordering import wording_of
from lstm_cli.data.table import Table
from lstm_cli.errors import DataError

LARGEST = 1e150  # its square, summed over all rows, is still a number


def refuse_immense(table: Table) -> None:
    """Raises DataError for values whose squares are beyond what can be held: they have no standard deviation."""
    greatest = np.maximum(np.fmax.reduce(table.values), -np.fmin.reduce(table.values))  # takes no memory
    if not (greatest > LARGEST).any():
        return
    column = int(np.argmax(greatest > LARGEST))
    row = int(np.argmax(np.abs(table.values[:, column]) > LARGEST))
    raise DataError(
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


def tell_unseen(dataset: Dataset, source: str) -> list[str]:
    """A warning for each target whose values differ, though no longer once they are 32-bit floats."""
    table, warnings = dataset.series, []
    rows = dataset.values_scaled[:, : dataset.targets]
    same = np.maximum.reduceat(rows, table.offset) == np.minimum.reduceat(rows, table.offset)
    differ = dataset.training.least < dataset.training.greatest
    for column in np.flatnonzero((same & differ).any(axis=0)):
        one = int(np.argmax((same & differ)[:, column]))
        of = f" of series {named(table.names[one])}" if dataset.schema.series_name is not None else ""
        warnings.append(
            f"{source}: the values of {named(dataset.schema.targets[column])}{of} lie from "
            f"{dataset.training.least[one, column]:.15g} to {dataset.training.greatest[one, column]:.15g}, too close "
            "for 32-bit floats to tell apart, so they count as one (--scaler standard, or another unit, may show them)"
        )
    return warnings
