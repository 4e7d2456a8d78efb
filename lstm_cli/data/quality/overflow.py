"""Overflow: values that are too large to be scaled, and differences that are too small for 32-bit floats."""

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

MAX_VALUE = 1e150  # the sum of its squares over all rows is finite


def refuse_overflow(table: Table) -> None:
    """Raise DataError for values whose squares overflow, because they have no standard deviation."""

    def has_overflow(span: slice) -> bool:
        cells = table.values[span]
        highest = np.fmax.reduce(cells, axis=None, initial=0.0)
        lowest = np.fmin.reduce(cells, axis=None, initial=0.0)
        return bool(highest > MAX_VALUE or lowest < -MAX_VALUE)

    spans = list(row_chunks(len(table.lines)))
    large = [
        span.start + np.flatnonzero((np.abs(table.values[span]) > MAX_VALUE).any(axis=1))
        for span, overflows in zip(spans, ordered_map(has_overflow, spans), strict=True)
        if overflows
    ]
    if large:
        rows = np.concatenate(large)
        row = int(rows[np.argmin(table.lines[rows])])  # the first in the file
        raise _too_large_error(table, row, int(np.argmax(np.abs(table.values[row]) > MAX_VALUE)))


def _too_large_error(table: Table, row: int, column: int) -> DataError:
    return DataError(
        f"{table.values[row, column]:.15g} is too large to be scaled (max {MAX_VALUE:g})",
        hint="correct that line, or write the column in a larger unit",
        rule="D603",
        at=location_formatter(table).at(table.lines[row], table.columns[column]),
    )


def float32_overflow_error(table: Table, column: int, scaler: str) -> DataError:
    """Return the error for a column whose scaled values overflow 32-bit floats.

    Args:
        table: rows of the file.
        column: index of the column.
        scaler: value of `--scaler`.
    """
    row = int(np.nanargmax(np.abs(table.values[:, column])))
    wider = "" if scaler == "standard" else "use --scaler standard, or "
    return DataError(
        f"{table.values[row, column]:.15g} is too large for 32-bit floats with --scaler {scaler}",
        hint=f"{wider}correct that line, or write the column in a larger unit",
        rule="D604",
        at=location_formatter(table).at(table.lines[row], table.columns[column]),
        flags=("--scaler",),
    )


def warn_float32_collapse(
    schema: Schema, names: Sequence[str], training: TrainingStatistics, scaler: Scaler, source: str
) -> list[Finding]:
    """Return a finding for each target whose different values become equal as scaled 32-bit floats.

    Args:
        schema: columns of the data.
        names: names of the series.
        training: statistics of the training rows.
        scaler: fitted scaler.
        source: name of the data in messages.
    """
    findings, width = [], len(schema.targets)
    with np.errstate(over="ignore"):
        scaled = [
            ((end - scaler.center[:, :width]) / scaler.scale[:, :width]).astype(np.float32)
            for end in (training.least, training.greatest)
        ]
    collapsed = (scaled[0] == scaled[1]) & (training.least < training.greatest)
    for column in np.flatnonzero(collapsed.any(axis=0)):
        series = int(np.argmax(collapsed[:, column]))
        series_phrase = series_text(names[series], schema.series_name)
        findings.append(
            Finding.at(
                CellLocation(source=source, column=schema.targets[column]).file_only,
                "D605",
                f"the values of {quote_name(schema.targets[column])}{series_phrase} "
                f"({training.least[series, column]:.15g} to {training.greatest[series, column]:.15g}) are too close "
                "together for 32-bit floats, so they count as constant (use --scaler standard, or another unit)",
                flags=("--scaler",),
            )
        )
    return findings


def find_constant_training(
    schema: Schema,
    names: Sequence[str],
    training: TrainingStatistics,
    *,
    rows: np.ndarray,
    whole: Sequence[RowSlices],
    source: str,
) -> list[Finding]:
    """Return a finding for each target that varies, but is constant in the training rows of all series.

    Args:
        schema: columns of the data.
        names: names of the series.
        training: statistics of the training rows.
        rows: [S] number of training rows.
        whole: for each series all rows of its targets.
        source: name of the data in messages.
    """
    constant = (training.least == training.greatest).all(axis=0)
    if not constant.any():
        return []
    findings, longest = [], int(np.argmax(rows))
    minimum, maximum = column_ranges(whole)
    varies = (minimum < maximum).any(axis=0)  # a column that never varies has its own finding
    for column in np.flatnonzero(constant & varies):
        findings.append(
            Finding.at(
                CellLocation(source=source, column=schema.targets[column]).file_only,
                "D606",
                f"{quote_name(schema.targets[column])} is constant in the {int(rows[longest]):,} training rows"
                f"{series_text(names[longest], schema.series_name)} (all {training.least[longest, column]:.15g}), "
                "so a model learns nothing from them (use --start, --val or --test to train on other rows)",
                flags=("--start", "--val", "--test"),
            )
        )
    return findings
